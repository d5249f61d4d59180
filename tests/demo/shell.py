"""Runs the commands that the demo shows, exactly as it shows them, and holds what they do to be true."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from controlplane import processes
from demo import terminal

LONGEST_COMMAND = 150.0
PATIENCE = 60.0
"""Seconds that every `kubectl wait` gets; on an idle machine all but one end after one or two."""


class Unexpected(Exception):
    """Something is not as it should be; the text says what was expected and what was seen."""


class Shell:
    """A shell with an environment of its own, whose commands are shown."""

    def __init__(
        self,
        screen: terminal.Terminal,
        environment: Mapping[str, str],
        supervisor: processes.Supervisor,
    ) -> None:
        self.screen = screen
        self._environment = dict(environment)
        self._supervisor = supervisor

    def run(
        self, command: str, *, stdin: str | None = None, notes: Iterable[str] = (), refused: bool = False
    ) -> str:
        """Shows a command, its input as `notes` say it, and its output, which it returns.

        It must end with 0, or where it is to be `refused` with something else.
        """
        self.screen.command(command, notes=notes)
        done = self._complete(f"({command}) 2>&1", stdin)
        printed = done.stdout
        self.screen.output(printed)
        if (done.returncode != 0) is not refused:
            expected = "another exit status than 0" if refused else "exit status 0"
            raise Unexpected(
                f"expected: {expected} of {command}\nseen: exit status {done.returncode}\n{printed}"
            )
        return printed

    def wait(self, what: str, condition: str) -> None:
        """Waits for a condition of an object by `kubectl wait`."""
        self.run(f"kubectl wait {what} --for={condition} --timeout={PATIENCE:.0f}s")

    def see(self, what: str, *, expected: object, seen: object) -> None:
        """Checks that something is as expected."""
        if seen != expected:
            raise Unexpected(f"expected: {what}: {expected}\nseen: {seen}")
        self.screen.passed(what)

    def see_condition(self, credential: str, name: str, status: str, reason: str) -> None:
        """Checks a condition of a Credential."""
        self.see(
            f"Credential {credential} has the condition {name} {status}, reason {reason}",
            expected=f"{status} {reason}",
            seen=self._condition(credential, name),
        )

    def get(self, *what: str) -> dict[str, Any] | None:
        """Reads an object without showing it; None where there is none."""
        done = self._complete(f"kubectl get {' '.join(what)} --ignore-not-found -o json", None)
        if done.returncode != 0:
            raise Unexpected(f"expected: to read {' '.join(what)}\nseen: {done.stderr}")
        return dict(json.loads(done.stdout)) if done.stdout else None

    def _condition(self, credential: str, name: str) -> str:
        found = self.get("credential", credential) or {}
        conditions = found.get("status", {}).get("conditions", [])
        return next((f"{one['status']} {one['reason']}" for one in conditions if one["type"] == name), "none")

    def _complete(self, command: str, stdin: str | None) -> subprocess.CompletedProcess[str]:
        """Runs it in a process group of its own, which is ended whole if the demo ends first."""
        with subprocess.Popen(
            ["sh", "-c", command],
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
            process_group=0,
        ) as process:
            try:
                with self._supervisor.adopting(-process.pid):
                    stdout, stderr = process.communicate(stdin, timeout=LONGEST_COMMAND)
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

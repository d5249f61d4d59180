"""The parent's end of an emulator that runs in a process of its own."""

from __future__ import annotations

import json
import os
import pathlib
import select
import subprocess
import sys
import threading
import time
import types
from typing import Any, ClassVar, Self

_START_SECONDS = 60.0
_CALL_SECONDS = 30.0
_STOP_SECONDS = 5.0
_TESTS = pathlib.Path(__file__).resolve().parents[1]


class EmulatorError(RuntimeError):
    """Says what an emulator refused to do, or that it ended."""


class Child:
    """A process that answers one JSON line with another and ends when its input does."""

    def __init__(self, kind: str, config: dict[str, Any]) -> None:
        self._lock = threading.Lock()
        self._sent = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "emulators.server", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            # Ctrl-C goes to the tests only: their fixtures still need the emulator to tear down.
            start_new_session=True,
        )
        try:
            self.facts: dict[str, Any] = self._exchange(config, _START_SECONDS)
        except BaseException:
            self.stop()
            raise

    def call(self, command: str, /, **arguments: Any) -> Any:
        """Has the emulator run one command and returns its result."""
        return self._exchange({"call": command, "with": arguments}, _CALL_SECONDS)

    @property
    def pid(self) -> int:
        """The process id of the emulator."""
        return self._process.pid

    def stop(self) -> None:
        """Ends the process, by force when it does not follow."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _exchange(self, message: dict[str, Any], seconds: float) -> Any:
        with self._lock:
            self._sent += 1
            self._write({"id": self._sent, **message})
            reply = self._read(self._sent, time.monotonic() + seconds)
        if "error" in reply:
            raise EmulatorError(reply["error"])
        return reply["result"]

    def _write(self, message: dict[str, Any]) -> None:
        stdin = self._process.stdin
        if stdin is None or stdin.closed:
            raise EmulatorError("the emulator is stopped")
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _read(self, number: int, deadline: float) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        while select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            line = stdout.readline()
            if not line:
                raise self._ended()
            reply: dict[str, Any] = json.loads(line)
            # A call that Ctrl-C interrupted leaves its answer behind: skip it.
            if reply["id"] == number:
                return reply
        raise EmulatorError("the emulator did not answer in time")

    def _ended(self) -> EmulatorError:
        code = self._process.wait(_STOP_SECONDS)
        return EmulatorError(f"the emulator ended with exit code {code}; its stderr says why")


class Emulator:
    """An emulator as a context manager: it serves from entry to exit."""

    kind: ClassVar[str]

    def __init__(self, **config: Any) -> None:
        self._config = config
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Starts serving."""
        self._child = Child(self.kind, self._config)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        """Stops serving; no process and no file is left behind."""
        child, self._child = self._child, None
        if child:
            child.stop()

    @property
    def child(self) -> Child:
        """The running process; EmulatorError outside of the `with` block."""
        if self._child is None:
            raise EmulatorError(f"{type(self).__name__} serves inside its `with` block only")
        return self._child

    @property
    def url(self) -> str:
        """Where it serves, for example https://127.0.0.1:40001."""
        return str(self.child.facts["url"])

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        return int(self.child.facts["port"])

    @property
    def ca_pem(self) -> bytes:
        """The certificate of its authority; empty when it serves plain HTTP."""
        return str(self.child.facts["ca_pem"]).encode()

    @property
    def ca_path(self) -> str | None:
        """A file with `ca_pem` that lives as long as the emulator; None for plain HTTP."""
        path = self.child.facts["ca_path"]
        return None if path is None else str(path)

    @property
    def pid(self) -> int:
        """The process id of the emulator."""
        return self.child.pid

    @property
    def cpu_seconds(self) -> float:
        """CPU time the emulator has used since it started."""
        return float(self.child.call("cpu_seconds"))


def _environment() -> dict[str, str]:
    """Leaves the caller's clouds, proxies and profiles behind."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(_TESTS),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }

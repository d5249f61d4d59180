"""What somebody types at a terminal: keys without an echo, answers to questions, an interrupt."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest

from cli.desk import PLUGIN, Desk

SECRET, KEY_ID = "Kanarie7bPxRfiCYEXAMPLEKEYwJalrXUtnFEMIK", "AKIAIOSFODNN7EXAMPLE"
SECONDS = 20.0


class Terminal:
    """The plugin on a pseudo-terminal."""

    def __init__(self, desk: Desk, *words: str) -> None:
        own, other = pty.openpty()
        self.process = subprocess.Popen(
            [PLUGIN, *words],
            stdin=other,
            stdout=other,
            stderr=other,
            env=desk.environment(TERM="xterm", NO_COLOR="1"),
            start_new_session=True,
            preexec_fn=lambda: _control(other),  # noqa: PLW1509  as a shell does it
        )
        os.close(other)
        self._own = own
        self.seen = ""

    def expect(self, text: str) -> None:
        """Wait until something is shown."""
        deadline = time.monotonic() + SECONDS
        while not re.search(text, self.seen):
            assert self._read(deadline), self.seen

    def expect_hidden(self, text: str) -> None:
        """Wait until something is asked for, and what is typed is not shown any more.

        What was typed before that is thrown away.
        """
        self.expect(text)
        deadline = time.monotonic() + SECONDS
        while termios.tcgetattr(self._own)[3] & termios.ECHO:
            assert time.monotonic() < deadline, self.seen
            time.sleep(0.01)

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._own, text.encode())

    def end(self) -> int:
        """Read to the end and return the exit status."""
        deadline = time.monotonic() + SECONDS
        while self._read(deadline):
            pass
        os.close(self._own)
        return self.process.wait(SECONDS)

    def _read(self, deadline: float) -> bool:
        """Read what is shown next; False at the end."""
        readable, _, _ = select.select([self._own], [], [], deadline - time.monotonic())
        assert readable, self.seen
        try:
            self.seen += os.read(self._own, 65536).decode()
        except OSError:  # nobody writes any more
            return False
        return True


def _control(terminal: int) -> None:
    """Make it the terminal that sends interrupts."""
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_keys_are_asked_for_without_an_echo(desk: Desk) -> None:
    terminal = Terminal(desk, "create", "aws", "backups")
    for field, typed in {"accessKeyID": KEY_ID, "secretAccessKey": SECRET, "sessionToken": ""}.items():
        terminal.expect_hidden(field)
        terminal.type(f"{typed}\n")

    assert terminal.end() == 0, terminal.seen
    assert "Credential backups is made." in terminal.seen
    assert SECRET not in terminal.seen
    assert any("c2VjcmV0" in call["stdin"] or "secretAccessKey" in call["stdin"] for call in desk.calls)


def test_public_fields_that_are_needed_are_asked_for(desk: Desk) -> None:
    terminal = Terminal(desk, "create", "registry", "pulls", "--no-secret", "--dry-run=client", "-o", "yaml")
    terminal.expect("host")
    terminal.type("ghcr.io\n")

    assert terminal.end() == 0, terminal.seen
    assert "host: ghcr.io" in terminal.seen


def test_an_interrupt_at_a_prompt_makes_nothing_and_shows_no_traceback(desk: Desk) -> None:
    terminal = Terminal(desk, "create", "aws", "backups")
    terminal.expect_hidden("accessKeyID")
    terminal.type("\x03")

    assert terminal.end() == 130
    assert "Traceback" not in terminal.seen
    assert not (desk.folder / "calls.jsonl").exists()


@pytest.mark.parametrize(("answer", "status", "deleted"), [("y\n", 0, 2), ("n\n", 1, 0)])
def test_references_are_deleted_when_that_was_confirmed(
    desk: Desk, answer: str, status: int, deleted: int
) -> None:
    terminal = Terminal(desk, "delete-refs", "backups")
    terminal.expect(r"Delete 2 references to backups\?")
    terminal.type(answer)

    assert terminal.end() == status, terminal.seen
    assert sum(call["argv"][0] == "delete" for call in desk.calls) == deleted


def test_an_event_says_who_deleted_whose_references(desk: Desk) -> None:
    assert desk.run("delete-refs", "backups", "--yes").returncode == 0

    (event,) = (json.loads(call["stdin"]) for call in desk.calls if '"Event"' in call["stdin"])
    assert event["involvedObject"]["name"] == "backups"
    assert event["message"].startswith(
        "alice deleted CredentialReferences that needed this Credential: team-"
    )


def test_who_may_write_no_events_is_told_where_it_stands_who_did_it(desk: Desk) -> None:
    desk.refuse(
        "kind=Event", 'Error from server (Forbidden): events is forbidden: User "alice" cannot create'
    )
    answer = desk.run("delete-refs", "backups", "--yes")

    assert answer.returncode == 0
    assert "the API server's audit log does" in answer.stderr


def test_where_nobody_can_be_asked_a_deletion_wants_to_be_confirmed_on_the_line(desk: Desk) -> None:
    answer = desk.run("delete-refs", "backups")

    assert answer.returncode == 2
    assert "say --yes" in answer.stderr
    assert desk.run("delete-refs", "backups", "--yes").returncode == 0


def test_a_command_that_runs_while_a_credential_is_held_gets_the_signals_that_end_it(desk: Desk) -> None:
    condition = {"type": "Bound", "status": "True"}
    metadata = {"uid": "u", "name": "n", "namespace": "n"}
    bound = json.dumps({"metadata": metadata, "status": {"conditions": [condition]}})
    (desk.folder / "kubectl").write_text(f"#!/bin/sh\necho \"$1\" >> {desk.folder}/verbs\necho '{bound}'\n")
    command = (
        "hold",
        "backups",
        "--reason",
        "r",
        "--",
        "sh",
        "-c",
        "trap 'exit 7' TERM; echo on; while :; do sleep 0.1; done",
    )
    with subprocess.Popen(
        [PLUGIN, *command], stdout=subprocess.PIPE, text=True, env=desk.environment()
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGTERM)
        status = process.wait(SECONDS)

    assert status == 7
    assert (desk.folder / "verbs").read_text().split()[-1] == "delete"

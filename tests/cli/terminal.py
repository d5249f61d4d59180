"""Where somebody types: a pseudo-terminal, as a shell gives it to a command."""

import fcntl
import os
import pathlib
import pty
import re
import select
import subprocess
import termios
import time
import weakref
from collections.abc import Mapping, Sequence

SECONDS = 20.0


class Terminal:
    """A command on a pseudo-terminal; whatever is waited for comes within so many seconds."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, seconds: float = SECONDS
    ) -> None:
        own, other = pty.openpty()
        self._seconds = seconds
        self.process = subprocess.Popen(
            command,
            stdin=other,
            stdout=other,
            stderr=other,
            env={**environment, "TERM": "xterm", "NO_COLOR": "1"},
            start_new_session=True,
            preexec_fn=lambda: _control(other),  # noqa: PLW1509  as a shell does it
        )
        os.close(other)
        # A test that fails leaves its command, and that must not be another test's failure.
        weakref.finalize(self, _end, self.process)
        self._own = own
        self.seen = ""

    def expect(self, text: str) -> None:
        """Wait until something is shown."""
        deadline = time.monotonic() + self._seconds
        while not re.search(text, self.seen):
            assert self._read(deadline), self.seen

    def expect_hidden(self, text: str) -> None:
        """Wait until something is asked for, and what is typed is not shown any more.

        What was typed before that is thrown away.
        """
        self.expect(text)
        deadline = time.monotonic() + self._seconds
        while termios.tcgetattr(self._own)[3] & termios.ECHO:
            assert time.monotonic() < deadline, self.seen
            time.sleep(0.01)

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._own, text.encode())

    def interrupt(self) -> None:
        """Type Ctrl-C at what was asked, once the command waits for an answer.

        Python loses an interrupt that comes between its last look for one and its read, until more is typed.
        """
        deadline = time.monotonic() + self._seconds
        while not self._sleeps():
            assert time.monotonic() < deadline, self.seen
            time.sleep(0.01)
        self.type("\x03")

    def end(self) -> int:
        """Read to the end and return the exit status."""
        deadline = time.monotonic() + self._seconds
        while self._read(deadline):
            pass
        os.close(self._own)
        return self.process.wait(self._seconds)

    def _read(self, deadline: float) -> bool:
        """Read what is shown next; False at the end."""
        readable, _, _ = select.select([self._own], [], [], deadline - time.monotonic())
        assert readable, self.seen
        try:
            self.seen += os.read(self._own, 65536).decode()
        except OSError:  # nobody writes any more
            return False
        return True

    def _sleeps(self) -> bool:
        status = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        return status.rpartition(")")[2].split()[0] == "S"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it if it still runs."""
    process.kill()
    process.wait()


def _control(terminal: int) -> None:
    """Make it the terminal that sends interrupts."""
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

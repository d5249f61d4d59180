"""Shows on the standard error stream what takes long, and for how long it already has."""

import sys
import time

TERMINAL_SECONDS = 1.0
PLAIN_SECONDS = 15.0


class Progress:
    """One line that is rewritten on a terminal, and printed again every 15 s elsewhere."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._terminal = sys.stderr.isatty()
        self._began = time.monotonic()
        self._shown = float("-inf")

    def show(self, state: str) -> None:
        """Show the state, unless it was shown a moment ago."""
        now = time.monotonic()
        if now - self._shown >= (TERMINAL_SECONDS if self._terminal else PLAIN_SECONDS):
            self._shown = now
            self._print(state, end="" if self._terminal else "\n")

    def done(self, state: str) -> None:
        """Show the last state, always."""
        self._print(state, end="\n")

    def _print(self, state: str, *, end: str) -> None:
        start = "\r\x1b[K" if self._terminal else ""
        sys.stderr.write(f"{start}{self._what}: {state}, {duration(time.monotonic() - self._began)}{end}")
        sys.stderr.flush()


def duration(seconds: float) -> str:
    """Return seconds as a person says them."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

"""What the demo prints: readable at 100 columns, in colours on a terminal only."""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import TextIO

COLUMNS = 100
"""The width where there is no terminal, and the least that output gets: tables suffer from less."""

BOLD, DIM, GREEN, RED, CYAN = "1", "2", "32", "31", "36"
WORDS = re.compile(r"(?:[^\s']|'[^']*')+")
"""The words of a shell command whose only quotes are single ones."""


class Terminal:
    """Prints titles, commands, their output and what was checked, each at once."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._steps = 0
        self._colours = self._stream.isatty() and not os.environ.get("NO_COLOR")
        self._columns = shutil.get_terminal_size((COLUMNS, 24)).columns if self._stream.isatty() else COLUMNS

    def title(self, text: str) -> None:
        """Begins a step, which gets the next number."""
        self._steps += 1
        self._line()
        for line in textwrap.wrap(f"{self._steps:2}. {text}", self._columns, subsequent_indent="    "):
            self._line(line, BOLD)

    def say(self, text: str) -> None:
        """Says something in prose."""
        for line in textwrap.wrap(text, self._columns, break_on_hyphens=False, break_long_words=False):
            self._line(line)

    def command(self, command: str, *, notes: Iterable[str] = ()) -> None:
        """Shows a command as it is run, and as comments what it reads from its standard input."""
        for line in folded(command, self._columns - 2):
            self._line(line, CYAN)
        for note in notes:
            self._line(f"  # {note}", DIM)

    def gap(self) -> None:
        """Leaves a line free."""
        self._line()

    def output(self, text: str) -> None:
        """Shows what a command printed; lines that are too long go on below, indented."""
        columns = max(self._columns, COLUMNS)
        for line in text.rstrip().splitlines():
            parts = [line]
            if len(line) > columns:
                parts = textwrap.wrap(line, columns, subsequent_indent="    ", break_on_hyphens=False)
            for part in parts:
                self._line(part)

    def passed(self, text: str) -> None:
        """Shows what was checked and is so."""
        for line in textwrap.wrap(f"ok: {text}", self._columns, subsequent_indent="    "):
            self._line(line, GREEN)

    def failed(self, text: str) -> None:
        """Shows what is not as it should be."""
        for line in text.splitlines():
            self._line(line, RED)

    def _line(self, text: str = "", colour: str = "") -> None:
        painted = f"\x1b[{colour}m{text}\x1b[0m" if colour and self._colours else text
        self._stream.write(f"{painted}\n")
        self._stream.flush()


def folded(command: str, columns: int) -> list[str]:
    """Breaks a command between words into lines that a shell reads as one."""
    lines = ["$"]
    for word in WORDS.findall(command):
        if len(lines[-1]) + 1 + len(word) > columns and lines[-1] != "$":
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {word}"
    return lines

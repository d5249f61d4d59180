"""Completion for kubectl, which completes its plugins by the program `kubectl_complete-NAME`.

It gives it the words after the plugin's name; the answer is a suggestion a line, and a directive (kubernetes.io,
"Extend kubectl with plugins").
"""

import sys
from typing import Any

import click
from click.shell_completion import ShellComplete

from credential_operator.cli import app

NO_FILES, FILES = ":4", ":0"
"""What the shell is told to do besides: nothing, or to complete files."""


def suggestions(command: click.Command, words: list[str]) -> list[str]:
    """Gives the lines for kubectl: suggestions with what they are after a tab, and the directive."""
    *before, incomplete = words or [""]
    shell: Any = ShellComplete(command, {}, "kubectl-credential", "_KUBECTL_CREDENTIAL_COMPLETE")
    found = shell.get_completions(before, incomplete)
    files = any(item.type in ("file", "dir") for item in found)
    plain = [item for item in found if item.type == "plain"]
    lines = [f"{item.value}\t{item.help}" if item.help else str(item.value) for item in plain]
    return [*lines, FILES if files else NO_FILES]


def main() -> None:
    """Answers kubectl."""
    sys.stdout.write("\n".join(suggestions(app.credential, sys.argv[1:])) + "\n")

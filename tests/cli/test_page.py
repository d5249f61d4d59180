"""The page about the plugin has every command and every exit status; what is shown of it can be typed."""

import re
import shlex
from pathlib import Path

import click
import pytest

from credential_operator.cli import app
from credential_operator.cli.problems import Exit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "kubectl-credential.md").read_text()
OTHERS = [(ROOT / name).read_text() for name in ("README.md", "docs/migrating.md")]
HELD = re.compile(r"^\$?\s*kubectl credential ([^|&#\n>…]+)", re.MULTILINE)


def examples() -> list[str]:
    """Return every line that the pages, the README and the helps show."""
    lines = [match[1] for text in (PAGE, *OTHERS) for match in HELD.finditer(text)]
    for name in app.COMMANDS:
        command = app.credential.get_command(click.Context(app.credential), name)
        lines += [line.partition("kubectl credential ")[2] for line in getattr(command, "examples", ())]
    return [re.split(r"[|&>]", line)[0].strip() for line in lines]


def test_every_command_is_on_the_page() -> None:
    listed = re.findall(r"^\| \[`([a-z-]+)`\].*", PAGE, re.MULTILINE)
    named = re.findall(r"\[`([a-z-]+)`\]\(#", PAGE)

    assert set(named) == set(app.COMMANDS)
    assert set(listed) <= set(named)


def test_every_exit_status_is_on_the_page() -> None:
    assert re.findall(r"^\| ([0-9]+) \|", PAGE, re.MULTILINE) == [str(int(status)) for status in Exit]


@pytest.mark.parametrize("line", sorted(set(examples())))
def test_what_is_shown_can_be_typed(line: str) -> None:
    command: click.Command = app.credential
    words = shlex.split(line)
    context = click.Context(command)
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None, name
        command = found

    # It raises a usage error where a word of the line means nothing.
    command.make_context(command.name, words)

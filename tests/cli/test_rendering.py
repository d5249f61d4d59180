"""What people see, as it stands in tests/golden/cli."""

import pathlib
from collections.abc import Callable

import click
import pytest

from cli import world
from credential_operator.api import reports
from credential_operator.cli import audit, description, listing, picture, reach, screen, sheets
from credential_operator.cli.description import Facts
from credential_operator.cli.documents import Credential, Reference, User

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "cli"
ALL = [Credential(document) for document in world.CREDENTIALS]
BACKUPS, _, PRINCIPAL, _ = ALL
CONSUMERS = {
    ("team-a", "backups-env"): [User("Deployment", "team-a", "api")],
    ("team-a", "backups-keys"): [User("Deployment", "team-a", "loader")],
    ("team-b", "costs-env"): [User("Deployment", "team-b", "report")],
}
FACTS = Facts(
    credential=BACKUPS,
    references=[one for one in map(Reference, world.REFERENCES) if one.needs(BACKUPS)],
    consumers=CONSUMERS,
    events=world.EVENTS,
)
COLOURS = {"green": "\x1b[32m", "yellow": "\x1b[33m"}
ROOT = picture.picture(FACTS)
REPORT = audit.report(
    [FACTS, *(Facts(credential=one) for one in ALL[1:])],
    world.NOW,
    cluster=reports.Cluster(name="production-eu"),
    scope=reports.Scope(seen_as="vera"),
)

SHOWN: dict[str, Callable[[], None]] = {
    "list.txt": lambda: screen.show(*listing.listing(ALL, world.NOW, everywhere=True)),
    "wide.txt": lambda: screen.show(*listing.listing(ALL, world.NOW, wide=True), wide=True),
    "describe.txt": lambda: screen.show(*description.sections(FACTS, world.NOW)),
    "describe-well.txt": lambda: screen.show(*description.sections(Facts(credential=PRINCIPAL), world.NOW)),
    "reach.txt": lambda: screen.show(*reach.sections(PRINCIPAL, world.NOW)),
    "refs.txt": lambda: screen.show(description.references(FACTS, world.NOW)),
    "report.txt": lambda: screen.show(*sheets.parts(REPORT)),
    "tree.txt": lambda: print(picture.text([ROOT])),  # noqa: T201  as the command does
    "graph.dot": lambda: print(picture.dot([ROOT])),  # noqa: T201
    "graph.mmd": lambda: print(picture.mermaid([ROOT])),  # noqa: T201
}


@pytest.mark.parametrize("name", SHOWN)
def test_people_see_what_the_golden_file_has(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    SHOWN[name]()

    assert capsys.readouterr().out == (GOLDEN / name).read_text()


def test_every_golden_file_is_compared() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == SHOWN.keys()


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_list_fits_its_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")

    screen.show(*listing.listing(ALL, world.NOW))

    lines = click.unstyle(capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= columns


def test_what_is_unusual_and_long_goes_on_in_the_next_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    screen.show(*description.sections(FACTS, world.NOW))

    words = " ".join(click.unstyle(capsys.readouterr().out).split())
    assert "refused key" in words
    assert "…" not in words


@pytest.mark.parametrize(("no_color", "expected"), [("", ["green", "yellow"]), ("1", [])])
def test_a_terminal_has_colours_unless_no_color_is_set(
    no_color: str, expected: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    screen.show(*listing.listing(ALL, world.NOW))

    shown = capsys.readouterr().out
    assert [name for name, code in COLOURS.items() if code in shown] == expected

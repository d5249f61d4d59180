"""Every credential type in every situation, through the running operator: the same as `make verdicts`."""

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from verdicts import __main__ as command
from verdicts import report, run, scripts, situations, stage
from verdicts.run import Cell
from verdicts.script import Cannot, Case, Says, Script
from verdicts.situations import ACCEPTED, refused, undecided

pytestmark = pytest.mark.timeout(900)
BY_NAME = {situation.name: situation for situation in situations.ALL}


def test_every_type_has_a_script() -> None:
    assert scripts.missing(scripts.find()) == []


def test_a_type_without_a_script_is_named() -> None:
    assert scripts.missing([one for one in scripts.find() if one.type != "s3"]) == ["s3"]


@pytest.mark.parametrize("script", scripts.find(), ids=lambda script: script.name)
def test_an_exception_is_one_and_has_a_reason(script: Script) -> None:
    assert script.exceptions.keys() <= BY_NAME.keys()
    for name, exception in script.exceptions.items():
        assert exception.why.endswith("."), name
        assert script.expected(BY_NAME[name]) != BY_NAME[name].verdict


def test_everything_that_is_said_is_as_it_should_be() -> None:
    cells = run.play(scripts.find(), lambda text: sys.stderr.write(f"{text}\n"))
    assert len(cells) == len(scripts.find()) * len(situations.ALL)
    assert [cell.name for cell in cells if cell.wrong] == [], report.table(cells, width=command.WIDE)


def test_the_page_is_fresh() -> None:
    assert command.PAGE.read_text() == report.page(scripts.find()), "run `make generate`"


# What is wrong is seen


def prepared(_: None) -> Mapping[str, Case]:
    return {one.name: Case({}, {}) for one in situations.ALL if one.prepared}


SCRIPT = Script(type="basic", emulator=None, prepare=prepared)
REJECTED = refused("Rejected")
UNREACHABLE = undecided("ProviderUnreachable")


def cell(situation: str, script: Script = SCRIPT, **said: Any) -> Cell:
    return dataclasses.replace(Cell(script=script, situation=BY_NAME[situation]), **said)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (REJECTED, False),
        (refused("Expired"), True),
        (dataclasses.replace(REJECTED, ready="True Available"), True),
        (dataclasses.replace(REJECTED, published=True), True),
        (dataclasses.replace(REJECTED, published=None), True),
        (None, True),
    ],
    ids=str,
)
def test_a_cell_is_wrong_where_a_condition_differs_or_a_refused_key_is_published(
    said: object, *, wrong: bool
) -> None:
    assert cell("wrong secret", actual=said).wrong is wrong


@pytest.mark.parametrize(("after", "wrong"), [(ACCEPTED, False), (UNREACHABLE, True), (None, True)], ids=str)
def test_a_cell_is_wrong_where_the_end_of_a_fault_changes_nothing(after: object, *, wrong: bool) -> None:
    assert cell("timeout", actual=UNREACHABLE, after=after).wrong is wrong


def test_what_cannot_be_is_not_played_and_what_cannot_be_told_is_expected_otherwise() -> None:
    script = dataclasses.replace(
        SCRIPT, exceptions={"expired": Cannot("No end."), "disabled": Says(REJECTED, "No word.")}
    )
    assert not cell("expired", script).wrong
    assert not cell("disabled", script, actual=REJECTED).wrong
    assert cell("disabled", script, actual=refused("KeyDisabled")).wrong


def test_a_script_that_leaves_a_situation_out_is_named() -> None:
    script = dataclasses.replace(SCRIPT, exceptions={"expired": Cannot("No end.")})
    with pytest.raises(ValueError, match="script basic: expired must be prepared, or be an exception"):
        stage.row(script, None)


def test_the_table_fits_and_shows_what_was_expected_where_it_is_wrong() -> None:
    cells = [cell(name, actual=situation.verdict, after=ACCEPTED) for name, situation in BY_NAME.items()]
    assert "All 13 cells are as they should be." in report.table(cells, width=command.WIDE)
    cells[1] = cell("wrong secret", actual=ACCEPTED)
    text = report.table(cells, width=command.WIDE)
    assert "WRONG Accepted, not Rejected" in text
    complaint = f"WRONG basic, wrong secret: expected {REJECTED}; actual {ACCEPTED}"
    assert " ".join(text.split()).endswith(complaint)
    assert all(len(line) <= command.WIDE for line in text.splitlines())


def test_programs_read_expected_and_actual_conditions() -> None:
    document = report.document([cell("wrong secret", actual=ACCEPTED)])
    assert document["wrong"] == 1
    (entry,) = document["cells"]
    rejected = {"status": "False", "reason": "Rejected"}
    assert entry["expected"] == {"published": False, "Validated": rejected, "Ready": rejected}
    assert entry["actual"]["Ready"] == {"status": "True", "reason": "Available"}

"""A report as tables: what spreadsheets and Markdown get, and that nothing in it is more than text."""

import csv
import io
from typing import Any

import pytest

from cli import crowd, world
from cli.test_fleet import OLD, entry, report
from credential_operator.api import reports
from credential_operator.cli import fleet, sheets
from credential_operator.cli.tables import Table


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_spreadsheet_has_a_line_for_each_credential_with_all_of_it() -> None:
    found = crowd.report(30)

    lines = rows(sheets.separated(sheets.whole(found)))

    assert [(line["NAMESPACE"], line["NAME"]) for line in lines] == [
        (one.namespace, one.name) for one in found.credentials
    ]
    first, one = lines[0], found.credentials[0]
    assert (first["KEY ID"], first["VERDICT"], first["UID"]) == (one.key_id, one.verdict, one.uid)
    assert (
        first["SECRETS"] == f"{one.namespace}/{one.name}-keys (source), {one.namespace}/{one.name}-env (env)"
    )
    assert first["PUBLIC FIELDS"] == "region=eu-west-1"


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=cmd|" /C calc"!A0'])
def test_a_spreadsheet_takes_nothing_for_a_formula(value: str) -> None:
    (line,) = rows(sheets.separated(sheets.inventory(report("a", entry(message=value, team=value)))))

    assert line["TEAM"][0] == line["MESSAGE"][0] == "'"
    assert line["NAME"] == "backups"


def test_lines_and_quotes_stay_in_their_cells() -> None:
    (line,) = rows(sheets.separated(sheets.inventory(report("a", entry(message='one\ntwo "three", four')))))

    assert line["MESSAGE"] == 'one\ntwo "three", four'


def test_markdown_has_nothing_but_text_in_its_cells() -> None:
    hostile = "a|b\n[x](javascript:alert(1)) <img src=x onerror=alert(1)> `c` *d* & ~e~ \\"

    text = sheets.markdown(report("clu|ster", entry(message=hostile, verdict="Invalid", team=hostile)))

    assert "- Cluster: clu\\|ster" in text
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "a\\|b \\[x\\](javascript" in text
    assert "\\`c\\` \\*d\\* &amp; \\~e\\~ \\\\" in text
    lines = [line for line in text.splitlines() if "img" in line]
    assert all(line.startswith("| ") and line.endswith(" |") for line in lines)


def test_markdown_has_every_part_of_a_report_once() -> None:
    text = sheets.markdown(crowd.report(80))

    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == ["# Credentials", "## By type", "## Needs attention", "## Inventory"]
    assert "| and 1" not in text


def test_markdown_of_other_documents_has_their_table() -> None:
    joined = fleet.fleet([report("eu-1", entry(key=OLD))])
    loose = reports.Unmanaged(
        generated_at=world.NOW, cluster=reports.Cluster(name="a"), scope=reports.Scope(), secrets=()
    )

    assert f"| {OLD} | s3 | eu-1: team-a/backups |" in sheets.markdown(joined)
    assert "## Clusters" in sheets.markdown(joined)
    assert "## Secrets that no Credential manages" in sheets.markdown(loose)
    assert not any(isinstance(part, Table) for part in sheets.parts(loose))
    found = loose.model_copy(
        update={"secrets": (reports.Loose(namespace="team-a", name="keys", type="aws"),)}
    )
    (table,) = (part for part in sheets.parts(found) if isinstance(part, Table))
    assert [cell.text for cell in table.rows[0][:3]] == ["team-a", "keys", "aws"]


def test_the_most_urgent_comes_first_and_many_are_counted() -> None:
    found = crowd.report(400)

    table = sheets.attention(found)

    said = [row[3].text for row in table.rows[:-1]]
    assert said[0].startswith("Invalid")
    assert len(said) == sheets.MOST
    assert table.rows[-1][1].text == f"and {len(sheets.pressing(found)) - sheets.MOST} more"


def test_what_is_well_needs_no_attention() -> None:
    well = report("a", entry())

    assert sheets.attention(well).rows == []
    assert not any(isinstance(part, Table) and part.title == "Needs attention" for part in sheets.parts(well))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"verdict": "Invalid", "message": "No."}, ["No."]),
        ({"verdict": "Invalid"}, []),
        ({"message": "Fine.", "why": ("It ends in 3d.",)}, ["It ends in 3d."]),
    ],
)
def test_why_is_what_the_provider_said_and_what_was_found(more: dict[str, Any], said: list[str]) -> None:
    assert sheets.why(entry(**more)) == said

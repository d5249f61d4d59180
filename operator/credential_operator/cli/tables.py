"""What is shown: tables, and lines of a name and what there is to say of it. Pure; `screen` prints them."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

GOOD, WARN, BAD, DIM, STRONG = "green", "yellow", "red", "dim", "bold"
"""The styles that a terminal shows; elsewhere there are none."""


class Cell(NamedTuple):
    """A text, and the style that it has on a terminal."""

    text: str
    style: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows below the names of their columns; `title` and `note` stand above them.

    `optional` are columns that a narrow terminal does without, the last of them first.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    note: str = ""
    optional: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a description: lines of a name and what there is to say, then tables."""

    title: str = ""
    lines: Sequence[tuple[str, Cell]] = ()
    tables: Sequence[Table] = ()
    items: Sequence[str] = ()
    """Sentences, one below the other."""


def cell(value: Any, style: str = "") -> Cell:
    """Writes a value as people do; nothing for what is not there."""
    if value is None:
        return Cell("", style)
    if isinstance(value, bool):
        return Cell(str(value).lower(), style)
    if isinstance(value, list):
        return Cell(",".join(map(str, value)), style)
    return Cell(str(value), style)


def row(values: Iterable[Any]) -> list[Cell]:
    """Writes a row."""
    return [value if isinstance(value, Cell) else cell(value) for value in values]


def without_empty(table: Table, keep: Iterable[str]) -> Table:
    """Leaves out the columns that say nothing in any row, but for those to keep."""
    kept = frozenset(keep)
    return _of(
        table,
        [
            number
            for number, name in enumerate(table.columns)
            if name in kept or any(row[number].text for row in table.rows)
        ],
    )


def without(table: Table, column: str) -> Table:
    """Leaves out a column."""
    return _of(table, [number for number, name in enumerate(table.columns) if name != column])


def _of(table: Table, used: Sequence[int]) -> Table:
    return dataclasses.replace(
        table,
        columns=[table.columns[number] for number in used],
        rows=[[row[number] for number in used] for row in table.rows],
    )


def of_status(status: str) -> str:
    """Gives the style of a condition's status."""
    return {"True": GOOD, "False": BAD}.get(status, WARN)

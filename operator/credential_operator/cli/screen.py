"""Prints what is to be shown: for people with Rich, which knows their terminal, and for programs as documents."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from credential_operator.cli import documents, tables
from credential_operator.cli.tables import Cell, Section, Table

UNBOUNDED = 10_000
"""How wide a line may be that no terminal shows, or that is asked to be as wide as it is."""
SENTENCES = frozenset({"MESSAGE", "NEEDS IT FOR", "USED BY", "KEYS", "WHERE", "DRAINS IN", "REJECTED BY"})
"""Columns that go on in the next line where a terminal is too narrow."""
GAP = 3
"""Spaces between columns."""
CUT = 20
"""How short the text of an optional column can be cut."""


def _console(*, wide: bool) -> Console:
    """Gives where people read: colours only on a terminal, and not where NO_COLOR says so."""
    width = UNBOUNDED if wide or not sys.stdout.isatty() else None
    return Console(highlight=False, markup=False, emoji=False, width=width)


def show(*parts: Table | Section, wide: bool = False) -> None:
    """Prints tables and sections, an empty line between them; `wide`: whatever the terminal's width."""
    target = _console(wide=wide)
    with target.capture() as captured:
        for number, part in enumerate(parts):
            if number:
                target.print()
            target.print(
                _table(part, target.width) if isinstance(part, Table) else _section(part, target.width)
            )
    text = captured.get()
    click.echo(re.sub(r" +$", "", text, flags=re.MULTILINE), nl=False)


def note(text: str) -> None:
    """Says something beside the output."""
    click.echo(text, err=True)


def _table(table: Table, width: int) -> Group:
    table = _fitting(table, width)
    grid = Grid(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold", show_edge=False)
    for number, (name, size) in enumerate(zip(table.columns, _widths(table, width), strict=True)):
        if name in SENTENCES:
            grid.add_column(name, overflow="fold", min_width=_least(table, number))
        else:
            grid.add_column(name, no_wrap=True, overflow="ellipsis", width=size)
    for row in table.rows:
        grid.add_row(*map(_text, row))
    head = (
        Text(no_wrap=True, overflow="ellipsis")
        .append(table.title, "bold cyan")
        .append(f"  {table.note}", "dim")
    )
    return Group(head, grid) if table.title else Group(grid)


def _fitting(table: Table, width: int) -> Table:
    """Leaves out optional columns, the last first, until the rest fits."""
    left = [name for name in table.optional if name in table.columns]
    while left and _whole(_least(table, number) for number in range(len(table.columns))) > width:
        table = tables.without(table, left.pop())
    return table


def _widths(table: Table, width: int) -> list[int]:
    """Gives the widths of the columns: as long as what is in them, optional ones shorter as far as they must."""
    found = [_longest(table, number) for number in range(len(table.columns))]
    for number in reversed(range(len(found))):
        spare = max(0, _whole(found) - width)
        found[number] -= min(spare, found[number] - _least(table, number))
    return found


def _whole(widths: Iterable[int]) -> int:
    every = list(widths)
    return sum(every) + GAP * (len(every) - 1)


def _longest(table: Table, number: int) -> int:
    return max([len(table.columns[number]), *(len(row[number].text) for row in table.rows)])


def _least(table: Table, number: int) -> int:
    """Gives how wide a column has to be: as its longest text, or less where that can be cut or goes on below."""
    name, longest = table.columns[number], _longest(table, number)
    if name in SENTENCES:
        return min(longest, CUT)
    return max(len(name), min(longest, CUT)) if name in table.optional else longest


def _section(section: Section, width: int) -> Group:
    parts: list[Any] = [Text(section.title, "bold")] if section.title else []
    indent = 2 if section.title else 0
    if section.lines:
        lines = Grid.grid(padding=(0, 2, 0, 0))
        lines.add_column(no_wrap=True)
        lines.add_column(overflow="fold")
        for name, cell in section.lines:
            lines.add_row(Text(f"{name}:"), _text(cell))
        parts.append(Padding(lines, (0, 0, 0, indent)))
    parts += [Padding(_table(table, width - indent), (0, 0, 0, indent)) for table in section.tables]
    parts += [Padding(_bullet(item), (0, 0, 0, indent)) for item in section.items]
    return Group(*parts)


def _bullet(text: str) -> Grid:
    grid = Grid.grid(padding=(0, 1, 0, 0))
    grid.add_row("*", Text(text, overflow="fold"))
    return grid


def _text(cell: Cell) -> Text:
    return Text(cell.text, cell.style)


def document(value: Any, form: str) -> None:
    """Prints a document as json or yaml."""
    if form == "json":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    import yaml

    click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110), nl=False)


def manifests(documents: Sequence[Mapping[str, Any]], form: str) -> None:
    """Prints what would be made, as kubectl does: json, yaml, name, or text for people."""
    if form == "json":
        document(listed(documents) if len(documents) > 1 else documents[0], form)
        return
    for number, one in enumerate(documents):
        if form == "yaml":
            click.echo("---\n" if number else "", nl=False)
            document(one, form)
        else:
            said = " (dry run)" if form == "text" else ""
            click.echo(f"{one['kind'].lower()}/{one['metadata']['name']}{said}")


def listed(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Puts objects into a list, as kubectl does."""
    return {"apiVersion": "v1", "kind": "List", "items": [*found]}


def names(found: Iterable[documents.Credential]) -> None:
    """Prints the names of Credentials as kubectl takes them."""
    for one in found:
        named("credential", one.name)


def named(kind: str, name: str) -> None:
    """Prints the name of an object of our group as kubectl takes it; the kind in lower case."""
    click.echo(f"{kind}.{documents.GROUP}/{name}")

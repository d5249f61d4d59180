"""A report as tables: for a terminal, for spreadsheets, for a page of Markdown. Pure."""

import csv
import datetime
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from credential_operator.api import facts, reports
from credential_operator.cli import tables
from credential_operator.cli.tables import Cell, Section, Table

STYLES = {"Valid": tables.GOOD, "Invalid": tables.BAD, "Unknown": tables.WARN, "Unchecked": ""}
"""How a verdict looks."""
URGENT = frozenset({"Expired", "HeldBack"})
"""Findings that are wrong already."""
PRESSING: tuple[str, ...] = ("Invalid", *reports.FINDINGS)
"""What needs attention, the most urgent first."""
MOST = 50
"""How many Credentials that need attention are shown where people read; documents have them all."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet takes for a formula."""
MARKS = re.compile(r"([\\`*\[\]|~])")
"""What Markdown takes for more than text."""
ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


# Tables


def summary(report: reports.Report) -> Table:
    """Gives a line for each type, and one for all."""
    every = [*report.summary, *([total(report.summary)] if report.summary[1:] else [])]
    rows = [
        tables.row(
            [
                Cell(one.type, tables.STRONG),
                one.total,
                *(
                    Cell(str(one.verdicts[word] or ""), STYLES[word] if one.verdicts[word] else "")
                    for word in reports.VERDICTS
                ),
                *(Cell(str(one.findings[word] or ""), of_finding(word)) for word in reports.FINDINGS),
            ]
        )
        for one in every
    ]
    columns = ["TYPE", "TOTAL", *map(_head, (*reports.VERDICTS, *reports.FINDINGS))]
    return Table(columns=columns, rows=rows, title="By type")


def total(every: Sequence[reports.OfType]) -> reports.OfType:
    """Counts all types together."""
    return reports.OfType(
        type="all",
        total=sum(one.total for one in every),
        verdicts={word: sum(one.verdicts[word] for one in every) for word in reports.VERDICTS},
        findings={word: sum(one.findings[word] for one in every) for word in reports.FINDINGS},
    )


def of_finding(word: reports.Finding) -> str:
    """Gives how a finding looks."""
    return tables.BAD if word in URGENT else tables.WARN


def _head(word: str) -> str:
    return "HELD BACK" if word == "HeldBack" else word.upper()


def pressing(report: reports.Report) -> list[reports.Entry]:
    """Gives the Credentials that need attention, the most urgent first."""
    return sorted((one for one in report.credentials if _rank(one) < len(PRESSING)), key=_rank)


def _rank(one: reports.Entry) -> int:
    said = {one.verdict, *one.findings}
    return next((number for number, word in enumerate(PRESSING) if word in said), len(PRESSING))


def attention(report: reports.Report) -> Table:
    """Gives why Credentials need attention, of the first of them."""
    found = pressing(report)
    rows = [
        tables.row([one.namespace, Cell(one.name, tables.STRONG), one.type, _words(one), " ".join(why(one))])
        for one in found[:MOST]
    ]
    more = len(found) - MOST
    if more > 0:
        rows.append(tables.row(["", f"and {more} more", "", "", "json, csv and html have them all"]))
    columns = ["NAMESPACE", "NAME", "TYPE", "FINDINGS", "MESSAGE"]
    return Table(columns=columns, rows=rows, title="Needs attention")


def _words(one: reports.Entry) -> Cell:
    found = [*(["Invalid"] if one.verdict == "Invalid" else []), *one.findings]
    wrong = one.verdict == "Invalid" or not URGENT.isdisjoint(one.findings)
    return Cell(", ".join(found), tables.BAD if wrong else tables.WARN)


def why(one: reports.Entry) -> list[str]:
    """Says why a Credential needs attention."""
    return [*([one.message] if one.verdict == "Invalid" and one.message else []), *one.why]


def inventory(report: reports.Report) -> Table:
    """Gives a line for each Credential, with all that there is to say in a line."""
    columns = [
        *("NAMESPACE", "NAME", "TYPE", "KEY ID", "VERDICT", "REASON", "READY", "FINDINGS"),
        *("EXPIRES", "VALIDATED", "KEY MADE", "KEY LAST USED", "USERS", "USED BY", "TEAM", "CONTACT"),
        *("IDENTITY", "ACCOUNT", "PUBLIC FIELDS", "SOURCE", "SECRETS", "PREVIOUS KEY ID", "DRAINED"),
        *("DISPLAY NAME", "DESCRIPTION", "UID", "WHY", "MESSAGE"),
    ]
    return Table(columns=columns, rows=[_line(one) for one in report.credentials], title="Inventory")


def _line(one: reports.Entry) -> list[Cell]:
    rotation = one.rotation or reports.Rotation()
    findings = " ".join(one.findings)
    public = ", ".join(f"{name}={tables.cell(value).text}" for name, value in one.public.items())
    secrets = ", ".join(f"{held.namespace}/{held.name} ({held.role})" for held in one.secrets)
    return tables.row(
        [
            *(one.namespace, Cell(one.name, tables.STRONG), one.type, one.key_id),
            *(Cell(one.verdict, STYLES[one.verdict]), one.reason, one.ready, findings),
            *(one.expires_at, one.last_validated_at, one.key_created_at, one.key_last_used_at),
            *(one.user_count, used_by(one.users), one.team, one.contact),
            *(one.identity, one.account, public, one.source, secrets),
            *(rotation.previous_key_id, rotation.drained, one.display_name, one.description, one.uid),
            *(" ".join(one.why), one.message),
        ]
    )


def used_by(users: Iterable[facts.User]) -> str:
    """Names who uses something."""
    return ", ".join(f"{user.kind} {user.namespace}/{user.name}" for user in users)


def loose(found: reports.Unmanaged) -> Table:
    """Gives a line for each Secret that no Credential manages."""
    rows = [
        tables.row(
            [
                one.namespace,
                Cell(one.name, tables.STRONG),
                one.type,
                ", ".join(one.keys),
                used_by(one.users),
                "yes" if one.manifest else "no",
                " ".join(one.said),
            ]
        )
        for one in found.secrets
    ]
    columns = ["NAMESPACE", "SECRET", "TYPE", "KEYS", "USED BY", "MANIFEST", "MESSAGE"]
    return Table(columns=columns, rows=rows, title="Secrets that no Credential manages")


def clusters(fleet: reports.Fleet) -> Table:
    """Gives a line for each cluster."""
    rows = [
        tables.row(
            [Cell(one.name, tables.STRONG), moment(one.generated_at), one.credentials, one.without_key_id]
        )
        for one in fleet.clusters
    ]
    return Table(
        columns=["CLUSTER", "LOOKED AT", "CREDENTIALS", "WITHOUT KEY ID"], rows=rows, title="Clusters"
    )


def keys(fleet: reports.Fleet) -> Table:
    """Gives a line for each key."""
    rows = [
        tables.row(
            [
                Cell(one.id, tables.STRONG),
                ", ".join(dict.fromkeys(place.type for place in (*one.places, *one.draining, *one.rejected))),
                _where(one.places),
                Cell(_where(one.draining), tables.WARN),
                Cell(_where(one.rejected), tables.BAD),
            ]
        )
        for one in fleet.keys
    ]
    columns = ["KEY ID", "TYPE", "WHERE", "DRAINS IN", "REJECTED BY"]
    return Table(columns=columns, rows=rows, title="Keys")


def _where(found: Iterable[reports.Place]) -> str:
    return ", ".join(f"{one.cluster}: {one.namespace}/{one.name}" for one in found)


def moment(time: datetime.datetime) -> str:
    """Writes a time as Kubernetes does."""
    return f"{time.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


# Documents


def about(document: reports.Report | reports.Unmanaged) -> list[tuple[str, Cell]]:
    """Says where and when it was looked, and with whose rights."""
    scope = document.scope
    told = {
        "Cluster": document.cluster.name,
        "Cluster UID": document.cluster.uid,
        "Namespace": scope.namespace or "all",
        "Labels": scope.selector,
        "Seen as": scope.seen_as,
        "Looked at": moment(document.generated_at),
    }
    return [(name, Cell(value)) for name, value in told.items() if value]


def parts(document: reports.Report | reports.Unmanaged | reports.Fleet) -> Iterator[Table | Section]:
    """Gives what a terminal shows."""
    if isinstance(document, reports.Fleet):
        yield from (clusters(document), tables.without_empty(keys(document), ("KEY ID", "TYPE", "WHERE")))
        return
    yield Section(lines=about(document))
    if isinstance(document, reports.Unmanaged):
        if document.secrets:
            yield tables.without_empty(loose(document), ("NAMESPACE", "SECRET", "TYPE"))
        return
    yield tables.without_empty(summary(document), ("TYPE", "TOTAL"))
    if (table := attention(document)).rows:
        yield table


def whole(document: reports.Report | reports.Unmanaged | reports.Fleet) -> Table:
    """Gives the one table that has everything."""
    if isinstance(document, reports.Fleet):
        return keys(document)
    return loose(document) if isinstance(document, reports.Unmanaged) else inventory(document)


def separated(table: Table) -> str:
    """Writes a table for spreadsheets, with commas; what one would take for a formula is a text."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow(f"'{cell.text}" if cell.text.startswith(FORMULA) else cell.text for cell in row)
    return file.getvalue()


def markdown(document: reports.Report | reports.Unmanaged | reports.Fleet) -> str:
    """Writes a page of Markdown, in which values are text alone."""
    lines = ["# Credentials", ""]
    if not isinstance(document, reports.Fleet):
        lines += [*(f"- {name}: {_plain(cell.text)}" for name, cell in about(document)), ""]
    shown = [part for part in parts(document) if isinstance(part, Table)]
    full = tables.without_empty(whole(document), whole(document).columns[:2])
    for table in (*(one for one in shown if one.title != full.title), full):
        lines += [f"## {table.title}", "", _piped(table.columns), _piped(["---"] * len(table.columns))]
        lines += [_piped(_plain(cell.text) for cell in row) for row in table.rows]
        lines.append("")
    return "\n".join(lines)


def _piped(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    return MARKS.sub(r"\\\1", " ".join(text.split())).translate(ENTITIES)

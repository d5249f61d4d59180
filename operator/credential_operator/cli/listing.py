"""Credentials in a list: a table for each type, with the public fields of that type. Pure."""

import datetime
import re
from collections.abc import Iterable, Sequence

from credential_operator.cli import documents, tables, times
from credential_operator.cli.documents import Credential
from credential_operator.cli.tables import Cell, Table

PUBLIC = 3
"""How many public fields a list has that is not wide."""
ALWAYS = ("NAMESPACE", "NAME", "READY", "STATUS", "IN USE", "AGE")
UNSURE = frozenset({"HeldBack", "ValidationStale", "AvailableUnchecked"})
"""Reasons of Ready that are good for consumers, and something to know for owners."""


def listing(
    credentials: Iterable[Credential], now: datetime.datetime, *, everywhere: bool = False, wide: bool = False
) -> list[Table]:
    """Gives the tables, one for each type; `everywhere`: of all namespaces."""
    return [
        _group(name, group, now, everywhere=everywhere, wide=wide)
        for name, group in documents.grouped(credentials)
    ]


def _group(
    name: str, group: Sequence[Credential], now: datetime.datetime, *, everywhere: bool, wide: bool
) -> Table:
    public = list({field: None for one in group for field in one.public})
    public = public if wide else public[:PUBLIC]
    columns = [
        *(["NAMESPACE"] if everywhere else []),
        "NAME",
        "READY",
        "STATUS",
        "KEY ID",
        *map(heading, public),
        "IN USE",
        "VALIDATED",
        "EXPIRES",
        "AGE",
        *(["IDENTITY", "OWNER", "REACH", "UID", "MESSAGE"] if wide else []),
    ]
    rows = []
    for one in group:
        fields = one.public
        rows.append(
            tables.row(
                [
                    *([one.namespace] if everywhere else []),
                    *_head(one),
                    *(fields.get(field) for field in public),
                    one.count,
                    times.age(one.status.get("lastValidatedTime"), now),
                    _end(one, now),
                    times.age(one.document["metadata"].get("creationTimestamp"), now),
                    *(_more(one) if wide else []),
                ]
            )
        )
    title = documents.types().get(name, {}).get("title", "")
    first, *more = [heading(field) for field in public] or [""]
    optional = ("KEY ID", first, "VALIDATED", *more)
    table = Table(title=name, note=title, columns=columns, rows=rows, optional=optional)
    return tables.without_empty(table, ALWAYS)


def heading(field: str) -> str:
    """Writes a field as the head of a column: TENANT ID for tenantID."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", field).upper()


def state(one: Credential) -> Cell:
    """Gives the reason of Ready, in the colour of what it means."""
    ready = one.ready
    unsure = ready.status == "True" and ready.reason in UNSURE
    return Cell(ready.reason, tables.WARN if unsure else tables.of_status(ready.status))


def _head(one: Credential) -> list[Cell]:
    leaving = "deletionTimestamp" in one.document["metadata"]
    status = Cell("Deleting", tables.WARN) if leaving else state(one)
    ready = Cell(one.ready.status, tables.of_status(one.ready.status))
    return [Cell(one.name, tables.STRONG), ready, status, Cell(one.key_id)]


def _end(one: Credential, now: datetime.datetime) -> Cell:
    warned = "Expiring" in one.conditions
    return Cell(times.ahead(one.status.get("expiresAt"), now), tables.WARN if warned else "")


def _more(one: Credential) -> list[Cell]:
    return tables.row(
        [
            (one.status.get("identity") or {}).get("principal"),
            (one.spec.get("owner") or {}).get("team"),
            (one.status.get("reach") or {}).get("count"),
            one.uid,
            one.ready.message,
        ]
    )

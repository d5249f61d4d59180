"""What a key can reach, as far as is known: what its spec names, what it sees at its provider, what it may do. Pure."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from credential_operator.cli import tables, times
from credential_operator.cli.documents import Credential
from credential_operator.cli.tables import Cell, Section, Table

PLACES: Mapping[str, str] = {
    "aws": "accounts",
    "azure": "subscriptions",
    "google": "projects",
    "oracle": "compartments",
}
"""What the places are called that a key sees, by the types whose providers can be asked."""
NAMED = (
    "partition",
    "accountID",
    "assumeRole.roleARN",
    "region",
    "bucket",
    "tenantID",
    "subscriptionID",
    "resource",
    "storageAccount",
    "accountName",
    "enrollment",
    "projectID",
    "scopes",
    "tenancyOCID",
    "host",
    "repository",
    "audience",
    "preset",
    "tokenURL",
    "endpoint",
    "probe.url",
)
"""Public fields that say where a key is meant to be used."""
UNASKED = frozenset({"NotCheckable", "ValidationDisabled"})


def document(one: Credential) -> dict[str, Any]:
    """Gives all of it, for programs."""
    found = one.status.get("reach")
    permissions = one.status.get("permissions") or {}
    return {
        "name": one.name,
        "namespace": one.namespace,
        "type": one.type,
        "identity": dict(one.status.get("identity") or {}),
        "named": named(one),
        "places": {"kind": _kind(one), **found} if found else None,
        "permissions": {
            "asked": [*_asked(one)],
            "missing": [*permissions.get("missing", ())],
            "unknown": [*permissions.get("unknown", ())],
        },
        "next": [*_next(one)],
    }


def sections(one: Credential, now: datetime.datetime) -> list[Section]:
    """Gives what is shown."""
    found = [
        Section(lines=[line for line in _identity(one) if line[1].text]),
        Section(
            title="Named in its spec",
            lines=[(name, tables.cell(value)) for name, value in named(one).items()],
        ),
        Section(title=f"Sees {_kind(one)}", lines=[*_counted(one, now)], tables=_table(one)),
        Section(title="Permissions", lines=[line for line in _permissions(one) if line[1].text]),
        Section(title="What to do next", items=[*_next(one)]),
    ]
    return [each for each in found if each.lines or each.tables or each.items]


def named(one: Credential) -> dict[str, Any]:
    """Gives the public fields that say where the key is meant to be used."""
    fields = one.spec.get(one.type) or {}
    found = {path: _at(fields, path) for path in NAMED}
    return {path: value for path, value in found.items() if value not in (None, [], "")}


def _at(fields: Any, path: str) -> Any:
    for step in path.split("."):
        fields = fields.get(step) if isinstance(fields, dict) else None
    return fields


def _kind(one: Credential) -> str:
    return PLACES.get(one.type, "places")


def _asked(one: Credential) -> Sequence[str]:
    asked: Sequence[str] = (one.spec.get("validation") or {}).get("permissions", ())
    return asked


def _identity(one: Credential) -> Iterator[tuple[str, Cell]]:
    identity = one.status.get("identity") or {}
    yield "Name", Cell(one.name, tables.STRONG)
    yield "Type", Cell(one.type)
    yield "Principal", tables.cell(identity.get("principal"))
    yield "Account", tables.cell(identity.get("account"))
    if (validated := one.conditions.get("Validated")) and validated.status == "False":
        told = f"{validated.reason}: what follows was found when the key last worked"
        yield "Not accepted", Cell(told, tables.WARN)


def _counted(one: Credential, now: datetime.datetime) -> Iterator[tuple[str, Cell]]:
    reach = one.status.get("reach")
    if reach is None:
        return
    shown = len(reach.get("items", ()))
    rest = f", the first {shown} below" if shown < reach["count"] else ""
    yield "Count", Cell(f"{reach['count']}{rest}", "" if reach["count"] else tables.WARN)
    yield "Counted", Cell(times.ago(reach["discoveredAt"], now))


def _table(one: Credential) -> list[Table]:
    items = (one.status.get("reach") or {}).get("items", ())
    rows = [tables.row([Cell(item["id"], tables.STRONG), item.get("name")]) for item in items]
    return [tables.without_empty(Table(columns=["ID", "NAME"], rows=rows), ["ID"])] if rows else []


def _permissions(one: Credential) -> Iterator[tuple[str, Cell]]:
    found = one.status.get("permissions") or {}
    yield "Required", Cell(", ".join(_asked(one)))
    yield "Missing", Cell(", ".join(found.get("missing", ())), tables.BAD)
    yield "Not told", Cell(", ".join(found.get("unknown", ())), tables.WARN)


def _next(one: Credential) -> Iterator[str]:
    """Says why something is not known, and what to do."""
    reach = one.status.get("reach")
    missing = (one.status.get("permissions") or {}).get("missing", ())
    if reach is None:
        yield _why_unknown(one)
    elif not reach["count"]:
        yield f"It sees no {_kind(one)}: give {_principal(one)} a role at its provider, if it is to see any."
    if missing:
        yield f"Give the key at its provider what it lacks: {', '.join(missing)}."


def _principal(one: Credential) -> str:
    return str((one.status.get("identity") or {}).get("principal") or "it")


def _why_unknown(one: Credential) -> str:
    """Says why nobody has counted what the key sees."""
    if one.type not in PLACES:
        return f"Keys of the type {one.type} see no accounts: there is nothing to count."
    if not one.spec.get("discoverReach"):
        patch = """--type=merge --patch='{"spec":{"discoverReach":true}}'"""
        return (
            f"Nobody asked which {_kind(one)} it sees. Have them counted at every validation: kubectl patch "
            f"credential {one.name} -n {one.namespace} {patch}"
        )
    if one.spec.get("suspend"):
        return f"It is suspended, and its {_kind(one)} are not counted: set spec.suspend to false."
    validated = one.conditions.get("Validated")
    if validated is None or validated.status == "True":
        return f"Its {_kind(one)} were not counted yet: kubectl credential validate {one.name} -n {one.namespace}"
    if validated.reason in UNASKED:
        return f"Its provider is not asked ({validated.reason}), and its {_kind(one)} are not counted."
    return f"Its {_kind(one)} are counted when its key is accepted ({validated.reason}). {validated.message}".strip()

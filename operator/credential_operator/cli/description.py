"""A Credential in full: whose key it is, whether it works, who has it, and what to do next. Pure."""

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from credential_operator.cli import advice, documents, listing, tables, times
from credential_operator.cli.documents import Credential, Json, Reference, User
from credential_operator.cli.tables import Cell, Section, Table

EVENTS = 10
"""How many events are shown, the last ones."""

Consumers = Mapping[tuple[str, str], Sequence[User]]
"""Who uses each Secret, by namespace and name."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A Credential, and what belongs to it as far as the reader may see it."""

    credential: Credential
    references: Sequence[Reference] = ()
    consumers: Consumers = dataclasses.field(default_factory=dict)
    events: Sequence[Json] = ()


def sections(facts: Facts, now: datetime.datetime) -> list[Section]:
    """Gives what is shown, the most important first."""
    one = facts.credential
    found = [
        Section(lines=[line for line in _head(one, now) if line[1].text]),
        Section(title="Targets", tables=_targets(facts, now)),
        Section(title="Needed by", tables=_needed(facts, now)),
        Section(title="Rotation", lines=[line for line in _rotation(one, now) if line[1].text]),
        Section(title="Conditions", tables=[_conditions(one)] if one.conditions else []),
        Section(title="Events", tables=_events(facts.events, now)),
        Section(title="What to do next", items=advice.next_steps(one)),
    ]
    return [each for each in found if each.lines or each.tables or each.items]


def document(facts: Facts) -> dict[str, Any]:
    """Gives the same for programs."""
    one = facts.credential
    return {
        "credential": one.document,
        "secrets": [
            {"name": name, "format": form, "consumers": [user._asdict() for user in _users(facts, name)]}
            for name, form in one.secrets.items()
        ],
        "references": [each.document for each in facts.references],
        "events": [*facts.events],
        "next": advice.next_steps(one),
    }


def _users(facts: Facts, secret: str) -> Sequence[User]:
    return facts.consumers.get((facts.credential.namespace, secret), ())


def _head(one: Credential, now: datetime.datetime) -> Iterator[tuple[str, Cell]]:
    spec, status = one.spec, one.status
    owner = spec.get("owner") or {}
    yield "Name", Cell(one.name, tables.STRONG)
    yield "Namespace", Cell(one.namespace)
    yield "Shown as", tables.cell(spec.get("displayName"))
    yield "For", tables.cell(spec.get("description"))
    yield "Owner", Cell(", ".join(owner[part] for part in ("team", "contact") if part in owner))
    yield "Type", Cell(_type(one))
    for field, value in one.public.items():
        yield f"  {field}", tables.cell(value)
    yield "Ready", listing.state(one)._replace(text=_state(one))
    yield "Identity", Cell(_identity(status.get("identity") or {}))
    yield from _key(status.get("key") or {}, now)
    yield "External ID", tables.cell(status.get("externalID"))
    yield "Validated", Cell(_validated(status, now))
    yield "Expires", Cell(times.dated(status.get("expiresAt"), now))
    yield "Source", Cell(_source(one, now))
    permissions = status.get("permissions") or {}
    yield "Permissions missing", Cell(", ".join(permissions.get("missing", ())), tables.BAD)
    yield "Permissions unknown", Cell(", ".join(permissions.get("unknown", ())), tables.WARN)
    yield "Reach", Cell(_reach(status.get("reach") or {}))
    yield "Shared with", Cell(_shared(spec.get("allowedNamespaces") or {}))


def _type(one: Credential) -> str:
    title = documents.types().get(one.type, {}).get("title", "")
    return f"{one.type}  ({title.removesuffix('.')})" if title else one.type


def _state(one: Credential) -> str:
    ready = one.ready
    return f"{ready.status}, {ready.reason}" + (f": {ready.message}" if ready.message else "")


def _identity(identity: Json) -> str:
    account = f" (account {identity['account']})" if identity.get("account") else ""
    return f"{identity['principal']}{account}" if identity else ""


def _key(key: Json, now: datetime.datetime) -> Iterator[tuple[str, Cell]]:
    told = [
        f"made {times.ago(key.get('createdAt'), now)}" if "createdAt" in key else "",
        f"last used {times.ago(key.get('lastUsedTime'), now)}" if "lastUsedTime" in key else "",
    ]
    facts = ", ".join(fact for fact in told if fact)
    yield "Key ID", Cell(f"{key.get('id', '')}{f' ({facts})' if facts else ''}".strip())


def _validated(status: Json, now: datetime.datetime) -> str:
    last, coming = status.get("lastValidatedTime"), status.get("nextValidationTime")
    told = times.ago(last, now) or "never"
    return f"{told}, asked again {times.ahead(coming, now)}" if coming else told


def _source(one: Credential, now: datetime.datetime) -> str:
    changed = (one.status.get("source") or {}).get("changedAt")
    return f"{one.source}, changed {times.ago(changed, now)}" if changed else one.source


def _reach(reach: Json) -> str:
    if not reach:
        return ""
    places = [
        f"{item['id']} ({item['name']})" if item.get("name") else item["id"]
        for item in reach.get("items", ())
    ]
    more = reach["count"] - len(places)
    return f"{reach['count']}: {', '.join(places)}{f' and {more} more' if more > 0 and places else ''}"


def _shared(allowed: Json) -> str:
    if allowed.get("all"):
        return "all namespaces"
    labels = (allowed.get("selector") or {}).get("matchLabels") or {}
    told = [*allowed.get("names", ()), *(f"those with {name}={value}" for name, value in labels.items())]
    return ", ".join(told)


def _targets(facts: Facts, now: datetime.datetime) -> list[Table]:
    one = facts.credential
    written = {target["name"]: target for target in one.status.get("targets", ())}
    rows = []
    for target in one.spec.get("targets", ()):
        known = written.get(target["name"], {})
        published = times.ago(known.get("publishedAt"), now)
        rows.append(
            tables.row(
                [
                    Cell(target["name"], tables.STRONG),
                    target["format"],
                    Cell(published) if published else Cell("not yet", tables.WARN),
                    times.ahead(known.get("expiresAt"), now),
                    ", ".join(user.seen_from(one.namespace) for user in _users(facts, target["name"])),
                ]
            )
        )
    columns = ["SECRET", "FORMAT", "PUBLISHED", "KEY ENDS", "USED BY"]
    return [tables.without_empty(Table(columns=columns, rows=rows), columns[:3])] if rows else []


def users(facts: Facts) -> list[tuple[User, Reference | None]]:
    """Gives who needs the Credential: who declared it first, each with the reference that it is."""
    declared = {each.user: each for each in facts.references if each.counts}
    named = facts.credential.users
    own = {user for secret in facts.credential.secrets for user in _users(facts, secret)}
    found = [user for user in [*named, *sorted(own)] if user not in declared]
    return [*declared.items(), *((user, None) for user in dict.fromkeys(found))]


def _needed(facts: Facts, now: datetime.datetime) -> list[Table]:
    table = references(facts, now)
    return [table] if table.rows else []


def references(facts: Facts, now: datetime.datetime) -> Table:
    """Gives a table of who needs the Credential, with what is hidden from the reader below."""
    rows = [_user(user, reference, now) for user, reference in users(facts)]
    hidden = facts.credential.count - len(rows)
    if hidden > 0:
        rows.append(tables.row(["", f"and {hidden} more", "", "", "", ""]))
    return _of_users(rows)


def declared(facts: Facts, now: datetime.datetime) -> Table:
    """Gives a table of the references alone, of those too that do not count any more."""
    return _of_users([_user(each.user, each, now) for each in facts.references])


def _of_users(rows: Sequence[Sequence[Cell]]) -> Table:
    columns = ["KIND", "NAME", "NAMESPACE", "NEEDS IT FOR", "HAS SECRET", "UNTIL"]
    return tables.without_empty(Table(columns=columns, rows=rows, optional=columns[:3:-1]), columns[:3])


def _user(user: User, reference: Reference | None, now: datetime.datetime) -> list[Cell]:
    if reference is None:
        return tables.row([user.kind, Cell(user.name, tables.STRONG), user.namespace, "", "", ""])
    why = "; ".join(part for part in (reference.why, reference.holder) if part)
    target = (reference.target or {}).get("name")
    until = times.ahead(reference.until, now)
    return tables.row([user.kind, Cell(user.name, tables.STRONG), user.namespace, why, target, until])


def _rotation(one: Credential, now: datetime.datetime) -> Iterator[tuple[str, Cell]]:
    rotation = one.status.get("rotation") or {}
    if not rotation:
        return
    managed = one.managed
    yield "Next key", tables.cell(times.dated(managed["nextTime"], now) if "nextTime" in managed else None)
    yield "Not accepted yet", tables.cell(managed.get("candidateKeyID"))
    yield "Ends when drained", tables.cell(managed.get("previousKeyID"))
    yield "New key published", Cell(times.ago(rotation.get("publishedAt"), now))
    yield "Previous key ID", tables.cell(rotation.get("previousKeyID"))
    if "drained" in rotation:
        done = rotation["drained"]
        told = "yes, nothing in this cluster runs the previous key" if done else "no"
        yield "Drained", Cell(told, tables.GOOD if done else tables.WARN)
    for name, title in (("stale", "Runs the previous key"), ("unknown", "Cannot be seen")):
        found = [User.of(item).seen_from(one.namespace) for item in rotation.get(name, ())]
        yield title, Cell(", ".join(found))


def _conditions(one: Credential) -> Table:
    rows = [
        tables.row([name, Cell(each.status, _style(each)), each.reason, each.message])
        for name, each in one.conditions.items()
    ]
    return Table(columns=["TYPE", "STATUS", "REASON", "MESSAGE"], rows=rows)


def _style(condition: documents.Condition) -> str:
    return tables.WARN if condition.type in advice.UNUSUAL else tables.of_status(condition.status)


def _events(events: Sequence[Json], now: datetime.datetime) -> list[Table]:
    rows = [
        tables.row(
            [
                times.ago(event.get("lastTimestamp") or event.get("eventTime"), now),
                Cell(event["type"], "" if event["type"] == "Normal" else tables.WARN),
                event["reason"],
                event.get("message"),
            ]
        )
        for event in events[-EVENTS:]
    ]
    return [Table(columns=["WHEN", "TYPE", "REASON", "MESSAGE"], rows=rows)] if rows else []

"""What an audit asks of Credentials: what is said of their keys, who uses them, which are stale or unused. Pure."""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from credential_operator.api import credential, facts, reports, values
from credential_operator.cli import advice, description, documents, times
from credential_operator.cli.description import Facts
from credential_operator.cli.documents import Condition, Credential, Reference, User

LONG_REFUSED = datetime.timedelta(days=7)
"""A key that is refused for longer is nobody's any more."""
TWICE = 2
"""A key that was not validated for so many intervals is stale."""
PENDING = Condition("Validated", "Unknown", "Pending", "")
WORKING = frozenset({"Valid", "Unchecked"})
"""Verdicts of keys that somebody could use."""

Said = tuple[reports.Finding, str]


def report(
    found: Iterable[Facts], now: datetime.datetime, *, cluster: reports.Cluster, scope: reports.Scope
) -> reports.Report:
    """Gives the inventory, sorted by type, namespace and name."""
    entries = sorted(
        (entry(each, now) for each in found), key=lambda one: (one.type, one.namespace, one.name)
    )
    return reports.Report(
        generated_at=now.replace(microsecond=0),
        cluster=cluster,
        scope=scope,
        summary=tuple(summary(entries)),
        credentials=tuple(entries),
    )


def summary(entries: Sequence[reports.Entry]) -> Iterator[reports.OfType]:
    """Counts by type; `entries` are sorted by it."""
    for name in dict.fromkeys(one.type for one in entries):
        group = [one for one in entries if one.type == name]
        verdicts = Counter(one.verdict for one in group)
        findings = Counter(finding for one in group for finding in one.findings)
        yield reports.OfType(
            type=name,
            total=len(group),
            verdicts={verdict: verdicts[verdict] for verdict in reports.VERDICTS},
            findings={finding: findings[finding] for finding in reports.FINDINGS},
        )


def entry(known: Facts, now: datetime.datetime) -> reports.Entry:
    """Says of a Credential what an audit asks after."""
    one = known.credential
    validated = one.conditions.get("Validated", PENDING)
    users = sorted({*_users(known)})
    found = sorted(_findings(one, now, used=bool(users)), key=lambda said: reports.FINDINGS.index(said[0]))
    return reports.Entry(
        **_about(one),
        **_of_key(one),
        verdict=verdict(validated),
        reason=validated.reason,
        message=validated.message,
        since=validated.since,
        ready=one.ready.status,
        ready_reason=one.ready.reason,
        interval=values.duration_text(_interval(one)),
        source=one.source,
        secrets=tuple(_secrets(known)),
        users=_named(users),
        user_count=max(one.count, len(users)),
        rotation=_rotation(one),
        findings=tuple(finding for finding, _ in found),
        why=tuple(why for _, why in found),
        next=tuple(advice.next_steps(one)),
    )


def _about(one: Credential) -> dict[str, Any]:
    owner = one.spec.get("owner") or {}
    return {
        "namespace": one.namespace,
        "name": one.name,
        "uid": one.uid,
        "type": one.type,
        "display_name": one.spec.get("displayName", ""),
        "description": one.spec.get("description", ""),
        "team": owner.get("team", ""),
        "contact": owner.get("contact", ""),
        "public": one.public,
        "created_at": one.document["metadata"].get("creationTimestamp", ""),
    }


def _of_key(one: Credential) -> dict[str, Any]:
    key, identity = (one.status.get(part) or {} for part in ("key", "identity"))
    return {
        "key_id": one.key_id,
        "key_created_at": key.get("createdAt", ""),
        "key_last_used_at": key.get("lastUsedTime", ""),
        "identity": identity.get("principal", ""),
        "account": identity.get("account", ""),
        "last_validated_at": one.status.get("lastValidatedTime", ""),
        "expires_at": one.status.get("expiresAt", ""),
    }


def verdict(validated: Condition) -> reports.Verdict:
    """Gives what is said of a key in a word."""
    if validated.status == "True":
        return "Valid"
    if validated.status == "False":
        return "Invalid"
    return "Unchecked" if validated.reason in advice.UNCHECKED else "Unknown"


def _interval(one: Credential) -> datetime.timedelta:
    written = (one.spec.get("validation") or {}).get("interval")
    return values.duration(written) if written else credential.Validation().interval


def _users(known: Facts) -> Iterator[User]:
    """Yields who needs it: declared, found, named by the status, and those of borrowers' Secrets."""
    yield from (user for user, _ in description.users(known))
    for reference in known.references:
        yield from _borrowers(known, reference)


def _borrowers(known: Facts, reference: Reference) -> Sequence[User]:
    target = reference.target or {}
    return known.consumers.get((reference.user.namespace, target.get("name", "")), ())


def _secrets(known: Facts) -> Iterator[reports.Held]:
    one = known.credential
    for name, role in one.secrets.items():
        users = known.consumers.get((one.namespace, name), ())
        yield reports.Held(namespace=one.namespace, name=name, role=role, users=_named(users))
    for reference in known.references:
        if reference.target is not None:
            yield reports.Held(
                namespace=reference.user.namespace,
                name=reference.target["name"],
                role=reference.target["format"],
                users=_named(_borrowers(known, reference)),
            )


def _named(users: Iterable[User]) -> tuple[facts.User, ...]:
    return tuple(facts.User(kind=user.kind, namespace=user.namespace, name=user.name) for user in users)


def _rotation(one: Credential) -> reports.Rotation | None:
    told = one.status.get("rotation") or {}
    if not told:
        return None
    return reports.Rotation(
        previous_key_id=told.get("previousKeyID") or one.previous,
        drained=told.get("drained"),
        running=_named(User.of(item) for item in told.get("stale", ())),
    )


def _findings(one: Credential, now: datetime.datetime, *, used: bool) -> Iterator[Said]:
    yield from _ending(one, now)
    if one.ready.reason == "HeldBack":
        yield "HeldBack", "The key in the source is not published; consumers have the last good one."
    yield from _stale(one, now)
    rotation = one.status.get("rotation") or {}
    if rotation.get("drained") is False:
        yield "Draining", f"Workloads still run the previous key{_named_key(rotation)}."
    if not used and not one.count and verdict(one.conditions.get("Validated", PENDING)) in WORKING:
        yield "Unused", "No workload, custom resource or reference needs it."


def _named_key(rotation: Mapping[str, str]) -> str:
    previous = rotation.get("previousKeyID")
    return f" {previous}" if previous else ""


def _ending(one: Credential, now: datetime.datetime) -> Iterator[Said]:
    text = one.status.get("expiresAt")
    end = documents.moment(text)
    if end is not None and end <= now:
        yield "Expired", f"It ended {times.ahead(text, now)}."
    elif "Expiring" in one.conditions:
        yield "Expiring", f"It ends {times.ahead(text, now)}." if text else one.conditions["Expiring"].message


def _stale(one: Credential, now: datetime.datetime) -> Iterator[Said]:
    """A key that was refused is stale when that is long ago; another one when it was not validated for long."""
    validated = one.conditions.get("Validated", PENDING)
    if validated.status == "False":
        since = documents.moment(validated.since)
        if since is not None and now - since > LONG_REFUSED:
            yield "Stale", f"It has been refused for {times.age(validated.since, now)}."
        return
    interval, last = _interval(one), one.status.get("lastValidatedTime")
    then = documents.moment(last or one.document["metadata"].get("creationTimestamp"))
    if validated.reason in advice.UNCHECKED or not interval or then is None:
        return
    if now - then > TWICE * interval:
        suspended = "; it is suspended" if "Suspended" in one.conditions else ""
        said = f"It was not validated for {times.age(last, now)}" if last else "It was never validated"
        yield "Stale", f"{said}, its interval is {values.duration_text(interval)}{suspended}."

"""From what one pass over a Credential found out to its status, events and the next look. Pure."""

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from credential_operator import abnormal, errors, judge, naming, situation
from credential_operator.findings import (
    CONFIRM_AFTER,
    Json,
    Needs,
    NotChecked,
    Pass,
    Time,
    parse_time,
    show_time,
)
from credential_operator.providers import contract

SHOWN = 10
"""How many names a status lists."""
MAX_LISTED = 256
"""How many permissions it lists."""
LONGEST_NAME = 256
"""How many characters of a provider's name it shows."""
LONGEST_REASON = 256
"""How many characters of a person's own words an event shows."""
KEPT = ("identity", "key", "externalID", "lastValidatedTime", "nextValidationTime", "distribution")
"""What a pass that finds out nothing new about it leaves as it is."""
KEYLESS_AGAIN = datetime.timedelta(minutes=1)
"""When to look again for a ServiceAccount, or a Role for its tokens: no watch tells of either."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened: `type` is Normal or Warning."""

    type: str
    reason: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The status to write, the events to send, and when to look again (None: on change only)."""

    status: Json
    events: tuple[Event, ...]
    wake_at: Time | None


def after(old: Mapping[str, Any], found: Pass, now: Time) -> Result:
    """Turns what a pass found out into status, events and the next look."""
    before = {one["type"]: one for one in old.get("conditions", ())}
    status = _facts(old, found, now)
    states = judge.judge(
        before,
        found,
        validated_at=old.get("lastValidatedTime"),
        expires_at=parse_time(status.get("expiresAt")),
        now=now,
    )
    status["conditions"] = [
        condition(before.get(name), name, state, generation=found.generation, now=now)
        for name, state in sorted(states.items())
    ]
    events = (*_events(before, states, found), *_drained(old.get("rotation", {}), found.rotation or {}))
    return Result(status=status, events=events, wake_at=_next_look(status, found, now))


def condition(
    before: Mapping[str, Any] | None, name: str, state: situation.State, *, generation: int, now: Time
) -> Json:
    """Gives a metav1.Condition; its transition time moves only when its value does."""
    kept = before is not None and before["status"] == state.value
    return {
        "type": name,
        "status": state.value,
        "reason": state.reason,
        "message": state.message,
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if before is not None and kept else show_time(now),
    }


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Json]:
    """Gives the JSON patch (RFC 6902) that turns one status into another; empty if they are equal."""
    dropped = [{"op": "remove", "path": f"/status/{name}"} for name in sorted(old.keys() - new.keys())]
    return dropped + [
        {"op": "add", "path": f"/status/{name}", "value": value}
        for name, value in new.items()
        if name not in old or old[name] != value
    ]


# Facts


def _facts(old: Mapping[str, Any], found: Pass, now: Time) -> Json:
    """Gives everything in the status that is not a condition."""
    kept = [
        name
        for name, wanted in (
            ("source", not found.keyless),
            ("permissions", found.permissions),
            ("reach", found.reach),
        )
        if wanted
    ]
    facts: Json = {name: old[name] for name in (*KEPT, *kept) if name in old}
    facts |= {"observedGeneration": found.generation, "type": found.type, "references": _counted(found.needs)}
    if found.reconcile_at is not None:
        facts["lastHandledReconcileAt"] = found.reconcile_at
    if found.source is not None:
        facts["source"] = found.source
    if rotation := _rotation(found):
        facts["rotation"] = rotation
    if found.targets:
        facts["targets"] = [target.document() for target in sorted(found.targets, key=lambda one: one.name)]
    if isinstance(found.verdict, contract.Validation):
        facts = {
            name: value for name, value in facts.items() if name not in ("identity", "key", "externalID")
        }
        facts |= _identified(found.verdict, old.get("key", {}), now)
        if not found.unasked:
            facts["lastValidatedTime"] = show_time(now)
    facts |= _told(found, now)
    end = _expiry(old, found, facts)
    if end is not None:
        facts["expiresAt"] = show_time(end)
    return _planned(facts, found, now)


def _rotation(found: Pass) -> Json:
    """Gives what is said of the last rotation, and of the next where keys renew themselves."""
    last = {name: value for name, value in (found.rotation or {}).items() if name != "managed"}
    managed = found.managed.document if found.managed is not None else {}
    return last | ({"managed": managed} if managed else {})


def _identified(validation: contract.Validation, known: Mapping[str, Any], now: Time) -> Json:
    identity = validation.identity
    account = {"account": identity.account} if identity is not None and identity.account else {}
    facts = {
        "identity": {"principal": identity.principal, **account} if identity is not None else None,
        "key": _key(validation, known, now),
        "externalID": validation.external_id,
    }
    return {name: value for name, value in facts.items() if value}


def _key(validation: contract.Validation, known: Mapping[str, Any], now: Time) -> Json:
    """Gives the public facts of the key; its history is kept as long as it is the same key."""
    history = validation.history
    if history is None:
        same = validation.key_id in {None, known.get("id")}
        return dict(known) if same else {"id": validation.key_id}
    key_id = validation.key_id or history.key_id
    times = {
        "createdAt": history.created_at,
        "lastUsedTime": history.last_used_at,
        "expiresAt": history.expires_at,
        "observedAt": now,
    }
    named = {"id": key_id} if key_id else {}
    return named | {name: show_time(time) for name, time in times.items() if time}


def _told(found: Pass, now: Time) -> Json:
    """Gives what the provider told of permissions and reach in this pass."""
    told: Json = {}
    match found.verdict:
        case contract.Validation(grants=grants, reach=reach):
            if grants is not None:
                told["permissions"] = _listed(missing=grants.missing, unknown=grants.unknown)
            if reach is not None:
                told["reach"] = _reach(reach, now)
        case errors.PermissionDenied(missing=(_, *_) as missing):
            told["permissions"] = _listed(missing=missing)
    return told


def _reach(reach: contract.Reach, now: Time) -> Json:
    """Gives the places that a key sees; the provider's own names may be longer than the schema has room for."""
    places = [
        {word: text[:LONGEST_NAME] for word, text in (("id", one.id), ("name", one.name)) if text}
        for one in reach.places[:SHOWN]
    ]
    told = {"count": reach.count, "discoveredAt": show_time(now)}
    return told | ({"items": places} if places else {})


def _listed(**names: Sequence[str]) -> Json:
    return {word: list(listed[:MAX_LISTED]) for word, listed in names.items() if listed or word == "missing"}


def _expiry(old: Mapping[str, Any], found: Pass, facts: Json) -> Time | None:
    """Gives the end of what a person must renew: the owner's word, else the key's own, else the provider's."""
    if found.timing.expires_at is not None:
        return found.timing.expires_at
    if isinstance(found.verdict, contract.Validation):
        return found.verdict.expires_at or parse_time(facts.get("key", {}).get("expiresAt"))
    return parse_time(old.get("expiresAt"))


def _counted(needs: Needs) -> Json:
    counted: Json = {"count": len(needs.all), "declared": len(needs.declared) + len(needs.distributed)}
    if needs.distributed:
        counted["distributed"] = len(needs.distributed)
    if needs.found is not None:
        counted["found"] = len(needs.found)
    items = [user._asdict() for user in needs.all[:SHOWN]]
    return counted | ({"items": items} if items else {})


# Times


def _planned(facts: Json, found: Pass, now: Time) -> Json:
    """Sets when the provider is asked next; a transient failure leaves that, for a backoff comes first."""
    if found.verdict == NotChecked(reason="Unchanged") or (
        isinstance(found.verdict, Exception) and found.final is None
    ):
        return facts
    facts.pop("nextValidationTime", None)
    planned = _next_validation(found, now)
    return facts if planned is None else facts | {"nextValidationTime": show_time(planned)}


def _next_validation(found: Pass, now: Time) -> Time | None:
    if found.unasked:
        # Nothing but the end of its life can change what is said of it.
        return found.verdict.expires_at if isinstance(found.verdict, contract.Validation) else None
    if isinstance(found.verdict, NotChecked) or (found.locks and isinstance(found.verdict, errors.Refused)):
        return None
    if found.keyless and isinstance(found.error, errors.Waiting):
        return now + KEYLESS_AGAIN
    if not found.confirmed:
        return now + datetime.timedelta(seconds=CONFIRM_AFTER)
    interval = found.timing.interval
    return now + interval * (0.9 + 0.2 * found.timing.jitter) if interval else None


def _next_look(status: Mapping[str, Any], found: Pass, now: Time) -> Time | None:
    looks = [parse_time(status.get("nextValidationTime")), found.look_at]
    end = parse_time(status.get("expiresAt"))
    later = [] if end is None else [end - found.timing.warn_before, end]
    if isinstance(found.verdict, errors.Transient):
        later.append(found.stale_at(parse_time(status.get("lastValidatedTime"))) or now)
    looks += [moment for moment in later if moment > now]
    return min((look for look in looks if look is not None), default=None)


# Events


def _events(
    before: Mapping[str, Mapping[str, Any]], states: Mapping[str, situation.State], found: Pass
) -> tuple[Event, ...]:
    """Tells of transitions only; a first success is worth no event."""
    events = [
        Event(type="Warning", reason=states[name].reason, message=states[name].message)
        for name, wrong in (
            ("Validated", "False"),
            ("Synced", "False"),
            ("Warning", "True"),
            ("Expiring", "True"),
            ("RenewalFailing", "True"),
            ("RotationFailing", "True"),
            ("DeletionBlocked", "True"),
        )
        if _turned(before.get(name), states.get(name), wrong)
    ]
    validated = states["Validated"]
    if validated.value == "True" and before.get("Validated", {}).get("status") == "False":
        events.append(Event(type="Normal", reason="Accepted", message=validated.message))
    managed = found.managed.events if found.managed is not None else ()
    events += (Event(type="Normal", reason=reason, message=message) for reason, message in managed)
    return tuple(dict.fromkeys([*events, *cleared(found.cleared), *_written(before, found)]))


def _turned(known: Mapping[str, Any] | None, state: situation.State | None, wrong: str) -> bool:
    """Tells whether a condition has come to say that something is wrong, or something else than before."""
    if state is None or state.value != wrong:
        return False
    return known is None or (known["status"], known["reason"]) != (wrong, state.reason)


def _written(before: Mapping[str, Mapping[str, Any]], found: Pass) -> list[Event]:
    repaired = ", ".join(sorted(target.name for target in found.targets if target.repaired))
    replaced = ", ".join(
        sorted(
            target.name
            for target in found.targets
            if target.written and not (target.repaired or target.adopted)
        )
    )
    events = [*adopted(target.name for target in found.targets if target.adopted)]
    if repaired:
        text = f"Wrote {repaired} again, which somebody else had changed or deleted."
        events.append(Event(type="Normal", reason="Repaired", message=text))
    if replaced and before.get("Synced", {}).get("reason") in ("Published", "HeldBack"):
        events.append(
            Event(type="Normal", reason="Published", message=f"Published what is new to {replaced}.")
        )
    return events


def adopted(targets: Iterable[str]) -> Iterator[Event]:
    """Tells which Secrets were taken over, and where what they held is."""
    for name in sorted(targets):
        message = (
            f"Took over Secret {name}; Secret {naming.backup_of(name)} keeps what it held. Containers that have it "
            "in their environment or by a subPath run on with that until they are restarted."
        )
        yield Event(type="Normal", reason="Adopted", message=message)


def _drained(before: Json, rotation: Json) -> tuple[Event, ...]:
    """Tells that no workload runs the previous key any more, where one did, and what was looked at."""
    if not rotation.get("drained") or not before.get("stale"):
        return ()
    key = f"key {rotation['previousKeyID']}" if "previousKeyID" in rotation else "key"
    unknown = [f"{user['kind']} {user['name']}" for user in rotation.get("unknown", ())]
    judged = f" Not judged: {abnormal.listed(unknown)}." if unknown else ""
    message = (
        f"No running container of this cluster has read the previous {key}.{judged} Other clusters and what runs "
        "outside were not looked at."
    )
    return (Event(type="Normal", reason="Drained", message=message),)


def forced(reason: str, needs: Needs, namespace: str) -> tuple[Event, ...]:
    """Tells a reader in that namespace who needed what is deleted by force; nothing where nobody did."""
    if not needs.all:
        return ()
    users = abnormal.listed([user.seen_from(namespace) for user in needs.all])
    message = f"Deleted by force ({_on_one_line(reason)}) while it was needed by {users}."
    return (Event(type="Warning", reason="ForceDeleted", message=message),)


def undefined(needs: Needs, namespace: str, targets: Sequence[str], *, retain: bool) -> tuple[Event, ...]:
    """Tells a reader in that namespace who needed what goes with its CustomResourceDefinition."""
    users = abnormal.listed([user.seen_from(namespace) for user in needs.all])
    left = (
        f" Its target Secrets are {'left' if retain else 'deleted'}: {abnormal.listed(targets)}."
        if targets
        else ""
    )
    message = (
        f"Released while it was needed by {users}, since the CustomResourceDefinition of Credentials is being "
        f"deleted.{left} Targets of CredentialReferences stay until those are deleted."
    )
    return (Event(type="Warning", reason="DefinitionDeleted", message=message),)


def cleared(references: Sequence[str]) -> tuple[Event, ...]:
    """Tells which references were deleted that held a deletion back; none, nothing.

    The API server tells nobody by whom: its audit log alone has that.
    """
    if not references:
        return ()
    message = f"No longer in the way of the deletion, since deleted: {abnormal.listed(references)}."
    hint = "Who did it is in the API server's audit log."
    return (Event(type="Normal", reason="ReferenceDeleted", message=f"{message} {hint}"),)


def kept(store: str) -> tuple[Event, ...]:
    """Tells which Secret with keys stays when its Credential goes; empty: none."""
    if not store:
        return ()
    message = (
        f"Secret {store} stays: it holds the only copy of the key. Delete it when nobody needs the key, or let the "
        "next Credential of this name go on with it."
    )
    return (Event(type="Normal", reason="KeysLeft", message=message),)


def _on_one_line(text: str) -> str:
    """Gives a person's words without what could pass for something else in a terminal or a log, and cut."""
    words = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return words if len(words) <= LONGEST_REASON else f"{words[: LONGEST_REASON - 1]}…"

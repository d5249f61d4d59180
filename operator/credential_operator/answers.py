"""What a CredentialReference is told: whether it counts, what became of its target, whether it can be used. Pure."""

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any

from credential_operator import (
    distribution,
    findings,
    handouts,
    inventory,
    naming,
    references,
    selection,
    status,
)
from credential_operator.situation import State

Json = dict[str, Any]
Time = datetime.datetime

REVOKED = "Revoked"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of the target: its condition (None: none is asked for), and its status (None: there is none).

    `adopted`: it was there already, and nobody's. `over`: the short-lived key in it has ended. `look_at`: when to
    look at it again.
    """

    synced: State | None = None
    target: Json | None = None
    adopted: bool = False
    over: bool = False
    look_at: Time | None = None


def bound(
    reference: Json, credential: Json | None, now: Time, *, granted: bool, holding: references.Holding
) -> State:
    """Gives the condition Bound, from the Credential that is meant (None: there is none).

    `granted`: its owner allows the reference's namespace. `holding` counts where the reference ends with its
    holder. What is not granted and what does not exist are one answer.
    """
    over = _over(reference, now, holding)
    if over is not None and not _keeps_in_vain(reference, credential, granted=granted):
        return over
    name = _named(reference, credential)
    if credential is None or not selection.bound_to(reference, credential):
        return _ungranted(reference, name, had=False)
    if not granted:
        held = references.bound(reference["status"]).get("status") == "True"
        return _ungranted(reference, name, had=held or "target" in reference["status"])
    own = dataclasses.replace(references.claim(reference, now), ended=False)
    if own.counts_for(credential, now, granted=granted):
        return _offered(name) if distribution.open_offer(reference) else _holds(name)
    if "deletionTimestamp" in credential["metadata"]:
        message = f"Credential {name} is being deleted and takes no new references."
        return _unbound("CredentialTerminating", message)
    return _unbound(
        "NotAccepting", f"The owner of Credential {name} takes no new references (spec.acceptReferences)."
    )


def after(
    reference: Json,
    credential: Json | None,
    now: Time,
    *,
    state: State,
    holding: references.Holding,
    delivery: Delivery,
    offer: Json | None = None,
) -> Json:
    """Gives the status of a CredentialReference; `state` is what `bound` gave, `offer` what can be asked for."""
    before = {one["type"]: one for one in reference["status"].get("conditions", ())}
    generation = reference["metadata"]["generation"]
    states = {"Bound": state, "Ready": _ready(reference, credential, state, delivery)}
    if delivery.synced is not None:
        states["Synced"] = delivery.synced
    new: Json = {
        "observedGeneration": generation,
        "conditions": [
            status.condition(before.get(name), name, one, generation=generation, now=now)
            for name, one in sorted(states.items())
        ],
    }
    if (end := references.lease_end(reference, now)) is not None:
        new["expiresAt"] = findings.show_time(end)
    if uid := _seen_uid(reference, holding):
        new["holder"] = {"uid": uid}
    if state.value == "True" and credential is not None:
        metadata = credential["metadata"]
        new["credential"] = {name: metadata[name] for name in ("namespace", "name", "uid")}
    elif "credentialSelector" in reference["spec"] and "credential" in reference["status"]:
        # It looks no further: what it was bound to is what it means.
        new["credential"] = reference["status"]["credential"]
    further = {"target": delivery.target, "offer": offer}
    return new | {name: value for name, value in further.items() if value is not None}


def events(reference: Json, new: Json, delivery: Delivery) -> Iterator[status.Event]:
    """Tells what happened: a lease that has run out, and a Secret that was taken over; `new` is its new status."""
    bound = references.bound(new)
    if references.bound(reference["status"]).get("status") == "True" and bound["reason"] == "Expired":
        yield status.Event(type="Warning", reason="Expired", message=bound["message"])
    if delivery.adopted and delivery.target is not None:
        yield from status.adopted([delivery.target["name"]])


def readiness(credential: Json) -> State:
    """Gives the condition Ready of a Credential."""
    conditions = credential["status"].get("conditions", ())
    ready = next((one for one in conditions if one["type"] == "Ready"), None)
    if ready is None:
        return State("Unknown", "Pending", "It was not looked at yet.")
    return State(ready["status"], ready["reason"], ready["message"])


def _ready(reference: Json, credential: Json | None, state: State, delivery: Delivery) -> State:
    """Says whether consumers can work: what the Credential says, unless they have no target."""
    if state.value != "True" or credential is None:
        return state
    synced = delivery.synced
    if synced is not None and synced.value == "False" and (delivery.target is None or delivery.over):
        return synced
    ready = readiness(credential)
    return dataclasses.replace(ready, message=f"Credential {_named(reference, credential)}: {ready.message}")


def _named(reference: Json, credential: Json | None) -> str:
    key = naming.named_by(reference) if credential is None else inventory.key_of(credential)
    own = reference["metadata"]["namespace"]
    return key.name if key is not None and key.namespace == own else str(key)


def _ungranted(reference: Json, name: str, *, had: bool) -> State:
    """Tells those who had it that they have it no more, and others nothing.

    Whoever was told so is told it on, also when the Credential is gone: their target has still to go.
    """
    if had or references.bound(reference["status"]).get("reason") == REVOKED:
        verb = "distribute it to" if handouts.form_of(reference) else "share it with"
        return _unbound(REVOKED, f"The owner of Credential {name} does not {verb} this namespace any more.")
    return _unbound("NotGranted", f"There is no Credential {name} that this reference may use.")


def _keeps_in_vain(reference: Json, credential: Json | None, *, granted: bool) -> bool:
    """Tells whether a reference that has ended has a target still of what its owner does not share any more."""
    if granted or "target" not in reference["status"]:
        return False
    told = references.bound(reference["status"]).get("reason") == REVOKED
    return told or (credential is not None and selection.bound_to(reference, credential))


def _holds(name: str) -> State:
    return State("True", "Bound", f"Holds Credential {name}.")


def _offered(name: str) -> State:
    message = (
        f"The owner of Credential {name} offers it: set spec.target to get a Secret in one of its formats."
    )
    return _unbound("Offered", message)


def _seen_uid(reference: Json, holding: references.Holding) -> str:
    """Gives the uid of the holder that is to finish: the one that was seen first, or is seen now."""
    if not references.awaits_holder(reference):
        return ""
    return str(reference["status"].get("holder", {}).get("uid") or holding.uid)


def _over(reference: Json, now: Time, holding: references.Holding) -> State | None:
    """Says why a reference holds nothing any more; None where it does, or may yet."""
    if references.awaits_holder(reference) and (unheld := _unheld(reference, holding)):
        return unheld
    end = references.lease_end(reference, now)
    if end is not None and end <= now:
        return _unbound("Expired", "Its lease (status.expiresAt) has ended: set spec.renewTime to renew it.")
    return None


def _unheld(reference: Json, holding: references.Holding) -> State | None:
    """Says why its holder holds a reference no more; None where it does, or may yet come."""
    holder, seen = reference["spec"]["holder"], _seen_uid(reference, holding)
    if not holding.watched:
        message = (
            f"The operator does not look at objects of kind {holder['kind']} ({holder['apiVersion']}), and would "
            "not learn when this one has finished: leave `until` out and delete this reference when it is over."
        )
        return _unbound(references.UNWATCHED, message)
    finished = references.bound(reference["status"]).get("reason") == references.FINISHED
    if finished or (seen and (holding.finished or holding.uid != seen)):
        return _unbound(
            references.FINISHED, f"{holder['kind']} {holder['name']} is complete, failed or gone."
        )
    return None


def _unbound(reason: str, message: str) -> State:
    return State("False", reason, message)

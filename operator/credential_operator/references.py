"""References: who claims a Credential, for how long, and what a CredentialReference is told. Pure."""

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from credential_operator import findings, inventory, situation, status

Json = dict[str, Any]
Time = datetime.datetime

FINISHED, UNWATCHED = "Finished", "HolderKindNotWatched"
UNHELD = (FINISHED, UNWATCHED)
"""Reasons of Bound: nobody holds the reference any more, or nobody could tell."""


KIND = "CredentialReference"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The holder of a reference as it is: its uid (empty: there is none), and whether its work is done.

    `watched` is False where the operator does not look at objects of its kind.
    """

    uid: str = ""
    finished: bool = False
    watched: bool = True


HELD = Holding()
"""Of a reference that does not end with its holder, nothing need be known."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A CredentialReference that names a Credential: since when, until when, and which one it was bound to.

    `ended`: its status says that its holder holds it no more.
    """

    key: inventory.Key
    created: str
    bound_to: str
    ends: Time | None
    ended: bool

    @property
    def user(self) -> findings.User:
        """Names it as one who needs the Credential."""
        return findings.User(KIND, *self.key)

    def over(self, now: Time) -> bool:
        """Tells whether its lease has ended, or its holder has finished."""
        return self.ended or (self.ends is not None and self.ends <= now)

    def counts_for(self, credential: Json, now: Time) -> bool:
        """Tells whether it holds a Credential back from its deletion.

        One that is bound to it does until it is over; another only if it was there before the deletion
        was asked for, and while its owner takes new ones.
        """
        metadata = credential["metadata"]
        if self.over(now):
            return False
        if self.bound_to == metadata["uid"]:
            return True
        return accepts(credential) and self.created <= metadata.get("deletionTimestamp", self.created)


def accepts(credential: Json) -> bool:
    """Tells whether the owner of a Credential takes new references."""
    return bool(credential.get("spec", {}).get("acceptReferences", True))


def claims(documents: Iterable[Json], credential: inventory.Key, now: Time) -> list[Claim]:
    """Picks those CredentialReferences of its namespace that name a Credential, sorted."""
    return sorted(
        (
            claim(document, now)
            for document in documents
            if document["spec"]["credentialRef"]["name"] == credential.name
        ),
        key=lambda one: one.key,
    )


def claim(document: Json, now: Time) -> Claim:
    """Reads a CredentialReference."""
    return Claim(
        key=inventory.Key(document["metadata"]["namespace"], document["metadata"]["name"]),
        created=document["metadata"]["creationTimestamp"],
        bound_to=((document.get("status") or {}).get("credential") or {}).get("uid", ""),
        ends=lease_end(document, now),
        ended=awaits_holder(document) and bound(document.get("status") or {}).get("reason") in UNHELD,
    )


def awaits_holder(document: Json) -> bool:
    """Tells whether a reference ends when its holder has finished."""
    return bool(document["spec"].get("until") == "HolderFinished")


def lease_end(document: Json, now: Time) -> Time | None:
    """Gives when a lease ends; None where there is none.

    A renewal counts from its own time, but never from later than it was first seen: a holder's clock that is
    ahead gains nothing by it.
    """
    seconds = document["spec"].get("leaseDurationSeconds")
    if seconds is None:
        return None
    metadata, known = document["metadata"], document.get("status") or {}
    if known.get("observedGeneration") == metadata["generation"] and "expiresAt" in known:
        return findings.parse_time(known["expiresAt"])
    renewed = findings.parse_time(document["spec"].get("renewTime") or metadata["creationTimestamp"]) or now
    return min(renewed, now) + datetime.timedelta(seconds=seconds)


def removal(document: Json, now: Time) -> Time | None:
    """Gives when a reference that ends is to be removed; None where it is kept, or its end is not known."""
    after, told = document["spec"].get("ttlSecondsAfterFinished"), bound(document["status"])
    if after is None:
        return None
    finished = awaits_holder(document) and told.get("reason") == FINISHED
    end = findings.parse_time(told["lastTransitionTime"]) if finished else lease_end(document, now)
    return None if end is None else end + datetime.timedelta(seconds=after)


def after(reference: Json, credential: Json | None, now: Time, *, holding: Holding = HELD) -> Json:
    """Gives the status of a CredentialReference, from the Credential it names (None: there is none). Pure.

    `holding` counts where the reference ends with its holder.
    """
    old = reference["status"]
    before = {condition["type"]: condition for condition in old.get("conditions", ())}
    generation = reference["metadata"]["generation"]
    uid = _seen_uid(reference, holding)
    state, ready = _states(reference, credential, now, holding)
    new: Json = {
        "observedGeneration": generation,
        "conditions": [
            status.condition(before.get(name), name, state, generation=generation, now=now)
            for name, state in (("Bound", state), ("Ready", ready))
        ],
    }
    if (end := lease_end(reference, now)) is not None:
        new["expiresAt"] = findings.show_time(end)
    if uid:
        new["holder"] = {"uid": uid}
    if state.value == "True" and credential is not None:
        metadata = credential["metadata"]
        new["credential"] = {name: metadata[name] for name in ("namespace", "name", "uid")}
    return new


def bound(known: Json) -> Json:
    """Gives the condition Bound of a status; empty if there is none."""
    return next((one for one in known.get("conditions", ()) if one["type"] == "Bound"), {})


def _seen_uid(reference: Json, holding: Holding) -> str:
    """Gives the uid of the holder that is to finish: the one that was seen first, or is seen now."""
    if not awaits_holder(reference):
        return ""
    return str(reference["status"].get("holder", {}).get("uid") or holding.uid)


def _over(reference: Json, now: Time, holding: Holding) -> tuple[situation.State, situation.State] | None:
    """Says why a reference holds nothing any more; None where it does, or may yet."""
    if awaits_holder(reference) and (unheld := _unheld(reference, holding)):
        return unheld
    end = lease_end(reference, now)
    if end is not None and end <= now:
        return _unbound("Expired", "Its lease (status.expiresAt) has ended: set spec.renewTime to renew it.")
    return None


def _unheld(reference: Json, holding: Holding) -> tuple[situation.State, situation.State] | None:
    """Says why its holder holds a reference no more; None where it does, or may yet come."""
    holder, seen = reference["spec"]["holder"], _seen_uid(reference, holding)
    if not holding.watched:
        message = (
            f"The operator does not look at objects of kind {holder['kind']} ({holder['apiVersion']}), and would "
            "not learn when this one has finished: leave `until` out and delete this reference when it is over."
        )
        return _unbound(UNWATCHED, message)
    if bound(reference["status"]).get("reason") == FINISHED or (
        seen and (holding.finished or holding.uid != seen)
    ):
        return _unbound(FINISHED, f"{holder['kind']} {holder['name']} is complete, failed or gone.")
    return None


def _states(
    reference: Json, credential: Json | None, now: Time, holding: Holding
) -> tuple[situation.State, situation.State]:
    """Gives Bound and Ready."""
    if over := _over(reference, now, holding):
        return over
    name = reference["spec"]["credentialRef"]["name"]
    own = dataclasses.replace(claim(reference, now), ended=False)
    if credential is None:
        return _unbound("NotGranted", f"There is no Credential {name} that this reference may use.")
    if not own.counts_for(credential, now):
        if "deletionTimestamp" in credential["metadata"]:
            message = f"Credential {name} is being deleted and takes no new references."
            return _unbound("CredentialTerminating", message)
        return _unbound(
            "NotAccepting", f"The owner of Credential {name} takes no new references (spec.acceptReferences)."
        )
    counts = situation.State("True", "Bound", f"Holds Credential {name}.")
    conditions = credential["status"].get("conditions", ())
    ready = next((one for one in conditions if one["type"] == "Ready"), None)
    if ready is None:
        return counts, situation.State("Unknown", "Pending", f"Credential {name} was not looked at yet.")
    return counts, situation.State(ready["status"], ready["reason"], f"Credential {name}: {ready['message']}")


def _unbound(reason: str, message: str) -> tuple[situation.State, situation.State]:
    state = situation.State("False", reason, message)
    return state, state

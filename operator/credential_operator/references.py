"""References: who claims a Credential, for how long, and what a CredentialReference is told. Pure."""

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from credential_operator import findings, inventory, situation, status

Json = dict[str, Any]
Time = datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A CredentialReference that names a Credential: since when, until when, and which one it was bound to."""

    key: inventory.Key
    created: str
    bound_to: str
    ends: Time | None

    def __str__(self) -> str:
        return f"CredentialReference {self.key.name}"

    def over(self, now: Time) -> bool:
        """Tells whether its lease has ended."""
        return self.ends is not None and self.ends <= now

    def counts_for(self, credential: Json, now: Time) -> bool:
        """Tells whether it holds a Credential back from its deletion.

        One that is bound to it does until its lease ends; another only if it was there before the deletion
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
    )


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
    """Gives when a reference whose lease ends is to be removed; None where it is kept."""
    end, after = lease_end(document, now), document["spec"].get("ttlSecondsAfterFinished")
    return None if end is None or after is None else end + datetime.timedelta(seconds=after)


def after(reference: Json, credential: Json | None, now: Time) -> Json:
    """Gives the status of a CredentialReference, from the Credential it names (None: there is none). Pure."""
    old = reference["status"]
    before = {condition["type"]: condition for condition in old.get("conditions", ())}
    generation = reference["metadata"]["generation"]
    bound, ready = _states(reference, credential, now)
    new: Json = {
        "observedGeneration": generation,
        "conditions": [
            status.condition(before.get(name), name, state, generation=generation, now=now)
            for name, state in (("Bound", bound), ("Ready", ready))
        ],
    }
    if (end := lease_end(reference, now)) is not None:
        new["expiresAt"] = findings.show_time(end)
    if bound.value == "True" and credential is not None:
        metadata = credential["metadata"]
        new["credential"] = {name: metadata[name] for name in ("namespace", "name", "uid")}
    return new


def is_bound(document: Json) -> bool:
    """Tells whether a status says that its reference counts."""
    return any(one["type"] == "Bound" and one["status"] == "True" for one in document.get("conditions", ()))


def _states(reference: Json, credential: Json | None, now: Time) -> tuple[situation.State, situation.State]:
    """Gives Bound and Ready."""
    name, own = reference["spec"]["credentialRef"]["name"], claim(reference, now)
    if own.over(now):
        return _unbound("Expired", "Its lease (status.expiresAt) has ended: set spec.renewTime to renew it.")
    if credential is None:
        return _unbound("NotGranted", f"There is no Credential {name} that this reference may use.")
    if not own.counts_for(credential, now):
        if "deletionTimestamp" in credential["metadata"]:
            message = f"Credential {name} is being deleted and takes no new references."
            return _unbound("CredentialTerminating", message)
        return _unbound(
            "NotAccepting", f"The owner of Credential {name} takes no new references (spec.acceptReferences)."
        )
    bound = situation.State("True", "Bound", f"Holds Credential {name}.")
    conditions = credential["status"].get("conditions", ())
    ready = next((one for one in conditions if one["type"] == "Ready"), None)
    if ready is None:
        return bound, situation.State("Unknown", "Pending", f"Credential {name} was not looked at yet.")
    return bound, situation.State(ready["status"], ready["reason"], f"Credential {name}: {ready['message']}")


def _unbound(reason: str, message: str) -> tuple[situation.State, situation.State]:
    state = situation.State("False", reason, message)
    return state, state

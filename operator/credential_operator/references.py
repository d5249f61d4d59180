"""References: who claims a Credential, and for how long. Pure."""

import dataclasses
import datetime
from collections.abc import Iterable, Iterator
from typing import Any

from credential_operator import findings, inventory, naming, objects

Json = dict[str, Any]
Time = datetime.datetime

FINISHED, UNWATCHED = "Finished", "HolderKindNotWatched"
UNHELD = (FINISHED, UNWATCHED)
"""Reasons of Bound: nobody holds the reference any more, or nobody could tell."""
REFUSED = ("", "False", "NotGranted")
"""The state of a record of a reference that may not use what it names, or names nothing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The holder of a reference as it is: its uid (empty: there is none), and whether its work is done.

    `watched` is False where the operator does not look at objects of its kind.
    """

    uid: str = ""
    finished: bool = False
    watched: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A CredentialReference that names a Credential: since when, until when, and which one it was bound to.

    `ended`: its status says that its holder holds it no more.
    """

    key: objects.Key
    created: str
    bound_to: str
    ends: Time | None
    ended: bool

    @property
    def user(self) -> findings.User:
        """Names it as one who needs the Credential."""
        return findings.User(inventory.REFERENCE, *self.key)

    def over(self, now: Time) -> bool:
        """Tells whether its lease has ended, or its holder has finished."""
        return self.ended or (self.ends is not None and self.ends <= now)

    def counts_for(self, credential: Json, now: Time, *, granted: bool) -> bool:
        """Tells whether it holds a Credential back from its deletion. `granted`: the owner allows its namespace.

        One that is bound to it does until it is over, or was told that it is not any more; another only if it
        is granted, was there before the deletion was asked for, and while the owner takes new ones.
        """
        metadata = credential["metadata"]
        if self.over(now):
            return False
        if self.bound_to == metadata["uid"]:
            return True
        return (
            granted
            and accepts(credential)
            and self.created <= metadata.get("deletionTimestamp", self.created)
        )


def accepts(credential: Json) -> bool:
    """Tells whether the owner of a Credential takes new references."""
    return bool(credential.get("spec", {}).get("acceptReferences", True))


def claims(documents: Iterable[Json], credential: objects.Key, now: Time) -> list[Claim]:
    """Picks those CredentialReferences that name a Credential, sorted."""
    return sorted(
        (claim(document, now) for document in documents if naming.named_by(document) == credential),
        key=lambda one: one.key,
    )


def claim(document: Json, now: Time) -> Claim:
    """Reads a CredentialReference."""
    return Claim(
        key=objects.Key(document["metadata"]["namespace"], document["metadata"]["name"]),
        created=document["metadata"]["creationTimestamp"],
        bound_to=_bound_to(document.get("status") or {}),
        ends=lease_end(document, now),
        ended=awaits_holder(document) and bound(document.get("status") or {}).get("reason") in UNHELD,
    )


def _bound_to(known: Json) -> str:
    """Gives the uid of the Credential that a reference is bound to; a selecting one remembers it longer."""
    held = bound(known).get("status") == "True"
    return str(known.get("credential", {}).get("uid", "")) if held else ""


def refused(known: inventory.Inventory) -> Iterator[tuple[str]]:
    """Gives the namespace of the Credential for each reference from elsewhere that names one and may not use it."""
    for key, seen in known.references.items():
        named = known.named_by(key) if seen.state == REFUSED else None
        if named is not None and named in known.credentials and named.namespace != key.namespace:
            yield (named.namespace,)


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
    # As the status shows it: a look that is planned for its end is not made before it.
    return min(renewed, now).replace(microsecond=0) + datetime.timedelta(seconds=seconds)


def removal(document: Json, now: Time) -> Time | None:
    """Gives when a reference that ends is to be removed; None where it is kept, or its end is not known."""
    after, told = document["spec"].get("ttlSecondsAfterFinished"), bound(document["status"])
    if after is None:
        return None
    finished = awaits_holder(document) and told.get("reason") == FINISHED
    end = findings.parse_time(told["lastTransitionTime"]) if finished else lease_end(document, now)
    return None if end is None else end + datetime.timedelta(seconds=after)


def bound(known: Json) -> Json:
    """Gives the condition Bound of a status; empty if there is none."""
    return next((one for one in known.get("conditions", ()) if one["type"] == "Bound"), {})


def weighed(known: Json) -> tuple[str, str, str]:
    """Gives what a Credential's own status depends on of a reference's; it may have counted one that was unbound."""
    target = known.get("target", {}).get("name", "")
    return bound(known).get("reason", ""), known.get("expiresAt", ""), target

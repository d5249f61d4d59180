"""What must be true of what is distributed, in every history and in the end.

* What is somebody else's is neither changed nor deleted: a reference without the operator's label, or a Secret
  without, that a person has marked has another mark after each change by a person, and is marked as given up
  before a person deletes it.
* A Credential is not gone while a Job uses a Secret that it distributes: one that did when the deletion was asked
  for, and still does. The operator lists users after that.
* In the end each namespace that is allowed has exactly one reference of the operator's for each Credential that
  is distributed, as its owner wants it, unless somebody has the name; what is not wanted any more is gone, its time
  of grace aside; what a Credential that is gone has left is gone, unless a Job uses its Secret.
"""

from collections.abc import Iterator
from typing import NamedTuple

from races import claims, invariants
from races.claims import State
from races.history import (
    BY,
    CLAIMS,
    CREDENTIALS,
    DELETED,
    GIVEN_UP,
    NAMESPACES,
    SECRETS,
    Event,
    Json,
    Name,
    Story,
)


def broken(story: Story) -> Iterator[str]:
    """Says what of somebody else was changed or deleted."""
    state: dict[Name, Event] = {}
    for event in story:
        before = state.pop(event.name, None)
        if event.type != DELETED:
            state[event.name] = event
        if before is None or before.uid != event.uid or not _theirs(before):
            continue
        if (
            event.type != DELETED
            and _marks(before) == _marks(event)
            and _substance(before) != _substance(event)
        ):
            yield f"somebody's own {event.kind} {event.name[1:]} was changed at {event.revision}"
        if event.type == DELETED and GIVEN_UP not in event.annotations and not _ends(event.namespace, state):
            yield f"somebody's own {event.kind} {event.name[1:]} was deleted at {event.revision}"


def _theirs(one: Event) -> bool:
    """Tells whether a person has marked an object that is not the operator's."""
    own = one.written or (one.kind == CLAIMS and claims.form(one))
    return one.kind in (CLAIMS, SECRETS) and BY in one.annotations and not own


def _marks(one: Event) -> list[str | None]:
    return [one.annotations.get(mark) for mark in (BY, GIVEN_UP)]


def _substance(one: Event) -> list[Json | None]:
    parts = ("labels", "annotations", "ownerReferences", "finalizers")
    return [one.object.get("spec"), one.object.get("data"), *(one.metadata.get(part) for part in parts)]


def _ends(namespace: str, state: State) -> bool:
    """Tells whether a namespace is being deleted, or gone."""
    found = state.get(Name(NAMESPACES, namespace, namespace))
    return found is None or found.terminating


# Who uses what was distributed


class _Use(NamedTuple):
    """A Job that uses the Secret of a reference."""

    claim: str
    secret: Name
    job: str


def released_in_use(story: Story) -> Iterator[str]:
    """Says which Credentials went while a Job used a Secret that they were distributed as."""
    state: dict[Name, Event] = {}
    latest: dict[str, Event] = {}
    asked: dict[str, list[_Use]] = {}
    for event in story:
        latest[event.uid] = event
        state[event.name] = event
        if event.type == DELETED:
            del state[event.name]
        if event.kind != CREDENTIALS:
            continue
        if event.type == DELETED and not invariants.free(event, state):
            for use in asked.get(event.uid, ()):
                if _goes_on(use, latest, state):
                    yield f"Credential {event.name.name} went at {event.revision}, and {use.job} uses {use.secret}"
        elif event.terminating and invariants.FINALIZER in event.metadata.get("finalizers", ()):
            asked.setdefault(event.uid, list(_uses(event, state)))


def _uses(credential: Event, state: State) -> Iterator[_Use]:
    for claim in claims.naming(state, credential):
        secret = claims.secret(claim)
        for job in claims.users(secret, state) if claims.form(claim) else ():
            if secret is not None and not job.terminating:
                yield _Use(claim.uid, secret, job.uid)


def _goes_on(use: _Use, latest: dict[str, Event], state: State) -> bool:
    """Tells whether a Job still uses a Secret, and nobody but the operator has touched the reference."""
    claim, job = latest[use.claim], latest[use.job]
    works = job.type != DELETED and not job.terminating and not claims.finished(job)
    given_up = GIVEN_UP in claim.annotations or _ends(claim.namespace, state)
    return works and bool(claims.form(claim)) and claims.secret(claim) == use.secret and not given_up


# The end


def unsettled(state: State, *, now: float, tolerance: float) -> Iterator[str]:
    """Says which references there are not that there are to be, and the other way about."""
    for one in state.values():
        if one.kind == CREDENTIALS and not one.terminating:
            yield from _distributed(one, state)
        elif one.kind == CLAIMS and claims.form(one):
            yield from _left(one, state, now=now, tolerance=tolerance)


def _left(claim: Event, state: State, *, now: float, tolerance: float) -> Iterator[str]:
    """Says that a reference of the operator's is there which nobody wants any more."""
    if not (_wanted(claim, state) or _may_stay(claim, state, now=now, tolerance=tolerance)):
        yield f"reference {claim.namespace}/{claim.name.name} was distributed, and is left"


def _distributed(credential: Event, state: State) -> Iterator[str]:
    """Says what a Credential's namespaces lack, and where its status differs from what there is."""
    places = list(_places(credential, state))
    found = [claim for place in places if (claim := state.get(place)) is not None]
    made = [claim for claim in found if claims.form(claim) and _wanted(claim, state)]
    if len(found) < len(places) and invariants.accepts(credential):
        yield f"Credential {credential.name.name} is distributed to {places}, and there is no reference"
    for claim in made:
        if claims.form(claim) == "target" and claim.object["spec"].get("target") != _target(credential):
            yield f"reference {claim.name.name} asks for another target than its owner chose"
    told = (credential.object.get("status") or {}).get("distribution")
    counted = {
        "wanted": len(places),
        "made": len(made),
        "published": sum(claims.secret(claim) is not None for claim in made),
    }
    expected = counted if claims.form_for(credential) else None
    if (told and {name: told.get(name) for name in counted}) != expected:
        yield f"Credential {credential.name.name} tells {told} of its distribution, not {expected}"


def _target(credential: Event) -> Json | None:
    target: Json | None = (credential.object["spec"].get("distribute") or {}).get("target")
    return target


def _places(credential: Event, state: State) -> Iterator[Name]:
    """Gives where a Credential is to have references."""
    if not claims.form_for(credential):
        return
    for one in state.values():
        if one.kind != NAMESPACES or one.terminating or one.namespace == credential.namespace:
            continue
        if claims.shares_with(credential, one.namespace, state):
            yield Name(CLAIMS, one.namespace, credential.name.name)


def _wanted(claim: Event, state: State) -> bool:
    """Tells whether a reference of the operator's is one that an owner wants."""
    credential = state.get(claims.named(claim))
    if credential is None:
        return False
    in_place = claim.name.name == credential.name.name and bool(claims.form_for(credential))
    return credential.terminating or (in_place and claims.admitted(claim, credential, state))


def _may_stay(claim: Event, state: State, *, now: float, tolerance: float) -> bool:
    """Tells whether what is not wanted goes with its namespace, is in its time of grace, or is a used leftover."""
    secret, credential = claims.secret(claim), state.get(claims.named(claim))
    if secret is None or _ends(claim.namespace, state):
        return _ends(claim.namespace, state)
    if credential is None:
        return bool(claims.users(secret, state))
    end = claims.told_at(claim) + claims.grace(credential)
    return claims.told(claim) == claims.REVOKED and now <= end + tolerance

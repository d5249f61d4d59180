"""What must be true of every history. It knows the API's promises, and nothing of the operator's code.

While things happen: a Credential is not gone while a reference to it counts. A reference surely counts

* when its status says that it is Bound to that very Credential and its lease goes on, or
* when it names the Credential, whatever its status says, was there before the deletion was asked for, and
  nothing has stood against it since it named this Credential: no cordon, no lapsed lease. (Where no
  admission policy puts the finalizer on, a Credential that went before it had one could not be held.)

The second is what keeps a reference safe that the operator had not come to when the deletion was asked for.
It leaves out what a deletion may overtake without anybody's fault: one object's change (a renewal after the
lease had ended, the end of a cordon) cannot be weighed in the same moment as the removal of another's
finalizer. Once the status says Bound again, the first rule holds.

Creation and deletion have times of whole seconds by the same clock: a smaller one is surely earlier, equal
ones tell nothing. Leases end by the operator's clock: `tolerance` says how far it may be off.

In the end, when nothing happens any more: see `unsettled`.
"""

from collections.abc import Iterator, Mapping

from races import history
from races.history import CLAIMS, CREDENTIALS, DELETED, DOMAIN, NAMESPACES, OWNER, SECRETS, Event, Name, Story

FINALIZER = f"{DOMAIN}/in-use-protection"
FORCED = f"{DOMAIN}/force-delete"

State = Mapping[Name, Event]


def released_too_soon(story: Story, *, tolerance: float) -> Iterator[str]:
    """Says of each Credential that went while a reference counted which one that was."""
    state: dict[Name, Event] = {}
    past = _Past(tolerance)
    for event in story:
        before = state.get(event.name)
        past.note(before, event)
        if event.type != DELETED:
            state[event.name] = event
            continue
        state.pop(event.name, None)
        if event.kind == CREDENTIALS and not _free(event, state):
            for claim in _claims(state, event):
                if why := past.counts(claim, event):
                    yield f"Credential {event.metadata['name']} ({event.uid}) went at {event.revision}: {why}"


class _Past:
    """What has stood against references: which leases have lapsed, and when each Credential was last cordoned."""

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._since: dict[str, int] = {}
        self._lapsed: set[str] = set()
        self._cordoned: dict[str, int] = {}
        self._protected: set[str] = set()

    def note(self, before: Event | None, event: Event) -> None:
        """Takes in a version of an object, and the one before it."""
        self._since.setdefault(event.uid, event.revision)
        if event.kind == CREDENTIALS:
            if FINALIZER in event.metadata.get("finalizers", ()):
                self._protected.add(event.uid)
            if not all(_accepts(one) for one in (before, event) if one is not None and one.uid == event.uid):
                self._cordoned[event.uid] = event.revision
        elif event.kind == CLAIMS and before is not None and before.uid == event.uid:
            end = _lease_end(before)
            if end is not None and end <= event.at + self._tolerance:
                self._lapsed.add(event.uid)

    def counts(self, claim: Event, gone: Event) -> str:
        """Says why a reference surely counts at the moment in which a Credential goes; empty: it may not."""
        end, known = _lease_end(claim), claim.object.get("status") or {}
        who = f"{claim.metadata['name']} ({claim.uid})"
        if _bound_to(claim) == gone.uid:
            told = known.get("expiresAt")
            going_on = told is None or history.seconds(told) > gone.at + self._tolerance
            return f"{who} was Bound to it" if going_on else ""
        asked = gone.metadata.get("deletionTimestamp")
        if asked is None or claim.metadata["creationTimestamp"] >= asked or claim.uid in self._lapsed:
            return ""
        if gone.uid not in self._protected:
            return ""
        if end is not None and end <= gone.at + self._tolerance:
            return ""
        if self._cordoned.get(gone.uid, 0) > self._since[claim.uid]:
            return ""
        return f"{who} was there since {claim.metadata['creationTimestamp']}, before {asked}"


def _free(gone: Event, state: State) -> bool:
    """Tells whether a Credential may go whoever refers to it: by force, or with its namespace."""
    namespace = state.get(Name(NAMESPACES, gone.namespace))
    return (
        namespace is None
        or namespace.terminating
        or bool((gone.metadata.get("annotations") or {}).get(FORCED))
    )


def _claims(state: State, credential: Event) -> list[Event]:
    """Gives the references that name a Credential."""
    name = credential.metadata["name"]
    return [
        one
        for one in state.values()
        if one.kind == CLAIMS and one.object["spec"]["credentialRef"]["name"] == name
    ]


def _accepts(credential: Event) -> bool:
    return bool(credential.object["spec"].get("acceptReferences", True))


def _bound_to(claim: Event) -> str:
    """Gives the uid of the Credential that a reference says it is bound to."""
    if claim.condition("Bound")[0] != "True":
        return ""
    return str((claim.object["status"].get("credential") or {}).get("uid", ""))


def _lease_end(claim: Event) -> float | None:
    """Gives when a lease ends; a renewal counts from its own time, never from later than it was seen."""
    seconds = claim.object["spec"].get("leaseDurationSeconds")
    if seconds is None:
        return None
    known = claim.object.get("status") or {}
    if known.get("observedGeneration") == claim.metadata["generation"] and "expiresAt" in known:
        return history.seconds(known["expiresAt"])
    renewed = claim.object["spec"].get("renewTime") or claim.metadata["creationTimestamp"]
    return min(history.seconds(renewed), claim.at) + float(seconds)


# The end


def unsettled(state: State, *, now: float, tolerance: float) -> Iterator[str]:
    """Says what is not as it has to be when nothing happens any more.

    What was let go is gone; each reference says what is true; each Credential has counted those that count;
    a target belongs to a Credential that is there.
    """
    by_kind: dict[str, list[Event]] = {}
    for one in state.values():
        by_kind.setdefault(one.kind, []).append(one)
    for namespace in by_kind.get(NAMESPACES, ()):
        if namespace.terminating:
            yield f"namespace {namespace.metadata['name']} is still there"
    for credential in by_kind.get(CREDENTIALS, ()):
        yield from _credential(credential, state)
    for claim in by_kind.get(CLAIMS, ()):
        named = state.get(Name(CREDENTIALS, claim.object["spec"]["credentialRef"]["name"]))
        expected = _expected(claim, named, now=now, tolerance=tolerance)
        said = (*claim.condition("Bound"), _bound_to(claim))
        if said not in expected:
            yield f"reference {claim.metadata['name']} says {said}, not one of {sorted(expected)}"
        if (claim.object.get("status") or {}).get("observedGeneration") != claim.metadata["generation"]:
            yield f"reference {claim.metadata['name']} was not looked at since it changed"
    yield from _targets(state)


def _credential(credential: Event, state: State) -> Iterator[str]:
    name = credential.metadata["name"]
    counting = sorted(
        claim.metadata["name"] for claim in _claims(state, credential) if _bound_to(claim) == credential.uid
    )
    if credential.terminating and (not counting or _free(credential, state)):
        yield f"Credential {name} ({credential.uid}) is still there, and nothing holds it"
    if FINALIZER not in credential.metadata.get("finalizers", ()):
        yield f"Credential {name} has no finalizer"
    status = credential.object.get("status") or {}
    if status.get("references", {}).get("count") != len(counting):
        yield f"Credential {name} counts {status.get('references')}; those that count are {counting}"
    if status.get("observedGeneration") != credential.metadata["generation"]:
        yield f"Credential {name} was not looked at since it changed"
    if credential.condition("Synced") != ("True", "Published"):
        yield f"Credential {name} is Synced={credential.condition('Synced')}"
    for target in credential.object["spec"].get("targets", ()):
        if Name(SECRETS, target["name"]) not in state:
            yield f"target {target['name']} of Credential {name} is missing"


def _targets(state: State) -> Iterator[str]:
    """Says which targets belong to nobody who is there."""
    for secret in state.values():
        owner = (secret.metadata.get("labels") or {}).get(OWNER) if secret.kind == SECRETS else None
        if owner is None:
            continue
        credential = state.get(Name(CREDENTIALS, owner))
        uids = {one["uid"] for one in secret.metadata.get("ownerReferences") or ()}
        if credential is None or credential.uid not in uids:
            yield f"target {secret.metadata['name']} belongs to no Credential that is there"


def _expected(
    claim: Event, named: Event | None, *, now: float, tolerance: float
) -> set[tuple[str, str, str]]:
    """Gives what a reference may say: Bound's value and reason, and the uid."""
    end = _lease_end(claim)
    expired = {("False", "Expired", "")}
    if end is not None and end <= now - tolerance:
        return expired
    found = {("False", "NotGranted", "")} if named is None else _towards(claim, named)
    return found | expired if end is not None and end <= now + tolerance else found


def _towards(claim: Event, named: Event) -> set[tuple[str, str, str]]:
    """Gives what a reference may say of a Credential that is there."""
    bound = ("True", "Bound", named.uid)
    if named.terminating:
        early = claim.metadata["creationTimestamp"] < named.metadata["deletionTimestamp"]
        return {bound} if early and _accepts(named) else {bound, ("False", "CredentialTerminating", "")}
    return {bound} if _accepts(named) else {bound, ("False", "NotAccepting", "")}

"""What must be true in the end, when nothing happens any more and nothing befalls the operator."""

from collections.abc import Iterator

from races import claims, given, lent
from races.claims import State
from races.history import BORROWER, CLAIMS, CREDENTIALS, NAMESPACES, OWNER, SECRETS, Event, Name
from races.invariants import FINALIZER, accepts, free

Said = set[tuple[str, str, str]]


def unsettled(state: State, *, now: float, tolerance: float) -> Iterator[str]:
    """Says what is not as it has to be when nothing happens any more.

    What was let go is gone; each reference says what is true; each Credential has counted those that count;
    a target belongs to somebody who is there, and who was not told too long ago to do without.
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
        yield from _claim(claim, state, now=now, tolerance=tolerance)
    yield from given.unsettled(state, now=now, tolerance=tolerance)
    for secret in by_kind.get(SECRETS, ()):
        yield from _target(secret, state, now=now, tolerance=tolerance)


def _credential(credential: Event, state: State) -> Iterator[str]:
    name = credential.metadata["name"]
    counting = sorted(_needing(credential, state))
    if credential.terminating and (not counting or free(credential, state)):
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
        yield from _published(credential, Name(SECRETS, credential.namespace, target["name"]), state)


def _needing(credential: Event, state: State) -> set[Name]:
    """Gives who needs a Credential: claims that hold it, what it is distributed as and used, and who uses that."""
    found: set[Name] = set()
    for claim in claims.naming(state, credential):
        users = {one.name for one in claims.users(claims.secret(claim), state)}
        held = bool(users) if claims.form(claim) else claims.bound_to(claim) == credential.uid
        found |= users | ({claim.name} if held else set())
    return found


def _published(credential: Event, target: Name, state: State) -> Iterator[str]:
    """Says what is wrong with a Secret that is to have a Credential's key."""
    secret, source = state.get(target), state.get(Name(SECRETS, credential.namespace, "keys"))
    if secret is None:
        yield f"target {target.name} of Credential {credential.name.name} is missing"
    elif source is not None and source.object.get("data") != secret.object.get("data"):
        yield f"target {target.name} has another key than Credential {credential.name.name}"


def _claim(claim: Event, state: State, *, now: float, tolerance: float) -> Iterator[str]:
    name, status = claim.metadata["name"], claim.object.get("status") or {}
    expected = _expected(claim, state, now=now, tolerance=tolerance)
    said = (*claim.condition("Bound"), claims.bound_to(claim))
    if said not in expected:
        yield f"reference {name} says {said}, not one of {sorted(expected)}"
    if status.get("observedGeneration") != claim.metadata["generation"]:
        yield f"reference {name} was not looked at since it changed"
    if claims.holder(claim) in state and not claims.seen_holder(claim):
        yield f"reference {name} has not seen its holder"
    after, over = claim.object["spec"].get("ttlSecondsAfterFinished"), claims.told(claim) == claims.FINISHED
    if after is not None and over and claims.told_at(claim) + after + tolerance < now:
        yield f"reference {name} has finished, and was to be removed"
    wanted = claim.object["spec"].get("target")
    if wanted is not None and claims.bound_to(claim):
        yield from _delivered(claim, Name(SECRETS, claim.namespace, wanted["name"]), state)


def _delivered(claim: Event, target: Name, state: State) -> Iterator[str]:
    """Says what is wrong with the target of a reference that is bound; one that somebody else has is theirs."""
    secret, credential = state.get(target), state.get(claims.named(claim))
    taken = secret is not None and lent.borrower(secret, state) != claim
    expected = ("False", "TargetConflict") if taken else ("True", "Published")
    if claim.condition("Synced") != expected:
        yield f"reference {claim.name.name} is Synced={claim.condition('Synced')}, not {expected}"
    if credential is not None and not taken:
        yield from _published(credential, target, state)


def _target(secret: Event, state: State, *, now: float, tolerance: float) -> Iterator[str]:
    """Says what is wrong with a target: it belongs to nobody who is there, or was revoked too long ago."""
    name, labels = secret.metadata["name"], secret.labels
    if not secret.written:
        return
    if BORROWER in labels:
        claim = lent.borrower(secret, state)
        if claim is None:
            yield f"target {name} belongs to no reference that is there"
        elif claims.told(claim) == claims.REVOKED:
            end = claims.told_at(claim) + claims.grace(state.get(claims.named(claim)))
            if end + tolerance < now:
                yield f"target {name} is still there, and was Revoked long ago"
        return
    credential = state.get(Name(CREDENTIALS, secret.namespace, labels.get(OWNER, "")))
    uids = {one["uid"] for one in secret.metadata.get("ownerReferences") or ()}
    if credential is None or credential.uid not in uids:
        yield f"target {name} belongs to no Credential that is there"


def _expected(claim: Event, state: State, *, now: float, tolerance: float) -> Said:
    """Gives what a reference may say: Bound's value and reason, and the uid."""
    if claims.unheld(claim, state):
        return {("False", "Finished", "")}
    end = claims.lease_end(claim)
    expired = {("False", "Expired", "")}
    if end is not None and end <= now - tolerance:
        return expired
    found = _towards(claim, state)
    return found | expired if end is not None and end <= now + tolerance else found


def _towards(claim: Event, state: State) -> Said:
    """Gives what a reference that is not over may say of what it names."""
    named = state.get(claims.named(claim))
    if named is None or not claims.admitted(claim, named, state):
        refused = {("False", "NotGranted", "")}
        return refused | {("False", "Revoked", "")} if claims.foreign(claim) else refused
    bound = ("False", "Offered", "") if claims.open_offer(claim) else ("True", "Bound", named.uid)
    if named.terminating:
        early = claim.metadata["creationTimestamp"] < named.metadata["deletionTimestamp"]
        return {bound} if early and accepts(named) else {bound, ("False", "CredentialTerminating", "")}
    return {bound} if accepts(named) else {bound, ("False", "NotAccepting", "")}

"""What must be true of claims from other namespaces, and of those that await a holder, in every history.

* A claim whose namespace the owner never allowed is never Bound, and gets no Secret. What was allowed once may
  be served until the operator has heard that it is not any more; both halves of a grant by label may be old.
* When its status says Revoked, its Secret is not written any more. That is sure where the grant was taken back
  once, and never given again: else the operator may know of that, and not have said so yet.
* A claim that was Revoked, and that still nobody allows, is not told something else while it has its Secret:
  then nobody would take that away.
* A claim is told Finished only when the holder that it has seen is complete, failed or gone.
"""

import collections
import itertools
from collections.abc import Iterator

from races import claims, history
from races.claims import REVOKED, State
from races.history import BORROWER, CLAIMS, CREDENTIALS, DELETED, NAMESPACES, SECRETS, Event, Name, Story


def broken(story: Story) -> Iterator[str]:
    """Says what was told, or written, that must not be."""
    state: dict[Name, Event] = {}
    shared, done = _Shared(), set[str]()
    for event in story:
        shared.note(event)
        if event.kind in claims.HOLDERS.values() and (event.type == DELETED or claims.finished(event)):
            done.add(event.uid)
        if event.type == DELETED:
            state.pop(event.name, None)
            continue
        state[event.name] = event
        if event.kind == CLAIMS:
            yield from _told(event, shared, done)
        elif event.kind == SECRETS and (claim := borrower(event, state)) is not None:
            yield from _written(event, claim, shared)


class _Shared:
    """Which namespaces may ever have been allowed to use which Credentials."""

    def __init__(self) -> None:
        self._names: dict[Name, list[frozenset[str]]] = collections.defaultdict(list)
        self._by_label: set[Name] = set()
        self._trusted: set[tuple[str, str]] = set()

    def note(self, event: Event) -> None:
        """Takes in a version of an object."""
        if event.kind == NAMESPACES:
            self._trusted.add((event.namespace, claims.trusted_in(event)))
        elif event.kind == CREDENTIALS:
            names = () if event.type == DELETED else claims.shared_with(event)
            self._names[event.name].append(frozenset(names))
            if claims.shared_by_label(event):
                self._by_label.add(event.name)

    def with_(self, claim: Event) -> bool:
        """Tells whether a reference may ever have been allowed to use what it names."""
        return not claims.foreign(claim) or self._by_its_label(claim) or any(self._by_its_name(claim))

    def no_more(self, claim: Event) -> bool:
        """Tells whether a reference was allowed once, and surely is not any more."""
        turns = [allowed for allowed, _ in itertools.groupby(self._by_its_name(claim))]
        once = turns.count(True) == 1 and not turns[-1]
        return claims.foreign(claim) and once and not self._by_its_label(claim)

    def _by_its_name(self, claim: Event) -> list[bool]:
        return [claim.namespace in names for names in self._names[claims.named(claim)]]

    def _by_its_label(self, claim: Event) -> bool:
        named = claims.named(claim)
        return named in self._by_label and (claim.namespace, named.namespace) in self._trusted


def borrower(secret: Event, state: State) -> Event | None:
    """Gives the reference that a Secret was written for, if it is there."""
    name = (secret.metadata.get("labels") or {}).get(BORROWER, "")
    claim = state.get(Name(CLAIMS, secret.namespace, name))
    uids = {one["uid"] for one in secret.metadata.get("ownerReferences") or ()}
    return claim if claim is not None and claim.uid in uids else None


def _told(claim: Event, shared: _Shared, done: set[str]) -> Iterator[str]:
    who = f"reference {claim.namespace}/{claim.metadata['name']} ({claim.uid}) at {claim.revision}"
    if claims.bound_to(claim) and not shared.with_(claim):
        yield f"{who} is Bound, and its namespace was never allowed"
    if claims.told(claim) == claims.FINISHED and claims.seen_holder(claim) not in done:
        yield f"{who} is told Finished, and its holder {claims.seen_holder(claim)} was not"


def _written(secret: Event, claim: Event, shared: _Shared) -> Iterator[str]:
    what = f"Secret {secret.namespace}/{secret.metadata['name']} was written at {secret.revision}"
    if not shared.with_(claim):
        yield f"{what} for a namespace that was never allowed"
    if claims.told(claim) == REVOKED and shared.no_more(claim):
        yield f"{what} although its reference was Revoked at {claim.revision}"


# The end


def outstaying(story: Story) -> Iterator[str]:
    """Says which Secrets of revoked references nobody is going to take away."""
    revoked: set[str] = set()
    for event in story:
        if event.kind == CLAIMS and claims.told(event) == REVOKED:
            revoked.add(event.uid)
        elif event.kind == CLAIMS and claims.bound_to(event):
            revoked.discard(event.uid)
    state = history.standing(story)
    for secret in state.values():
        claim = borrower(secret, state) if secret.kind == SECRETS else None
        if claim is None or claim.uid not in revoked or claims.told(claim) == REVOKED:
            continue
        credential = state.get(claims.named(claim))
        if credential is None or not claims.admitted(claim, credential, state):
            yield f"Secret {secret.metadata['name']} was revoked, and is kept: it is {claims.told(claim)}"

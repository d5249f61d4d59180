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

What the operator made, for an owner who distributes, does not count by itself (see `given`); one whose label
somebody has taken off does if that was before the deletion was asked for.

A claim from another namespace counts only where the owner allows that at the moment in which the Credential
goes: by name where it is not Bound yet, since a label is another object's. One that awaits a holder counts
until the holder that it has seen is complete, failed or gone.

Creation and deletion have times of whole seconds by the same clock: a smaller one is surely earlier, equal
ones tell nothing. Leases end by the operator's clock: `tolerance` says how far it may be off.

What is told and lent: see `lent`. In the end, when nothing happens any more: see `ending`.
"""

from collections.abc import Iterator

from races import claims
from races.claims import State
from races.history import CLAIMS, CREDENTIALS, DELETED, DOMAIN, NAMESPACES, Event, Name, Story

FINALIZER = f"{DOMAIN}/in-use-protection"
FORCED = f"{DOMAIN}/force-delete"


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
        if event.kind == CREDENTIALS and not free(event, state):
            for claim in claims.naming(state, event):
                if claims.granted(claim, event, state) and (why := past.counts(claim, event, state)):
                    yield f"Credential {event.metadata['name']} ({event.uid}) went at {event.revision}: {why}"


class _Past:
    """What has stood against references: which leases have lapsed, and when each Credential was last cordoned."""

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._since: dict[str, int] = {}
        self._lapsed: set[str] = set()
        self._cordoned: dict[str, int] = {}
        self._protected: set[str] = set()
        self._asked: dict[str, int] = {}
        self._freed: dict[str, int] = {}

    def note(self, before: Event | None, event: Event) -> None:
        """Takes in a version of an object, and the one before it."""
        self._since.setdefault(event.uid, event.revision)
        if event.kind == CREDENTIALS:
            if FINALIZER in event.metadata.get("finalizers", ()):
                self._protected.add(event.uid)
            if not all(accepts(one) for one in (before, event) if one is not None and one.uid == event.uid):
                self._cordoned[event.uid] = event.revision
            if event.terminating:
                self._asked.setdefault(event.uid, event.revision)
        elif event.kind == CLAIMS and before is not None and before.uid == event.uid:
            end = claims.lease_end(before)
            if end is not None and end <= event.at + self._tolerance:
                self._lapsed.add(event.uid)
            if claims.form(before) and not claims.form(event):
                self._freed[event.uid] = event.revision

    def counts(self, claim: Event, gone: Event, state: State) -> str:
        """Says why a reference surely counts at the moment in which a Credential goes; empty: it may not."""
        if claims.form(claim) or claims.unheld(claim, state):
            return ""
        if self._freed.get(claim.uid, 0) > self._asked.get(gone.uid, gone.revision):
            return ""
        who = f"{claim.metadata['name']} ({claim.uid})"
        if claims.bound_to(claim) == gone.uid:
            # What it was told may be about a lease that its holder has shortened since.
            end = claims.lease_end(claim)
            going_on = end is None or end > gone.at + self._tolerance
            return f"{who} was Bound to it" if going_on else ""
        made, asked = claim.metadata["creationTimestamp"], gone.metadata.get("deletionTimestamp")
        if asked is None or made >= asked or self._stands_against(claim, gone):
            return ""
        return f"{who} was there since {made}, before {asked}"

    def _stands_against(self, claim: Event, gone: Event) -> bool:
        """Tells whether a reference that nobody has looked at may not count."""
        end = claims.lease_end(claim)
        return (
            claim.uid in self._lapsed
            or gone.uid not in self._protected
            or (end is not None and end <= gone.at + self._tolerance)
            or self._cordoned.get(gone.uid, 0) > self._since[claim.uid]
            or (claims.foreign(claim) and not claims.shared_by_name(gone, claim.namespace))
        )


def free(gone: Event, state: State) -> bool:
    """Tells whether a Credential may go whoever refers to it: by force, or with its namespace."""
    namespace = state.get(Name(NAMESPACES, gone.namespace, gone.namespace))
    return (
        namespace is None
        or namespace.terminating
        or bool((gone.metadata.get("annotations") or {}).get(FORCED))
    )


def accepts(credential: Event) -> bool:
    return bool(credential.object["spec"].get("acceptReferences", True))

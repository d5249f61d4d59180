"""What watches show goes into memory, and wakes whom it concerns."""

from collections.abc import Iterable
from typing import Any, Protocol

from credential_operator import inventory, usage

Json = dict[str, Any]

SECRETS = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token"
"""Selects Secrets that can be source or target of anybody."""


class Wake(Protocol):
    """Who is told: the controller."""

    def wake(self, credentials: Iterable[inventory.Key]) -> None:
        """Has Credentials looked at soon."""
        ...

    def wake_later(self, credentials: Iterable[inventory.Key]) -> None:
        """Has Credentials looked at within a moment, in which more of the kind may come."""
        ...

    def wake_held_by(self, holder: inventory.Holder) -> None:
        """Has the references of a holder looked at soon."""
        ...


class Secrets:
    """The metadata of Secrets."""

    def __init__(self, known: inventory.Inventory, queue: Wake) -> None:
        self._known = known
        self._queue = queue

    def put(self, document: Json) -> None:
        """Takes in a Secret's metadata."""
        self._queue.wake(self._known.put_secret(document["metadata"]))

    def drop(self, key: inventory.Key) -> None:
        """Takes in that a Secret is gone."""
        self._queue.wake(self._known.drop_secret(key))

    def known(self) -> Iterable[inventory.Key]:
        """Gives the Secrets that are known."""
        return self._known.versions.keys()


class Uses:
    """The objects of one kind, for the Secrets that they use and the references that they hold."""

    def __init__(
        self,
        kind: usage.Kind,
        *,
        known: inventory.Inventory,
        found: usage.Usage,
        queue: Wake,
    ) -> None:
        self._kind = kind
        self._known = known
        self._found = found
        self._queue = queue

    def put(self, document: Json) -> None:
        """Takes in an object."""
        key = inventory.key_of(document)
        self._take(key, self._kind.use(document))

    def drop(self, key: inventory.Key) -> None:
        """Takes in that an object is gone."""
        self._take(key, None)

    def known(self) -> Iterable[inventory.Key]:
        """Gives the objects that use Secrets or hold references."""
        return {*self._found.sources(self._kind.name), *self._known.holders(self._kind.name)}

    def _take(self, key: inventory.Key, use: usage.Use | None) -> None:
        changed = self._found.put(usage.Source(self._kind.name, key), use)
        if changed:
            self._queue.wake_later(owner for secret in changed for owner in self._known.owners_of(secret))
        self._queue.wake_held_by(inventory.Holder(self._kind.name, key))

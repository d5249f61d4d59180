"""What watches show goes into memory, and wakes whom it concerns."""

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from credential_operator import definitions, inventory, objects, usage, watch

logger = logging.getLogger(__name__)

Json = dict[str, Any]

SECRETS = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token"
"""Selects Secrets that can be source or target of anybody."""
SHOWN = 20
"""How many names a line of the log has."""


class Wake(Protocol):
    """Who is told: the controller."""

    def wake(self, objects: Iterable[objects.Object]) -> None:
        """Has objects looked at soon."""
        ...

    def wake_later(self, objects: Iterable[objects.Object]) -> None:
        """Has objects looked at within a moment, in which more of the kind may come."""
        ...


class Secrets:
    """The metadata of Secrets."""

    def __init__(self, known: inventory.Inventory, queue: Wake) -> None:
        self._known = known
        self._queue = queue

    def put(self, document: Json) -> None:
        """Takes in a Secret's metadata."""
        self._queue.wake(self._known.put_secret(document["metadata"]))

    def drop(self, key: objects.Key, uid: str = "") -> None:
        """Takes in that a Secret is gone."""
        self._queue.wake(self._known.drop_secret(key, uid))

    def known(self) -> Iterable[objects.Key]:
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
        self._take(objects.Key.of(document), self._kind.use(document))

    def drop(self, key: objects.Key, _: str = "") -> None:
        """Takes in that an object is gone."""
        self._take(key, None)

    def known(self) -> Iterable[objects.Key]:
        """Gives the objects that use Secrets or hold references."""
        return itertools.chain(self._found.sources(self._kind.name), self._known.holders(self._kind.name))

    def _take(self, key: objects.Key, use: usage.Use | None) -> None:
        seen = objects.Object(self._kind.name, key)
        for secret in self._found.put(seen, use):
            self._queue.wake_later(self._known.needed_from(secret))
            if secret not in self._known.versions:
                # Who waits for it is told why.
                self._queue.wake_later(self._known.concerned(secret))
        self._queue.wake(objects.Object(inventory.REFERENCE, held) for held in self._known.held_by(seen))


class Namespaces:
    """The namespaces and their labels, by which owners share and distribute their Credentials."""

    def __init__(self, known: inventory.Inventory, queue: Wake) -> None:
        self._known = known
        self._queue = queue

    def put(self, document: Json) -> None:
        """Takes in a namespace's metadata."""
        self._queue.wake(self._known.put_namespace(document["metadata"]))

    def drop(self, key: objects.Key, _: str = "") -> None:
        """Takes in that a namespace is gone."""
        self._queue.wake(self._known.drop_namespace(key.name))

    def known(self) -> Iterable[objects.Key]:
        """Gives the namespaces that are known."""
        return [objects.Key("", name) for name in self._known.namespaces]


class Definition:
    """One CustomResourceDefinition; `changed` is called where another than the one at the start is there, or none.

    `uid` is that of the one at the start, empty for none.
    """

    def __init__(
        self, uid: str, known: inventory.Inventory, queue: Wake, *, changed: Callable[[], None]
    ) -> None:
        self._uid = uid
        self._known = known
        self._queue = queue
        self._changed = changed
        self._told = False

    def put(self, document: Json) -> None:
        """Takes in a definition's metadata."""
        metadata = document["metadata"]
        if metadata["uid"] != self._uid:
            self._changed()
        elif "deletionTimestamp" in metadata and not self._told:
            self._told = True
            self._tell(metadata["name"])
            # What was held back before is not touched by the deletion: no watch brings it.
            self._queue.wake(objects.Object(inventory.CREDENTIAL, key) for key in self._known.credentials)

    def drop(self, _: objects.Key, uid: str = "") -> None:
        """Takes in that the definition is gone."""
        if uid == self._uid:
            self._changed()

    def known(self) -> Iterable[objects.Key]:
        """Gives nothing: whoever watches the objects of the kind learns that it is gone, too."""
        return ()

    def _tell(self, name: str) -> None:
        """Says what goes with a definition."""
        references = [record.parse() for record in self._known.references.values()]
        borrowed = [one for one in references if "target" in one["status"]]
        lent = sorted(f"{one['metadata']['namespace']}/{one['status']['target']['name']}" for one in borrowed)
        logger.warning(
            "a CustomResourceDefinition is being deleted, and all objects of its kind with it",
            extra={
                "definition": name,
                "credentials": len(self._known.credentials),
                "references": len(references),
                "borrowed": lent[:SHOWN],
            },
        )


def watched_definitions(
    there: Mapping[str, str], known: inventory.Inventory, queue: Wake, *, changed: Callable[[], None]
) -> Iterator[tuple[watch.Collection, Definition]]:
    """Gives how the definitions of both kinds are watched; `there` has the uids of those at the start."""
    for name in map(definitions.name, (definitions.CREDENTIALS, definitions.REFERENCES)):
        collection = watch.Collection(
            resource="customresourcedefinitions",
            api_versions=("apiextensions.k8s.io/v1",),
            selector=f"metadata.name={name}",
            metadata=True,
        )
        yield collection, Definition(there.get(name, ""), known, queue, changed=changed)

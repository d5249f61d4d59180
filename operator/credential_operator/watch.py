"""List and watch of one collection, projected: what its sink does not keep is never held.

Annotations of other tools can hold a whole Secret (client-side apply writes them), and a Pod has ten
kilobytes of which a few names matter: nothing outlives the parsing of one page or event.
"""

import asyncio
import dataclasses
import logging
import random
import time
from collections.abc import Iterable
from typing import Any, Protocol

from credential_operator import cluster, errors, objects

logger = logging.getLogger(__name__)

Json = dict[str, Any]

LONGEST = 300
"""Seconds after which the API server ends a watch, so that a silent fault heals."""
ABSENT = 60.0
"""Seconds after which a kind that is not installed, or may not be read, is looked for again."""


class Sink(Protocol):
    """Takes in what a watch shows; each call may come twice."""

    def put(self, document: Json) -> None:
        """Takes in an object that is there."""
        ...

    def drop(self, key: objects.Key, uid: str = "", /) -> None:
        """Takes in that an object is gone, the one of that uid where it is known."""
        ...

    def known(self) -> Iterable[objects.Key]:
        """Gives the objects that are thought to be there, so that those missing in a list are dropped."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What to watch: a resource in one namespace or in all (""), in the first version that is served.

    `metadata`: nothing but the metadata is asked for. `required`: without it the operator cannot work.
    """

    resource: str
    api_versions: tuple[str, ...] = ("v1",)
    namespace: str = ""
    selector: str = ""
    metadata: bool = False
    required: bool = False

    @property
    def paths(self) -> list[str]:
        """Gives where the API server may have it."""
        return [cluster.path(version, self.resource, self.namespace) for version in self.api_versions]


class Watch:
    """Keeps a sink as the API server has a collection."""

    def __init__(self, connection: cluster.Cluster, collection: Collection, sink: Sink) -> None:
        self._connection = connection
        self._collection = collection
        self._sink = sink
        self._heard = time.monotonic()
        self._path = ""
        self._version = ""
        self.synced = asyncio.Event()
        """Set when all is known, or that there is nothing to be known."""

    def __str__(self) -> str:
        return f"{self._collection.resource} in {self._collection.namespace or 'all namespaces'}"

    @property
    def age(self) -> float:
        """Seconds since the API server last said anything, bookmarks included."""
        return time.monotonic() - self._heard

    @property
    def heard(self) -> tuple[tuple[str, str], float]:
        """Gives the resource and the namespace ("*": all), and when that was, in seconds since 1970."""
        watched = self._collection
        return (watched.resource, watched.namespace or "*"), time.time() - self.age

    async def run(self) -> None:
        """Lists, then watches, for ever; what breaks is begun again after a jittered wait."""
        failures = 0
        while True:
            try:
                if not self._version:
                    await self._list()
                    self.synced.set()
                await self._follow()
                failures = 0
            except cluster.Gone:
                self._version = ""
            except (cluster.NotFound, errors.Forbidden) as error:
                failures = 0
                await self._do_without(error)
            except (errors.CredentialError, ValueError, KeyError) as error:
                failures += 1
                logger.warning(
                    "a watch broke", extra={"watch": str(self), "error": str(error), "failures": failures}
                )
                await asyncio.sleep(min(30.0, 0.5 * 2**failures) * random.uniform(0.5, 1.0))  # noqa: S311

    async def _list(self) -> None:
        missing = self._known()
        version = ""
        wanted = self._collection
        async for path, page in self._connection.list_served(
            wanted.paths,
            selector=wanted.selector,
            metadata=wanted.metadata,
            size=cluster.PAGE if wanted.metadata else cluster.PAGE_OF_WHOLES,
        ):
            self._hear()
            self._path, version = path, page["metadata"]["resourceVersion"]
            while page["items"]:
                # Nothing of a page is left when the next one is read.
                item = page["items"].pop()
                missing.discard(objects.Key.of(item))
                self._sink.put(item)
        self._drop(missing)
        self._version = version

    async def _follow(self) -> None:
        async for event in self._connection.watch(
            self._path,
            selector=self._collection.selector,
            metadata=self._collection.metadata,
            version=self._version,
            seconds=LONGEST,
        ):
            self._hear()
            self._version = event["object"]["metadata"]["resourceVersion"]
            if event["type"] in ("ADDED", "MODIFIED"):
                self._sink.put(event["object"])
            elif event["type"] == "DELETED":
                gone = event["object"]
                self._sink.drop(objects.Key.of(gone), gone["metadata"]["uid"])

    async def _do_without(self, error: Exception) -> None:
        """Goes on without a kind that is not installed or not for us, and looks for it again later."""
        self._hear()
        self._version = ""
        if self._collection.required:
            logger.error("cannot watch", extra={"watch": str(self), "error": str(error)})
            await asyncio.sleep(random.uniform(1, 5))  # noqa: S311
            return
        if isinstance(error, errors.Forbidden) and not self.synced.is_set():
            logger.warning("does not see", extra={"watch": str(self), "error": str(error)})
        self._drop(self._known())
        self.synced.set()
        await asyncio.sleep(ABSENT * random.uniform(0.5, 1.0))  # noqa: S311

    def _known(self) -> set[objects.Key]:
        namespace = self._collection.namespace
        return {key for key in self._sink.known() if namespace in ("", key.namespace)}

    def _drop(self, gone: set[objects.Key]) -> None:
        for key in gone:
            self._sink.drop(key)

    def _hear(self) -> None:
        self._heard = time.monotonic()

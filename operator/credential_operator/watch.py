"""List and watch of the metadata of Secrets, projected: what is not kept is never held.

The API server sends metadata only; annotations of other tools can hold a whole Secret (client-side
apply writes them), so nothing but what `inventory` projects outlives the parsing of one event.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable

from credential_operator import cluster, errors, inventory, metrics

logger = logging.getLogger(__name__)

SELECTOR = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token"
"""Secrets that are neither source nor target of anybody."""
LONGEST = 300
"""Seconds after which the API server ends a watch, so that a silent fault heals."""

Wake = Callable[[Iterable[inventory.Key]], None]


class SecretWatch:
    """Keeps the inventory's Secrets as the API server has them, in one namespace or in all ("")."""

    def __init__(
        self, connection: cluster.Cluster, known: inventory.Inventory, wake: Wake, namespace: str
    ) -> None:
        self._connection = connection
        self._known = known
        self._wake = wake
        self._namespace = namespace
        self._path = f"/api/v1/namespaces/{namespace}/secrets" if namespace else "/api/v1/secrets"
        self._heard = time.monotonic()
        self._version = ""
        self.synced = asyncio.Event()

    @property
    def age(self) -> float:
        """Seconds since the API server last said anything, bookmarks included."""
        return time.monotonic() - self._heard

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
            except (errors.CredentialError, ValueError, KeyError) as error:
                failures += 1
                logger.warning(
                    "the watch of Secrets broke", extra={"error": str(error), "failures": failures}
                )
                await asyncio.sleep(min(30.0, 0.5 * 2**failures) * random.uniform(0.5, 1.0))  # noqa: S311

    async def _list(self) -> None:
        found: set[inventory.Key] = set()
        concerned: set[inventory.Key] = set()
        version = ""
        async for page in self._connection.list_pages(self._path, selector=SELECTOR):
            self._hear()
            version = page["metadata"]["resourceVersion"]
            for item in page["items"]:
                found.add(inventory.Key(item["metadata"]["namespace"], item["metadata"]["name"]))
                concerned.update(self._known.put_secret(item["metadata"]))
        for key in [key for key in self._known.versions if self._covers(key) and key not in found]:
            concerned.update(self._known.drop_secret(key))
        self._wake(concerned)
        self._version = version

    async def _follow(self) -> None:
        async for event in self._connection.watch(
            self._path, selector=SELECTOR, version=self._version, seconds=LONGEST
        ):
            self._hear()
            metadata = event["object"]["metadata"]
            self._version = metadata["resourceVersion"]
            if event["type"] in ("ADDED", "MODIFIED"):
                self._wake(self._known.put_secret(metadata))
            elif event["type"] == "DELETED":
                self._wake(self._known.drop_secret(inventory.Key(metadata["namespace"], metadata["name"])))

    def _covers(self, key: inventory.Key) -> bool:
        return self._namespace in ("", key.namespace)

    def _hear(self) -> None:
        self._heard = time.monotonic()
        metrics.WATCH_HEARD.labels(self._namespace or "*").set_to_current_time()

"""Compares what is known with a fresh list: kopf tells nothing of objects that vanish while it lists.

Backups are looked through as often: nothing else happens when their time is over.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from credential_operator import backups, cluster, controller, definitions, inventory, objects

logger = logging.getLogger(__name__)

Json = dict[str, Any]


class Sweeper:
    """Lists both kinds in the watched namespaces (none named: in all)."""

    def __init__(
        self,
        connection: cluster.Cluster,
        known: inventory.Inventory,
        queue: controller.Controller,
        kept: backups.Backups,
        namespaces: Iterable[str],
        *,
        may_write: Callable[[], bool],
    ) -> None:
        self._connection = connection
        self._known = known
        self._backups = kept
        self._may_write = may_write
        self._controller = queue
        self._namespaces = tuple(namespaces) or ("",)

    async def seed(self) -> None:
        """Takes in all CredentialReferences: their count goes into each status, so none may be unknown.

        They are looked at too: to the watch, which may show them later, they are no news any more.
        """
        await self._take_in(definitions.REFERENCES, self._controller.see_reference)

    async def catch_up(self) -> None:
        """Takes in all Credentials as they are now: what others have just done, watches may not have shown.

        Without that, a provider would be asked once more about a key that was just validated.
        """
        await self._take_in(definitions.CREDENTIALS, self._controller.see_credential)

    async def _take_in(self, plural: str, see: Callable[[None, Json], object]) -> None:
        """Has a kind seen as a fresh list has it; one whose definition leaves has nothing to be seen."""
        try:
            for path in self._paths(plural):
                async for page in self._connection.list_pages(
                    path, metadata=False, size=cluster.PAGE_OF_WHOLES
                ):
                    for document in page["items"]:
                        see(None, document)
        except cluster.NotFound:
            if not await definitions.leaves(self._connection, plural):
                raise

    async def run(self, interval: float) -> None:
        """Sweeps for ever, every `interval` seconds."""
        while True:
            await asyncio.sleep(interval)
            try:
                await self.sweep()
            except cluster.TROUBLE as error:
                logger.warning("a sweep was not finished", extra={"error": str(error)})

    async def sweep(self) -> None:
        """Forgets what no longer exists, and removes backups whose time is over, where this replica may.

        A list judges only what was known before it was asked for.
        """
        credentials = dict(self._known.credentials)
        listed = await self._list("credentials")
        for key, record in credentials.items():
            if listed.get(key) != record.uid:
                self._controller.lose_credential(key, uid=record.uid)
        references = dict(self._known.references)
        listed = await self._list("credentialreferences")
        for key, record in references.items():
            if listed.get(key) != record.uid:
                self._controller.lose_reference(key, uid=record.uid)
        for namespace in self._namespaces if self._may_write() else ():
            await self._backups.expire(namespace)

    async def _list(self, plural: str) -> dict[objects.Key, str]:
        return {
            inventory.key_of(item): item["metadata"]["uid"]
            for path in self._paths(plural)
            async for item in self._items(path)
        }

    async def _items(self, path: str) -> Any:
        async for page in self._connection.list_pages(path):
            for item in page["items"]:
                yield item

    def _paths(self, plural: str) -> Iterator[str]:
        for namespace in self._namespaces:
            yield f"{cluster.API}/namespaces/{namespace}/{plural}" if namespace else f"{cluster.API}/{plural}"

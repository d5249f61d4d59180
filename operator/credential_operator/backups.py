"""The Secrets that keep what others held before they were adopted: made once, and removed when their time is over."""

import contextlib
import datetime
from collections.abc import Callable
from typing import Any

from credential_operator import adoption, cluster, errors

Json = dict[str, Any]


class Backups:
    """Makes and removes backups."""

    def __init__(self, connection: cluster.Cluster, *, clock: Callable[[], datetime.datetime]) -> None:
        self._connection = connection
        self._clock = clock

    async def keep(self, found: Json, owner: Json) -> None:
        """Has a Secret's data kept before it is taken over by whom `owner`, an ownerReference, names.

        A backup that is there already is the first one's, so that nothing of ours replaces it; raises
        TargetConflict where it is of another Secret, or somebody else's.
        """
        wanted = adoption.backup(found, owner, self._clock())
        with contextlib.suppress(cluster.Exists):
            await self._connection.create_secret(wanted)
            return
        place = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
        try:
            kept = await self._connection.secret(*place)
            if not adoption.is_whole(kept, found, owner["uid"]):
                await self._connection.patch_secret(*place, adoption.following(kept, found))
        except cluster.NotFound:
            raise errors.Conflict(f"Secret {place[1]} has just been deleted.") from None

    async def expire(self, namespace: str) -> None:
        """Removes the backups of a namespace, or of all (""), whose time is over."""
        listed = self._connection.list_pages(cluster.path("v1", "secrets", namespace), labels=adoption.BACKUP)
        async for page in listed:
            for item in page["items"]:
                if adoption.is_over(item["metadata"], self._clock()):
                    await self._remove(item["metadata"])

    async def _remove(self, metadata: Json) -> None:
        # Somebody may have changed it just now, to keep it for longer; and what is refused keeps no other from going.
        with contextlib.suppress(cluster.NotFound, errors.Conflict, errors.Forbidden):
            await self._connection.delete_secret(
                metadata["namespace"],
                metadata["name"],
                uid=metadata["uid"],
                version=metadata["resourceVersion"],
            )

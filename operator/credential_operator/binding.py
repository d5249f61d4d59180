"""The straight line of a CredentialReference: look at the Credential it names, report."""

import datetime
from collections.abc import Callable

from credential_operator import cluster, inventory, references, status


class Binder:
    """Brings CredentialReferences one pass further."""

    def __init__(
        self, connection: cluster.Cluster, known: inventory.Inventory, clock: Callable[[], datetime.datetime]
    ) -> None:
        self._connection = connection
        self._known = known
        self._clock = clock

    async def reference(self, key: inventory.Key) -> None:
        """Makes one pass over a CredentialReference."""
        record = self._known.references.get(key)
        if record is None:
            return
        document = record.parse()
        named = inventory.Key(key.namespace, document["spec"]["credentialRef"]["name"])
        found = self._known.credentials.get(named)
        new = references.after(document, None if found is None else found.parse(), self._clock())
        patch = status.merge_patch(document["status"], new)
        if not patch:
            return
        try:
            written = await self._connection.patch_status(
                "credentialreferences", *key, {"metadata": {"uid": record.uid}, "status": patch}
            )
        except cluster.NotFound:
            return
        self._known.put_reference(written)

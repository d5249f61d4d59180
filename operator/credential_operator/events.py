"""Kubernetes events about both kinds, and Pods that wait for them: when something happens, never when nothing does."""

import datetime
import hashlib
import logging
import secrets
from collections.abc import Iterable
from typing import Any

from credential_operator import cluster, errors, findings, inventory, status

logger = logging.getLogger(__name__)

LONGEST_MESSAGE = 1000
OWN = (inventory.CREDENTIAL, inventory.REFERENCE)
"""Kinds of the operator's own group; events about others are about Pods."""


class Recorder:
    """Writes events; one that cannot be written is logged and lost, never a reason to fail."""

    def __init__(self, connection: cluster.Cluster, *, instance: str) -> None:
        self._connection = connection
        self._instance = instance

    async def record(
        self, kind: str, metadata: dict[str, Any], events: Iterable[status.Event], *, once: bool = False
    ) -> None:
        """Writes events about one object; `once`: the same of the same object is not written again."""
        for event in events:
            logger.info(
                event.message,
                extra={
                    "event": event.reason,
                    "kind": kind,
                    "object": f"{metadata['namespace']}/{metadata['name']}",
                },
            )
            try:
                await self._connection.create_event(self._document(kind, metadata, event, once=once))
            except cluster.Exists:
                continue
            except (errors.CredentialError, cluster.NotFound) as error:
                logger.warning("an event was not written", extra={"error": str(error)})

    def _document(
        self, kind: str, metadata: dict[str, Any], event: status.Event, *, once: bool
    ) -> dict[str, Any]:
        moment = datetime.datetime.now(datetime.UTC)
        said = f"{metadata['uid']}/{event.reason}/{event.message}".encode()
        mark = hashlib.sha256(said).hexdigest()[:16] if once else secrets.token_hex(8)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "namespace": metadata["namespace"],
                "name": f"{metadata['name'][:200]}.{mark}",
            },
            "involvedObject": {
                "apiVersion": cluster.GROUP_VERSION if kind in OWN else "v1",
                "kind": kind,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
            "type": event.type,
            "reason": event.reason,
            "message": event.message[:LONGEST_MESSAGE],
            "firstTimestamp": findings.show_time(moment),
            "lastTimestamp": findings.show_time(moment),
            "count": 1,
            "source": {"component": cluster.MANAGER},
            "reportingComponent": f"credential-operator.io/{cluster.MANAGER}",
            "reportingInstance": self._instance,
        }

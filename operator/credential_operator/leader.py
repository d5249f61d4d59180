"""Leader election on a Lease: only the holder works; it stops by itself before another may begin.

Times as in Kubernetes' own components: a lease of 15 s, renewed every 2 s, given up after 10 s without
success. A follower takes over when the holder's record has not changed for a whole lease by the
follower's own clock, so clocks of different machines are never compared.
"""

import asyncio
import datetime
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from credential_operator import cluster, errors

logger = logging.getLogger(__name__)

DURATION = 15.0
DEADLINE = 10.0
PERIOD = 2.0
NAME = "credential-operator"

Json = dict[str, Any]


class Leader:
    """One candidate. `holds` says at any moment whether it may still write."""

    def __init__(self, connection: cluster.Cluster, *, namespace: str, identity: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._identity = identity
        self._until = 0.0
        self._seen: tuple[str, str] | None = None
        self._seen_at = 0.0
        self._lease: Json | None = None

    def holds(self) -> bool:
        """Tells whether this replica leads and its own deadline has not passed."""
        return time.monotonic() < self._until

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Waits until this replica leads, runs `lead`, and returns when leadership is lost."""
        while not await self._try():
            await asyncio.sleep(PERIOD)
        logger.info("leads", extra={"identity": self._identity})
        work = asyncio.ensure_future(lead())
        try:
            while self.holds() and not work.done():
                await asyncio.sleep(PERIOD)
                await self._try()
            if not work.done():
                logger.error("lost the lease", extra={"identity": self._identity})
        finally:
            work.cancel()
            await asyncio.wait([work])

    async def release(self) -> None:
        """Gives the Lease back, so that the next replica need not wait for its end."""
        if not self.holds() or self._lease is None:
            return
        self._until = 0.0
        self._lease["spec"] = {**self._lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await asyncio.wait_for(self._connection.replace_lease(self._lease), PERIOD)
        except (errors.CredentialError, cluster.NotFound, TimeoutError) as error:
            logger.warning("could not release the lease", extra={"error": str(error)})

    async def _try(self) -> bool:
        """Takes or renews the Lease once; the deadline counts from before the request."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(PERIOD * 2):
                taken = await self._take()
        except (errors.CredentialError, cluster.Exists, cluster.NotFound, TimeoutError) as error:
            logger.warning("could not take or renew the lease", extra={"error": str(error)})
            return False
        if taken:
            self._until = began + DEADLINE
        return taken

    async def _take(self) -> bool:
        try:
            lease = await self._connection.lease(self._namespace, NAME)
        except cluster.NotFound:
            self._lease = await self._connection.create_lease(self._mine({}, {}))
            return True
        spec = lease.get("spec") or {}
        if not self._free(spec):
            return False
        self._lease = await self._connection.replace_lease(self._mine(lease["metadata"], spec))
        return True

    def _free(self, spec: Json) -> bool:
        holder = spec.get("holderIdentity") or ""
        if holder in ("", self._identity):
            return True
        seen = (holder, spec.get("renewTime") or "")
        if seen != self._seen:
            self._seen, self._seen_at = seen, time.monotonic()
        return time.monotonic() - self._seen_at > float(spec.get("leaseDurationSeconds") or DURATION)

    def _mine(self, metadata: Json, spec: Json) -> Json:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        kept = spec.get("holderIdentity") == self._identity
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**metadata, "name": NAME, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(DURATION),
                "acquireTime": spec["acquireTime"] if kept and "acquireTime" in spec else now,
                "renewTime": now,
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (0 if kept else 1),
            },
        }

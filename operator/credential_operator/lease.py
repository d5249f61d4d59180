"""One Lease, as a replica sees it and holds it.

Times as in Kubernetes' own components: a lease of 15 s, given up after 10 s without success in renewing it. It is
free for others when its record has not changed for a whole lease by their own clock, so clocks of different machines
are never compared.
"""

import datetime
import logging
from collections.abc import Callable
from typing import Any, Protocol

from credential_operator import cluster, errors

logger = logging.getLogger(__name__)

DURATION = 15.0
DEADLINE = 10.0
LAYOUTS = "credential-operator.io/shards"
"""Annotation: for how many shards it is held; the first Lease has the numbers before too, until nobody uses them."""
WISH = "credential-operator.io/wanted-by"
"""Annotation: the replica that asks its holder for it."""

Json = dict[str, Any]


class Server(Protocol):
    """Where Leases are kept: the API server."""

    async def lease(self, namespace: str, name: str) -> Json:
        """Reads a Lease; raises NotFound."""
        ...

    async def create_lease(self, lease: Json) -> Json:
        """Creates a Lease; raises Exists."""
        ...

    async def replace_lease(self, lease: Json) -> Json:
        """Replaces a Lease of that resourceVersion; raises Conflict."""
        ...


class Lease:
    """A Lease by its name.

    `looks`: how often in a row it was seen to be free. `inherited`: another replica had it before this one.
    """

    def __init__(
        self,
        connection: Server,
        *,
        namespace: str,
        name: str,
        identity: str,
        clock: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._document: Json | None = None
        self._until = 0.0
        self._seen: tuple[str, str] | None = None
        self._seen_at = 0.0
        self.looks = 0
        self.inherited = False

    # What it says

    @property
    def mine(self) -> bool:
        """Whether it names this replica."""
        return self._spec.get("holderIdentity") == self._identity

    @property
    def rival(self) -> str:
        """The other replica that holds it; empty where none does."""
        return "" if self.mine or self.left <= 0 else str(self._spec["holderIdentity"])

    @property
    def left(self) -> float:
        """Seconds until it is free, if nothing more is heard of its holder; 0 where it has none."""
        if not self._spec.get("holderIdentity"):
            return 0.0
        duration = float(self._spec.get("leaseDurationSeconds") or DURATION)
        return max(0.0, self._seen_at + duration - self._clock())

    @property
    def layouts(self) -> tuple[int, ...]:
        """For how many shards it was last held, and before that."""
        told = self._annotations.get(LAYOUTS, "").split(",")
        return tuple(int(one) for one in told if one.isdigit()) or (1,)

    @property
    def wanted(self) -> str:
        """The replica that asks for it; empty where none does."""
        return str(self._annotations.get(WISH, ""))

    # Whether it is held

    def holds(self) -> bool:
        """Tells whether this replica has it, and its own deadline has not passed."""
        return self._clock() < self._until

    def lost(self) -> bool:
        """Tells whether this replica had it, and could not renew it in time."""
        return 0 < self._until <= self._clock()

    # What is done with it

    async def look(self) -> None:
        """Reads it."""
        try:
            self._note(await self._connection.lease(self._namespace, self._name))
        except cluster.NotFound:
            self._note(None)
        self.looks = 0 if self.rival else self.looks + 1

    async def take(self, *layouts: int, wish: bool = False) -> None:
        """Takes or renews it; the deadline counts from before the request. `wish`: who asks for it is kept in mind.

        Where somebody else was faster, nothing happens.
        """
        began = self._clock()
        wanted = self._claimed(layouts, wish=wish)
        inherits = self.inherited if self.mine else self._document is not None
        write = self._connection.create_lease if self._document is None else self._connection.replace_lease
        try:
            self._note(await write(wanted))
        except (errors.Conflict, cluster.Exists) as error:
            logger.info("another replica was faster", extra={"lease": self._name, "error": str(error)})
            return
        self._until, self.inherited = began + DEADLINE, inherits

    async def ask(self) -> None:
        """Asks the replica that holds it to let it go."""
        for _ in range(2):
            if self._document is None or not self.rival:
                return
            annotations = {**self._annotations, WISH: self._identity}
            metadata = {**self._document["metadata"], "annotations": annotations}
            try:
                self._note(await self._connection.replace_lease({**self._document, "metadata": metadata}))
            except errors.Conflict:
                # Its holder has just renewed it.
                await self.look()
            else:
                return

    async def release(self) -> None:
        """Gives it back, so that the next replica need not wait for its end."""
        if not self.holds() or self._document is None:
            return
        self._until = 0.0
        spec = {**self._spec, "holderIdentity": "", "leaseDurationSeconds": 1}
        annotations = {name: value for name, value in self._annotations.items() if name != WISH}
        metadata = {**self._document["metadata"], "annotations": annotations}
        self._note(
            await self._connection.replace_lease({**self._document, "metadata": metadata, "spec": spec})
        )

    @property
    def _spec(self) -> Json:
        return {} if self._document is None else self._document.get("spec") or {}

    @property
    def _annotations(self) -> dict[str, str]:
        return {} if self._document is None else self._document["metadata"].get("annotations") or {}

    def _note(self, document: Json | None) -> None:
        self._document = document
        seen = self._spec.get("holderIdentity") or "", self._spec.get("renewTime") or ""
        if seen != self._seen:
            self._seen, self._seen_at = seen, self._clock()

    def _claimed(self, layouts: tuple[int, ...], *, wish: bool) -> Json:
        """Gives it as this replica's."""
        metadata, spec = {} if self._document is None else self._document["metadata"], self._spec
        annotations = {
            name: value for name, value in self._annotations.items() if name not in (LAYOUTS, WISH)
        }
        if layouts != (1,):
            annotations[LAYOUTS] = ",".join(map(str, layouts))
        if wish and self.wanted:
            annotations[WISH] = self.wanted
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        kept = self.mine
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                **metadata,
                "name": self._name,
                "namespace": self._namespace,
                "annotations": annotations,
            },
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(DURATION),
                "acquireTime": spec["acquireTime"] if kept and "acquireTime" in spec else now,
                "renewTime": now,
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (0 if kept else 1),
            },
        }

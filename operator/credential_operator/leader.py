"""Leader election: a Lease for each shard, by default for the one that is everything. Only its holder works on it.

A holder stops by itself before another may begin. Where there are more shards than one:

* A replica that has some leaves what becomes free to those that have none, for a look; one that has two fewer than
  another asks it for one, and gets it once the passes under way have ended.
* The first Lease says how many shards there are. Whoever takes it and was started with another number writes that
  down, and nobody begins by it before all who work by the number before have let go: these see it, and do. To take a
  Lease and then to look at the first, and to write down and then to look at all, leaves no time in which neither sees
  the other.
"""

import asyncio
import collections
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from credential_operator import cluster, errors, lease, shards

logger = logging.getLogger(__name__)

PERIOD = 2.0
"""Seconds between two looks at the Lease; half of that where there are shards, of which some change hands in order."""
NAME = "credential-operator"

SHORTEST = 0.05
"""Seconds between two looks at the least: a Lease that ends is looked at when it does."""


def lease_name(shard: int) -> str:
    """Gives the name of a shard's Lease."""
    return f"{NAME}-shard-{shard}" if shard else NAME


class Leader:
    """One candidate for each shard. `holds` says at any moment whether it may still write."""

    def __init__(
        self,
        connection: lease.Server,
        *,
        namespace: str,
        identity: str,
        count: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._namespace = namespace
        self._identity = identity
        self._count = count
        self._period = PERIOD if count == 1 else PERIOD / 2
        self._leases = {shard: self._lease(shard) for shard in range(count)}
        self._others: dict[int, lease.Lease] = {}
        """Those that only other numbers of shards have; nobody knows for how long they are held but who looks on."""
        self._confirmed: set[int] = set()
        """The shards that nobody works on by another number of them: looked at since their Leases were taken."""
        self._leaving: set[int] = set()
        self._told: tuple[frozenset[int], frozenset[int]] | None = None
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()

    # What others ask

    def holds(self, shard: int = 0) -> bool:
        """Tells whether this replica leads a shard and its own deadline has not passed."""
        return self._leases[shard].holds()

    @property
    def shards(self) -> frozenset[int]:
        """The shards that are to be worked on."""
        return frozenset(self._confirmed.intersection(self._held()) - self._leaving)

    def inherits(self, shard: int) -> bool:
        """Tells whether another replica has worked on a shard before."""
        return self._leases[shard].inherited

    @property
    def leaving(self) -> frozenset[int]:
        """The shards that are to be let go."""
        return frozenset(self._leaving)

    def told(self) -> Mapping[int, bool]:
        """Gives which shards this replica leads; nothing where others work by another number of them."""
        return {} if self._overruled else {shard: self.holds(shard) for shard in self._leases}

    async def changed(self) -> None:
        """Waits until other shards are to be worked on, or to be let go, than when it was last waited."""
        await self._changed.wait()
        self._changed.clear()

    # What it does

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Waits until this replica leads, runs `lead`, and returns when a Lease is lost."""
        await self.stand()
        while not self.shards:
            await asyncio.sleep(self._pause())
            await self.stand()
        logger.info("leads", extra={"identity": self._identity})
        work = asyncio.ensure_future(lead())
        try:
            while not self._lost() and not work.done():
                await asyncio.sleep(self._pause())
                await self.stand()
            if not work.done():
                logger.error("lost the lease", extra={"identity": self._identity})
        finally:
            work.cancel()
            await asyncio.wait([work])

    async def stand(self) -> None:
        """Looks at every Lease once: takes, renews, asks for more or prepares to let go, as is fair."""
        try:
            async with self._turn, asyncio.timeout(PERIOD * 2):
                await self._go_round()
        except (errors.CredentialError, cluster.NotFound, TimeoutError) as error:
            logger.warning("could not take or renew the lease", extra={"error": str(error)})
        self._tell()

    async def let_go(self, shard: int) -> None:
        """Gives the Lease of a shard back on which nothing is worked any more."""
        async with self._turn:
            await self._release([shard])
            self._leaving.discard(shard)
            self._tell()

    async def release(self) -> None:
        """Gives all Leases back, so that the next replica need not wait for their end."""
        await self._release(self._held())

    # How it stands

    @property
    def _settled(self) -> bool:
        """Whether all who work do so by this replica's number of shards."""
        return self._leases[0].layouts == (self._count,)

    @property
    def _overruled(self) -> bool:
        """Whether another replica works by another number of shards."""
        first = self._leases[0]
        return bool(first.rival) and first.layouts[0] != self._count

    def _held(self) -> list[int]:
        return [shard for shard, one in self._leases.items() if one.holds()]

    def _lost(self) -> bool:
        return any(one.lost() for one in self._leases.values())

    def _pause(self) -> float:
        """Gives the seconds until the next look: a holder of whom nothing is heard may be out before."""
        return min([self._period, *(max(SHORTEST, one.left) for one in self._leases.values() if one.rival)])

    def _lease(self, shard: int) -> lease.Lease:
        return lease.Lease(
            self._connection,
            namespace=self._namespace,
            name=lease_name(shard),
            identity=self._identity,
            clock=self._clock,
        )

    def _tell(self) -> None:
        """Wakes who waits for a change."""
        now = (self.shards, self.leaving)
        if now != self._told:
            self._told = now
            self._changed.set()

    async def _go_round(self) -> None:
        await self._look(self._leases.values())
        await self._look(self._beyond())
        if self._overruled:
            self._leaving.update(self._held())
        else:
            self._give()
        if self._may_take(0):
            await self._take_first()
        held = {shard for shard in self._held() if shard}
        fresh = {shard for shard in self._leases if shard and self._settled and self._may_take(shard)} - held
        taken = [shard for shard in {*held, *fresh} if not self._leases[shard].rival]
        await asyncio.gather(
            *(self._leases[shard].take(self._count, wish=shard in self._leaving) for shard in taken)
        )
        if fresh and not self.holds():
            await self._leases[0].look()
            if not self._settled:
                await self._release(fresh)
        self._confirmed = set(self._held()) if self._settled else set()
        await self._ask()

    def _may_take(self, shard: int) -> bool:
        """Tells whether a Lease is this replica's, or free: for a look more where it has another."""
        one = self._leases[shard]
        return one.mine or (not one.rival and one.looks > bool(self._held()))

    async def _take_first(self) -> None:
        """Takes or renews the first Lease; by another number of shards than before only once all others have let go."""
        first = self._leases[0]
        layouts = (self._count, *(one for one in first.layouts if one != self._count))
        await first.take(*layouts, wish=0 in self._leaving)
        if len(layouts) == 1 or not first.holds():
            return
        others = [*(one for shard, one in self._leases.items() if shard), *self._beyond()]
        await self._look(others)
        if all(not one.rival or one.layouts == (self._count,) for one in others):
            await first.take(self._count, wish=0 in self._leaving)

    def _beyond(self) -> list[lease.Lease]:
        """Gives the Leases that other numbers of shards have besides, as far as these are not over."""
        for shard in range(self._count, min(max(self._leases[0].layouts), shards.MOST)):
            self._others.setdefault(shard, self._lease(shard))
        return [] if self._settled else list(self._others.values())

    # Fair shares

    def _give(self) -> None:
        """Prepares to let go what others ask for, but for the last."""
        for shard in sorted(self.shards, reverse=True):
            if self._leases[shard].wanted and len(self.shards) > 1:
                self._leaving.add(shard)

    async def _ask(self) -> None:
        """Asks whoever has the most for a shard, if this replica has at least two fewer and none is free."""
        leases = self._leases.values()
        if not self._settled or any(not one.rival and not one.holds() for one in leases):
            return
        theirs: dict[str, list[lease.Lease]] = collections.defaultdict(list)
        for one in leases:
            if one.wanted == self._identity:
                return
            if one.rival and not one.wanted:
                theirs[one.rival].append(one)
        most = max(theirs.values(), key=len, default=[])
        if len(most) >= len(self._held()) + 2:
            await most[-1].ask()

    # Requests

    @staticmethod
    async def _look(leases: Iterable[lease.Lease]) -> None:
        await asyncio.gather(*(one.look() for one in leases))

    async def _release(self, shards: Iterable[int]) -> None:
        for shard in shards:
            try:
                await asyncio.wait_for(self._leases[shard].release(), PERIOD)
            except (errors.CredentialError, cluster.NotFound, TimeoutError) as error:
                logger.warning("could not release the lease", extra={"error": str(error)})

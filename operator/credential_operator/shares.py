"""What this replica works on: the shards that it leads, each with passes of its own, until others are to have it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet

from credential_operator import controller, leader, shards

logger = logging.getLogger(__name__)

DRAIN = 20.0
"""Seconds that passes under way get when their shard, or the process, is to end."""

Passes = Mapping[str, controller.Pass]


class Shares:
    """The shards that are worked on, of so many; without a `leading` candidate, as where there is one process, all."""

    def __init__(self, queue: controller.Controller, *, count: int, leading: leader.Leader | None) -> None:
        self._queue = queue
        self._count = count
        self._leader = leading
        self.passes: dict[int, Passes] = {}
        """The passes of each shard: whoever works on it later begins with others, which know of nothing before."""

    # What others ask

    def wanted(self) -> frozenset[int]:
        """Gives the shards that are to be worked on."""
        return frozenset(range(self._count)) if self._leader is None else self._leader.shards

    def may_write(self) -> bool:
        """Tells whether what is under way may still be written."""
        return self._leader is None or self._leader.holds(shards.under_way())

    def told(self) -> Mapping[int, bool]:
        """Gives which shards this replica leads."""
        return dict.fromkeys(range(self._count), True) if self._leader is None else self._leader.told()

    @property
    def divided(self) -> bool:
        """Whether there are several."""
        return self._count > 1

    def has(self, namespace: str) -> bool:
        """Tells whether the Credentials of a namespace are worked on here."""
        return shards.of(namespace, self._count) in self.passes

    # What it does

    async def keep(self, begin: Callable[[], Passes], *, catch_up: Callable[[], Awaitable[None]]) -> None:
        """Has the shards worked on that are this replica's, and no others.

        `begin` gives the passes of one; `catch_up` has it known what other replicas have done.
        """
        async with asyncio.TaskGroup() as group:
            while True:
                await self._take_over(self.wanted() - self.passes.keys(), begin, catch_up)
                for shard in sorted(self.passes.keys() - self.wanted()):
                    del self.passes[shard]
                    group.create_task(self._hand_over(shard))
                if self._leader is None:
                    return
                await self._leader.changed()

    async def _take_over(
        self, found: AbstractSet[int], begin: Callable[[], Passes], catch_up: Callable[[], Awaitable[None]]
    ) -> None:
        """Begins with shards, by a look at everything of them."""
        if self._leader is not None and any(map(self._leader.inherits, found)):
            await catch_up()
        for shard in sorted(found):
            self.passes[shard] = begin()
            self._queue.wake_shard(shard)
            if self.divided:
                logger.info("works on a shard", extra={"shard": shard, "of": self._count})

    async def _hand_over(self, shard: int) -> None:
        """Lets the passes under way of a shard end, and others have it."""
        await self._queue.drain(DRAIN, shard)
        if self._leader is not None:
            await self._leader.let_go(shard)
        logger.info("lets a shard go", extra={"shard": shard, "of": self._count})

"""Who works on what: replicas with a clock that they share, and an API server that keeps nothing but Leases.

The play draws what befalls them: they look at the same time, come late, stand still, are killed, stop in order, and
come with other numbers of shards.
"""

import asyncio
import collections
import copy
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from credential_operator import cluster, errors, leader, lease

Json = dict[str, Any]


class Store:
    """Keeps Leases as the API server does; every request takes its turns of the event loop, as chance has it."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._versions = itertools.count(1)
        self.leases: dict[str, Json] = {}
        self.requests: collections.Counter[str] = collections.Counter()

    async def lease(self, namespace: str, name: str) -> Json:
        await self._pass("read")
        if name not in self.leases:
            raise cluster.NotFound
        return copy.deepcopy(self.leases[name])

    async def create_lease(self, lease: Json) -> Json:
        await self._pass("create")
        if lease["metadata"]["name"] in self.leases:
            raise cluster.Exists
        return self._keep(lease)

    async def replace_lease(self, lease: Json) -> Json:
        await self._pass("replace")
        known = self.leases[lease["metadata"]["name"]]["metadata"]["resourceVersion"]
        if lease["metadata"]["resourceVersion"] != known:
            raise errors.Conflict("changed")
        return self._keep(lease)

    async def _pass(self, verb: str) -> None:
        self.requests[verb] += 1
        for _ in range(self._source.randrange(4)):
            await asyncio.sleep(0)

    def _keep(self, lease: Json) -> Json:
        metadata = {**lease["metadata"], "resourceVersion": str(next(self._versions))}
        self.leases[metadata["name"]] = copy.deepcopy({**lease, "metadata": metadata})
        return copy.deepcopy(self.leases[metadata["name"]])


class Replica:
    """A candidate, and what it works on: it begins with what is its own, and ends when its passes have."""

    def __init__(self, world: "World", name: str, count: int) -> None:
        self.name = name
        self.count = count
        self.worked: set[int] = set()
        self.leader = leader.Leader(
            world.store, namespace="operator", identity=name, count=count, clock=lambda: world.now
        )

    def active(self) -> set[int]:
        """Return the shards of which it may write something."""
        self.worked |= self.leader.shards
        return {shard for shard in self.worked if self.leader.holds(shard)}

    async def drain(self) -> None:
        """Let go what it is not to work on any more."""
        for shard in sorted(self.worked - self.leader.shards):
            self.worked.discard(shard)
            await self.leader.let_go(shard)


class World:
    """Replicas, and the promise that is looked at after every step of any of them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.store = Store(self.random)
        self.now = 100.0
        self.replicas: list[Replica] = []
        self._names = itertools.count()

    def add(self, count: int) -> Replica:
        self.replicas.append(Replica(self, f"r{next(self._names)}", count))
        return self.replicas[-1]

    async def at_once(self, *deeds: Awaitable[None]) -> None:
        """Have things done at the same time, looking at the promise whenever any of them has moved."""
        tasks = [asyncio.ensure_future(deed) for deed in deeds]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            self.judge()
        await asyncio.gather(*tasks)
        self.judge()

    def judge(self) -> None:
        """No shard is worked on by two, nor by two numbers of shards at a time."""
        at_work = [(one.count, shard, one.name) for one in self.replicas for shard in one.active()]
        assert len({count for count, *_ in at_work}) <= 1, at_work
        assert len({shard for _, shard, _ in at_work}) == len(at_work), at_work

    async def look(self, *who: Replica, seconds: float = 1.0) -> None:
        """Have replicas stand and drain at the same time, a while later."""
        self.now += seconds
        await self.at_once(*(one.leader.stand() for one in who or self.replicas))
        await self.at_once(*(one.drain() for one in who or self.replicas))

    async def stop(self, one: Replica) -> None:
        """End a replica in order."""
        one.worked.clear()
        await self.at_once(one.leader.release())
        self.replicas.remove(one)

    def sizes(self) -> list[int]:
        return sorted(len(one.leader.shards) for one in self.replicas)

    async def until(self, true: Callable[[], bool], *, looks: int) -> int:
        """Look until something is true; return how often that was."""
        for number in range(looks):
            if true():
                return number
            await self.look()
        assert true(), (looks, self.sizes(), self.store.leases)
        return looks


async def befall(world: World, counts: tuple[int, ...]) -> None:
    """Have something happen, as chance has it."""
    some = [one for one in world.replicas if world.random.random() < 0.6]
    match world.random.choice(["look"] * 8 + ["wait", "kill", "stop", "start"]):
        case "look":
            await world.look(*some, seconds=world.random.choice([0.0, 0.3, 1.0, 2.0]))
        case "wait":
            world.now += world.random.choice([5.0, 9.0, 14.0, 16.0])
            world.judge()
        case "kill" if len(world.replicas) > 1:
            world.replicas.remove(world.random.choice(world.replicas))
        case "stop" if len(world.replicas) > 1:
            await world.stop(world.random.choice(world.replicas))
        case "start" if len(world.replicas) < 5:
            world.add(world.random.choice(counts))


@pytest.mark.parametrize("counts", [(1,), (3,), (1, 3), (3, 2), (1, 3, 2)], ids=str)
@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_nothing_is_worked_on_by_two_and_in_the_end_all_is_by_somebody(
    seed: int, counts: tuple[int, ...]
) -> None:
    world = World(seed)
    for number in range(3):
        world.add(counts[number % len(counts)])
    for _ in range(60):
        await befall(world, counts)

    last = world.random.choice(counts)
    for one in [one for one in world.replicas if one.count != last]:
        await world.stop(one)
    while len(world.replicas) < 3:
        world.add(last)
    whole, rest = divmod(last, len(world.replicas))
    fair = sorted([whole + 1] * rest + [whole] * (len(world.replicas) - rest))
    # A lease of one that was killed, and a handover for each shard, which some of their looks may miss.
    await world.until(lambda: world.sizes() == fair, looks=60)


async def test_where_there_is_one_shard_a_holder_reads_and_writes_once_a_look_and_others_read() -> None:
    world = World(0)
    first, second = world.add(1), world.add(1)
    await world.look(first)
    await world.look()
    world.store.requests.clear()
    await world.look(first)
    assert world.store.requests == {"read": 1, "replace": 1}
    await world.look(second)
    assert world.store.requests == {"read": 2, "replace": 1}
    assert [*world.store.leases] == [leader.NAME]
    (found,) = world.store.leases.values()
    assert not found["metadata"].get("annotations")


async def test_what_a_replica_had_that_was_killed_is_others_a_lease_later() -> None:
    world = World(0)
    killed = world.add(3)
    await world.until(lambda: world.sizes() == [3], looks=3)
    world.add(3)
    world.add(3)
    await world.until(lambda: world.sizes() == [1, 1, 1], looks=12)
    world.replicas.remove(killed)
    # It was heard a look before, is given up after a lease, and who has one waits a look more.
    assert await world.until(lambda: world.sizes() == [1, 2], looks=30) <= lease.DURATION + 3


async def test_what_a_replica_had_that_stops_in_order_is_others_after_two_looks() -> None:
    world = World(0)
    stopped = world.add(3)
    world.add(3)
    await world.until(lambda: world.sizes() == [1, 2], looks=12)
    await world.stop(stopped)
    assert await world.until(lambda: world.sizes() == [3], looks=30) <= 2


async def test_who_comes_with_another_number_waits_until_those_before_have_let_go() -> None:
    world = World(0)
    before = [world.add(3) for _ in range(3)]
    await world.until(lambda: world.sizes() == [1, 1, 1], looks=20)
    after = world.add(2)
    await world.look()
    await world.look()
    assert (after.leader.shards, after.leader.told()) == (frozenset(), {})
    (first,) = (one for one in before if 0 in one.leader.shards)
    await world.stop(first)

    assert await world.until(lambda: after.leader.shards == {0, 1}, looks=30) <= 4
    others = [one for one in before if one is not first]
    assert [(one.leader.shards, one.leader.told()) for one in others] == [(frozenset(), {})] * 2


async def test_a_replica_without_an_answer_for_ten_seconds_leads_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(0)
    one = world.add(2)
    await world.until(lambda: world.sizes() == [2], looks=3)

    async def refuse(_: str, __: str) -> Json:
        raise errors.Unavailable("no answer")

    monkeypatch.setattr(world.store, "lease", refuse)
    await world.look(seconds=9.0)
    assert one.leader.shards == {0, 1}
    await world.look(seconds=2.0)
    assert (one.leader.shards, one.leader.told()) == (frozenset(), {0: False, 1: False})

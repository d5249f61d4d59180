"""Two replicas while they are replaced, killed and stopped: nothing is lost, nothing is done twice."""

import asyncio
import random
from collections.abc import Iterator

import pytest

import replica
from cluster import fleet
from cluster.fleet import Crowd, Fleet

MANY = 1000
ROTATED, DELETED, ADDED = 200, 100, 100
"""How many Credentials get another key, go and come while replicas are replaced, one after the other."""
CONVERGES = 120.0
KILLED = 20.0
"""Seconds until another replica works when the leader is killed."""
STOPPED = 3.0
"""The same from when a leader that stops in order has given its Lease back."""


@pytest.fixture(scope="module")
def ships(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet.fleet(tmp_path_factory.mktemp("rollout"), keys=2 * MANY) as started:
        yield started


def leader_of(ships: Fleet) -> str:
    """Return who holds the Lease."""
    place = "/apis/coordination.k8s.io/v1/namespaces/credential-operator/leases/credential-operator"
    return str((ships.plane.read(place) or {})["spec"]["holderIdentity"])


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_another_replica_works_in_time_and_asks_no_provider_again(ships: Fleet, how: str) -> None:
    first, second = (ships.replica(f"{how}-{number}") for number in range(2))
    async with ships.crowd(namespaces=2) as crowd:
        for one in (first, second):
            await asyncio.to_thread(one.start)
        await crowd.create(20)
        await crowd.settled(seconds=CONVERGES)
        (place, *_) = crowd.wanted
        await asyncio.to_thread(first.kill if how == "killed" else first.stop)
        await crowd.rotate(place)

        took = await crowd.until(lambda: not crowd.unsettled(), "it has the new key", seconds=60)

        assert took < (KILLED if how == "killed" else STOPPED)
        assert (leader_of(ships), crowd.broken(), crowd.asked_again()) == (second.name, [], {})


async def test_a_replica_that_hears_late_asks_nobody_again_about_what_another_has_asked(ships: Fleet) -> None:
    with ships.proxy() as (proxy, kubeconfig):
        first, second = ships.replica("prompt"), ships.replica("late", behind=kubeconfig)
        async with ships.crowd(namespaces=2) as crowd:
            for one in (first, second):
                await asyncio.to_thread(one.start)
            await crowd.create(20)
            await crowd.settled(seconds=CONVERGES)
            # It sees each new source from now on, and not what becomes of its Credential.
            proxy.hold_watches(r"/credentials$")
            await crowd.rotate(*crowd.wanted)
            await crowd.settled(seconds=CONVERGES)
            await asyncio.to_thread(first.stop)
            await crowd.until(
                lambda: second.metric("credential_operator_reconcile_total", kind="Credential") >= 20,
                "the second one has looked at all",
                seconds=CONVERGES,
            )

            proxy.release_watches()
            assert (crowd.unsettled(), crowd.broken(), crowd.asked_again()) == ([], [], {})


async def churn(crowd: Crowd, source: random.Random, done: asyncio.Event) -> int:
    """Rotate, delete and create until all of it is done and replicas are replaced; return in how many steps."""
    steps = 0
    rotated = source.sample(sorted(crowd.wanted), ROTATED + DELETED)
    rotated, deleted = rotated[:ROTATED], rotated[ROTATED:]
    while not done.is_set() or rotated or deleted:
        await crowd.rotate(*(rotated.pop() for _ in range(min(10, len(rotated)))))
        await crowd.delete(*(deleted.pop() for _ in range(min(5, len(deleted)))))
        if steps * 5 < ADDED:
            await crowd.create(5, f"added-{steps}")
        steps += 1
        await asyncio.sleep(0.1)
    return steps


async def roll(before: list[replica.Replica], after: list[replica.Replica]) -> None:
    """Replace replicas as a Deployment does: one more is started, and when it is ready an old one is stopped."""
    for old, new in zip(before, after, strict=True):
        await asyncio.to_thread(new.start)
        assert await asyncio.to_thread(old.stop) == 0


async def test_a_rolling_upgrade_under_churn_loses_nothing_and_does_nothing_twice(ships: Fleet) -> None:
    before = [ships.replica(f"old-{number}") for number in range(2)]
    after = [ships.replica(f"new-{number}") for number in range(2)]
    async with ships.crowd(namespaces=8) as crowd:
        for one in before:
            await asyncio.to_thread(one.start)
        await crowd.create(MANY)
        # It has work left when the first one goes.
        done = asyncio.Event()
        people = asyncio.create_task(churn(crowd, random.Random(1), done))
        await roll(before, after)
        done.set()
        await people
        await crowd.settled(seconds=CONVERGES)

        assert len(crowd.wanted) == MANY - DELETED + ADDED
        assert crowd.broken() == []
        assert crowd.asked_again() == {}
        assert set(crowd.wanted.values()) <= crowd.asked().keys()

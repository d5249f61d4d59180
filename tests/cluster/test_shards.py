"""Three processes share the work: each Credential is one's, also while they come and go and are divided anew."""

import asyncio
import functools
import itertools
import os
import pathlib
import random
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

import pages
import replica
from cluster import fleet
from cluster.fleet import Crowd, Fleet
from controlplane import tools
from credential_operator import leader, shards

SHARDS = 3
CREDENTIALS = 60
NAMESPACES = 12
CONVERGES = 120.0
KILLED = 20.0
"""Seconds until others work on what a replica had that was killed."""
STOPPED = 3.0
"""The same for one that stops in order, from its end on."""
LEASE = 15.0
"""Seconds after which a shard is free whose replica is not heard of: less than that says that it was given."""
PAGE = pathlib.Path(__file__).parents[2] / "docs" / "replicas.md"
(COMMAND,) = pages.blocks(PAGE.read_text(), "sh")
COUNT = "credential_operator_credentials"
VALIDATIONS = "credential_operator_validation_total"


@pytest.fixture(scope="module")
def ships(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet.fleet(tmp_path_factory.mktemp("shards"), keys=5000) as started:
        yield started


async def start(replicas: Sequence[replica.Replica]) -> None:
    """Start them all at the same time."""
    await asyncio.gather(*(asyncio.to_thread(one.start) for one in replicas))


def led(one: replica.Replica, count: int = SHARDS) -> list[int]:
    """Return the shards that a replica leads."""
    found = range(count) if one.running else ()
    return [shard for shard in found if one.metric("credential_operator_leader", shard=f"{shard}")]


def shared(replicas: Sequence[replica.Replica], *sizes: int, count: int = SHARDS) -> bool:
    """Tell whether each shard is led by one of them, and they have so many each."""
    found = [led(one, count) for one in replicas]
    return sorted(map(len, found)) == sorted(sizes) and sorted(itertools.chain(*found)) == [*range(count)]


def part(crowd: Crowd, *which: int, count: int = SHARDS) -> int:
    """Return how many Credentials belong to some shards."""
    return sum(shards.of(place.namespace, count) in which for place in crowd.wanted)


def shown(ships: Fleet) -> dict[str, str]:
    """Run what the page shows; return who is said to hold which Lease."""
    path = os.pathsep.join([str(tools.path("kubectl").parent), os.environ["PATH"]])
    environment = ships.plane.environment() | {"release": "credential-operator", "PATH": path}
    done = subprocess.run(
        ["sh", "-euc", COMMAND], env=environment, capture_output=True, text=True, check=True
    )
    _, *rows = done.stdout.splitlines()
    return dict(row.split() for row in rows)


async def taken_over(crowd: Crowd) -> float:
    """Give a Credential of each shard a new key; return the seconds until all have it."""
    firsts = {shards.of(place.namespace, SHARDS): place for place in crowd.wanted}
    await crowd.rotate(*firsts.values())
    return await crowd.until(lambda: not crowd.unsettled(), "the new keys are published", seconds=CONVERGES)


@pytest.fixture
async def crowd(ships: Fleet) -> AsyncIterator[Crowd]:
    async with ships.crowd(namespaces=NAMESPACES) as made:
        yield made


async def test_each_credential_is_worked_on_by_one_also_when_replicas_come_and_go(
    ships: Fleet, crowd: Crowd
) -> None:
    replicas = [ships.replica(f"share-{number}", shards=f"{SHARDS}") for number in range(3)]
    # The first is there long before the others, and has it all.
    await start(replicas[:1])
    await crowd.until(lambda: shared(replicas[:1], 3), "the first one has all", seconds=CONVERGES)
    await start(replicas[1:])
    await crowd.until(lambda: shared(replicas, 1, 1, 1), "each has one", seconds=CONVERGES)

    assert shown(ships) == {leader.lease_name(shard): one.name for one in replicas for shard in led(one)}

    before = sum(one.metric(COUNT) for one in replicas)
    await crowd.create(CREDENTIALS)
    for place, namespace in zip(crowd.wanted, [*crowd.namespaces[1:], crowd.namespaces[0]], strict=False):
        await crowd.lend(place, namespace)
    await crowd.settled(seconds=CONVERGES)
    await crowd.until(lambda: crowd.bound() == NAMESPACES, "references have their keys", seconds=CONVERGES)

    parts = [part(crowd, *led(one)) for one in replicas]
    assert all(parts)
    assert [one.metric(VALIDATIONS) for one in replicas] == parts
    await crowd.until(
        lambda: sum(one.metric(COUNT) for one in replicas) == before + CREDENTIALS,
        "together they count each once",
        seconds=CONVERGES,
    )

    await asyncio.to_thread(replicas[0].kill)
    assert await taken_over(crowd) < KILLED
    assert shared(replicas, 0, 1, 2)

    await start(replicas[:1])
    await crowd.until(lambda: shared(replicas, 1, 1, 1), "it has its share again", seconds=CONVERGES)
    assert await asyncio.to_thread(replicas[1].stop) == 0
    assert await taken_over(crowd) < STOPPED
    await crowd.rotate(*crowd.wanted)
    await crowd.settled(seconds=CONVERGES)
    assert (crowd.broken(), crowd.asked_again()) == ([], {})


async def rotate_until(crowd: Crowd, done: asyncio.Event) -> None:
    """Give one Credential after the other a new key."""
    source = random.Random(1)
    while not done.is_set():
        await crowd.rotate(source.choice(sorted(crowd.wanted)))
        await asyncio.sleep(0.1)


async def test_their_number_changes_without_a_gap_and_without_work_that_is_done_twice(
    ships: Fleet, crowd: Crowd
) -> None:
    fleets = [
        [ships.replica(f"of-{count}-{number}", shards=f"{count}") for number in range(3)]
        for count in (1, 3, 2)
    ]
    await start(fleets[0])
    await crowd.create(CREDENTIALS)
    await crowd.settled(seconds=CONVERGES)
    done = asyncio.Event()
    people = asyncio.create_task(rotate_until(crowd, done))

    for before, after, sizes in ((fleets[0], fleets[1], (1, 1, 1)), (fleets[1], fleets[2], (0, 1, 1))):
        for old, new in zip(before, after, strict=True):
            await asyncio.to_thread(new.start)
            assert await asyncio.to_thread(old.stop) == 0
        await crowd.until(
            functools.partial(shared, after, *sizes, count=sum(sizes)),
            "each has its share",
            seconds=CONVERGES,
        )
    done.set()
    await people
    await crowd.settled(seconds=CONVERGES)

    assert crowd.longest_wait() < LEASE
    assert (crowd.broken(), crowd.asked_again()) == ([], {})
    said = [line["message"] for one in itertools.chain(*fleets) for line in one.lines()]
    assert "lost the lease" not in said

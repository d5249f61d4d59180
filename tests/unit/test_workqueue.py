"""The work queue: once each, in a fair order, with none lost."""

import asyncio
import tracemalloc

import pytest

from credential_operator import objects, workqueue
from unit.clock import Clock


@pytest.fixture
def queue(clock: Clock) -> workqueue.Queue:
    return workqueue.Queue(endpoint_limit=2, clock=clock)


def item(name: str, namespace: str = "a") -> objects.Object:
    return objects.Object("Credential", objects.Key(namespace, name))


def nowhere(_: objects.Object) -> str:
    return ""


async def take(queue: workqueue.Queue) -> objects.Object | None:
    try:
        return await asyncio.wait_for(queue.take(nowhere), 0.01)
    except TimeoutError:
        return None


async def test_an_item_added_twice_is_taken_once(queue: workqueue.Queue) -> None:
    queue.add(item("x"))
    queue.add(item("x"))
    assert len(queue) == 1
    assert await take(queue) == item("x")
    assert await take(queue) is None


async def test_an_item_added_while_in_work_is_taken_again_afterwards(queue: workqueue.Queue) -> None:
    queue.add(item("x"))
    await take(queue)
    queue.add(item("x"))
    queue.add(item("x"), urgent=False)
    assert await take(queue) is None
    queue.done(item("x"))
    assert await take(queue) == item("x")
    queue.done(item("x"))
    assert (await take(queue), queue.in_work) == (None, 0)


async def test_changed_objects_overtake_periodic_ones(queue: workqueue.Queue) -> None:
    queue.add(item("periodic"), urgent=False)
    queue.add(item("both"), urgent=False)
    queue.add(item("changed"))
    queue.add(item("both"))
    queue.add(item("changed"), urgent=False)
    assert [await take(queue) for _ in range(4)] == [item("changed"), item("both"), item("periodic"), None]


async def test_one_that_becomes_urgent_leaves_its_lane_to_the_others(queue: workqueue.Queue) -> None:
    queue.add(item("one"), urgent=False)
    queue.add(item("two"), urgent=False)
    queue.add(item("one"))
    queue.add(item("alone", "b"), urgent=False)
    queue.add(item("alone", "b"))
    assert [await take(queue) for _ in range(4)] == [item("one"), item("alone", "b"), item("two"), None]


async def test_namespaces_take_turns(queue: workqueue.Queue) -> None:
    for name in ("1", "2", "3"):
        queue.add(item(name, "busy"))
    queue.add(item("1", "quiet"))
    taken = [await take(queue) for _ in range(4)]
    assert [one.key.namespace for one in taken if one] == ["busy", "quiet", "busy", "busy"]


async def test_a_slow_endpoint_leaves_workers_for_others(queue: workqueue.Queue) -> None:
    for name in ("1", "2", "3"):
        queue.add(item(name), endpoint="slow:443")
    queue.add(item("other"), endpoint="quick:443")
    assert [await take(queue) for _ in range(4)] == [item("1"), item("other"), item("2"), None]
    queue.done(item("1"))
    assert await take(queue) == item("3")


async def test_a_planned_item_waits_for_its_time(queue: workqueue.Queue, clock: Clock) -> None:
    queue.add_at(item("x"), 150.0)
    assert await take(queue) is None
    clock.now = 150.0
    assert await take(queue) == item("x")


async def test_the_earlier_of_two_plans_counts(queue: workqueue.Queue, clock: Clock) -> None:
    queue.add_at(item("x"), 150.0)
    queue.add_at(item("x"), 120.0)
    queue.add_at(item("x"), 170.0)
    clock.now = 120.0
    assert await take(queue) == item("x")
    queue.done(item("x"))
    clock.now = 200.0
    assert await take(queue) is None


async def test_work_on_an_item_replaces_its_plan(queue: workqueue.Queue, clock: Clock) -> None:
    queue.add_at(item("x"), 120.0)
    queue.add(item("x"))
    queue.add_at(item("x"), 110.0)
    await take(queue)
    queue.done(item("x"))
    clock.now = 130.0
    assert await take(queue) is None


async def test_a_forgotten_item_is_not_taken(queue: workqueue.Queue, clock: Clock) -> None:
    queue.add_at(item("x"), 120.0)
    queue.forget(item("x"))
    clock.now = 130.0
    assert await take(queue) is None


async def test_plans_that_stand_no_more_take_no_room(queue: workqueue.Queue, clock: Clock) -> None:
    queue.add_at(item("later"), clock.now + 20)
    queue.add_at(item("first"), clock.now + 10)
    tracemalloc.start()
    for number in range(10_000):
        queue.add_at(item("often"), clock.now + 3600 + number)
        queue.forget(item("often"))
    bytes_taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bytes_taken < 50_000
    clock.now += 20
    assert [await take(queue) for _ in range(3)] == [item("first"), item("later"), None]


async def test_taking_waits_until_something_comes(queue: workqueue.Queue) -> None:
    taking = asyncio.create_task(queue.take(nowhere))
    await asyncio.sleep(0)
    queue.add(item("x"))
    assert await asyncio.wait_for(taking, 1) == item("x")


async def test_taking_waits_for_a_real_clock() -> None:
    loop = asyncio.get_running_loop()
    queue = workqueue.Queue(endpoint_limit=1, clock=loop.time)
    queue.add_at(item("x"), loop.time() + 0.05)
    assert await asyncio.wait_for(queue.take(nowhere), 2) == item("x")

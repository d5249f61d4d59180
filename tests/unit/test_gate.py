"""Binding and release of a Credential are kept apart."""

import asyncio

from credential_operator import gate
from credential_operator.objects import Key

ONE, OTHER = Key("a", "one"), Key("a", "other")


async def test_nothing_is_bound_to_what_is_being_released() -> None:
    apart = gate.Gate()
    async with apart.releasing(ONE):
        with apart.binding(ONE) as free, apart.binding(OTHER) as other:
            assert (free, other) == (False, True)
    with apart.binding(ONE) as free:
        assert free


async def test_a_release_waits_for_all_that_is_being_bound() -> None:
    apart = gate.Gate()
    released = asyncio.Event()

    async def release() -> None:
        async with apart.releasing(ONE):
            released.set()

    with apart.binding(ONE):
        with apart.binding(ONE):
            task = asyncio.create_task(release())
            await asyncio.sleep(gate.POLL * 3)
        await asyncio.sleep(gate.POLL * 3)
        assert not released.is_set()
    await asyncio.wait_for(task, 5)
    assert released.is_set()

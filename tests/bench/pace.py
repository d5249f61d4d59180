"""How fast this machine is at the moment: what a piece of work takes that is always the same.

Machines whose cores are shared with others change their pace by half within seconds, and no counter of the
kernel shows it: a slower core takes more CPU time for the same work. Figures of different moments can be
compared once each is seen beside this one.
"""

import asyncio
import contextlib
import gc
import hashlib
import json
import statistics
import time
from collections.abc import AsyncIterator

import beside

EVERY = 0.2
"""Seconds between two pieces; together they take a third of a percent of one core."""
REPEATED = 10
DOCUMENT = {f"field{number}": {"names": ["x" * 10] * number, "count": number} for number in range(20)}


class Pace:
    """What each piece took, in milliseconds of CPU."""

    def __init__(self) -> None:
        self._pieces: list[float] = []

    def note(self) -> None:
        """Does a piece of work."""
        began = time.thread_time()
        work()
        self._pieces.append((time.thread_time() - began) * 1000)

    @property
    def mean(self) -> float:
        """Milliseconds of CPU for a piece, on average over time: what counts is how many fit into a second."""
        return statistics.harmonic_mean(self._pieces)


def work() -> None:
    """Does one piece, of what operators and API servers do most; garbage of others is not collected in it."""
    gc.disable()
    for _ in range(REPEATED):
        text = json.dumps(json.loads(json.dumps(DOCUMENT)))
        hashlib.sha256(text.encode()).digest()
    gc.enable()


@contextlib.asynccontextmanager
async def noted() -> AsyncIterator[Pace]:
    """Notes the pace meanwhile."""
    pace = Pace()
    pace.note()

    async def go_on() -> None:
        while True:
            await asyncio.sleep(EVERY)
            pace.note()

    async with beside.doing(go_on()):
        yield pace

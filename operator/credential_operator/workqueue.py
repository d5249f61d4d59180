"""The work queue: what is to be reconciled, once each, in a fair order.

    add ──> ready (urgent before periodic; round robin over endpoint and namespace) ──> take ──> done
    add_at ──> delayed (a heap) ──┘

An item that is added while it is being worked on runs once more when it is done. An endpoint has at
most so many items in work that a slow one leaves workers for the others.
"""

import asyncio
import collections
import contextlib
import dataclasses
import heapq
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

from credential_operator.objects import Object

FEW = 64
"""How many planned times that nobody waits for any more are not worth looking for."""


class Lane(NamedTuple):
    """Items that stand behind each other; lanes take turns."""

    endpoint: str
    namespace: str


@dataclasses.dataclass(slots=True)
class _Entry:
    """Where a waiting item stands."""

    lane: Lane
    urgent: bool


class Queue:
    """Deduplicating, delaying, fair; one item is in work at most once."""

    def __init__(self, *, endpoint_limit: int, clock: Callable[[], float]) -> None:
        self._limit = endpoint_limit
        self._clock = clock
        self._waiting: dict[Object, _Entry] = {}
        self._ready: dict[bool, collections.OrderedDict[Lane, collections.deque[Object]]] = {
            True: collections.OrderedDict(),
            False: collections.OrderedDict(),
        }
        self._in_work: dict[Object, Lane] = {}
        self._again: dict[Object, _Entry] = {}
        self._busy: collections.Counter[str] = collections.Counter()
        self._due: dict[Object, float] = {}
        self._heap: list[tuple[float, int, Object]] = []
        self._sequence = itertools.count()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def in_work(self) -> int:
        """How many items are being worked on."""
        return len(self._in_work)

    def waiting(self) -> Iterator[Object]:
        """Gives the items that wait for their turn."""
        return iter(self._waiting)

    def add(self, item: Object, *, endpoint: str = "", urgent: bool = True) -> None:
        """Has an item worked on as soon as its turn comes; an urgent one overtakes periodic ones."""
        self._due.pop(item, None)
        entry = _Entry(Lane(endpoint, item.key.namespace), urgent)
        if item in self._in_work:
            again = self._again.get(item)
            self._again[item] = entry if again is None else _Entry(entry.lane, urgent or again.urgent)
            return
        known = self._waiting.get(item)
        if known is not None:
            if known.urgent or not urgent:
                return
            self._remove(item, known)
        self._waiting[item] = entry
        self._ready[urgent].setdefault(entry.lane, collections.deque()).append(item)
        self._changed.set()

    def add_at(self, item: Object, when: float) -> None:
        """Has an item worked on at a time of the clock; an earlier wake-up that is planned stays."""
        if item in self._waiting or self._due.get(item, when + 1) <= when:
            return
        self._due[item] = when
        heapq.heappush(self._heap, (when, next(self._sequence), item))
        self._tidy()
        self._changed.set()

    def forget(self, item: Object) -> None:
        """Drops an item's planned wake-up."""
        self._due.pop(item, None)

    async def take(self, endpoint_of: Callable[[Object], str]) -> Object:
        """Waits for the next item; it is in work until `done`."""
        while True:
            self._promote(endpoint_of)
            item = self._next()
            if item is not None:
                return item
            self._changed.clear()
            wait = self._heap[0][0] - self._clock() if self._heap else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    def done(self, item: Object) -> None:
        """Ends the work on an item; what was added meanwhile gets its turn."""
        lane = self._in_work.pop(item)
        self._busy[lane.endpoint] -= 1
        again = self._again.pop(item, None)
        if again is not None:
            self.add(item, endpoint=again.lane.endpoint, urgent=again.urgent)
        self._changed.set()

    def _tidy(self) -> None:
        """Drops the times that are planned no more, once they are most of the heap: some lie hours ahead."""
        if len(self._heap) > 2 * len(self._due) + FEW:
            self._heap = [planned for planned in self._heap if self._due.get(planned[2]) == planned[0]]
            heapq.heapify(self._heap)

    def _promote(self, endpoint_of: Callable[[Object], str]) -> None:
        """Moves what is due from the heap to the ready items."""
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            when, _, item = heapq.heappop(self._heap)
            if self._due.get(item) == when:
                self.add(item, endpoint=endpoint_of(item), urgent=False)

    def _next(self) -> Object | None:
        for urgent in (True, False):
            lanes = self._ready[urgent]
            for lane in lanes:
                if lane.endpoint and self._busy[lane.endpoint] >= self._limit:
                    continue
                item = lanes[lane].popleft()
                if lanes[lane]:
                    lanes.move_to_end(lane)
                else:
                    del lanes[lane]
                del self._waiting[item]
                self._in_work[item] = lane
                self._busy[lane.endpoint] += 1
                return item
        return None

    def _remove(self, item: Object, entry: _Entry) -> None:
        lane = self._ready[entry.urgent][entry.lane]
        lane.remove(item)
        if not lane:
            del self._ready[entry.urgent][entry.lane]
        del self._waiting[item]

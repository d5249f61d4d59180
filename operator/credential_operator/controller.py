"""Who is reconciled when: wake-ups go into the work queue, workers take them out, failures wait.

kopf's events, the watch of Secrets, planned times ──> Queue ──> at most `workers` passes at a time
"""

import asyncio
import collections
import datetime
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

from credential_operator import errors, inventory, metrics, naming, objects, shards, traces, workqueue
from credential_operator.inventory import CREDENTIAL, DISTRIBUTION, REFERENCE
from credential_operator.objects import Object

logger = logging.getLogger(__name__)

KINDS = (CREDENTIAL, REFERENCE, DISTRIBUTION)
FIRST_BACKOFF = 0.2
LONGEST_BACKOFF = 60.0
MOMENT = 0.5
"""Seconds in which what starts or ends together is gathered: a thousand Pods are a few passes."""
WHILE = 5.0
"""Seconds in which what is only to be counted is gathered: the Secrets of a distribution."""


class Load(NamedTuple):
    """How many objects of a kind wait for a worker, and for how many seconds each that has one is worked on."""

    waiting: int
    working: tuple[float, ...]


Pass = Callable[[objects.Key], Awaitable[datetime.datetime | None]]


class Controller:
    """Turns what is seen into passes over objects, which belong to so many shards."""

    def __init__(
        self, known: inventory.Inventory, *, workers: int, endpoint_limit: int, count: int = 1
    ) -> None:
        self._known = known
        self._count = count
        self._workers = workers
        self._queue = workqueue.Queue(endpoint_limit=endpoint_limit, clock=time.monotonic)
        self._failures: dict[Object, int] = {}
        self._running: dict[asyncio.Task[None], int] = {}
        self._begun: dict[Object, float] = {}
        self._moved = time.monotonic()
        for kind in KINDS:
            # A rate sees the first one only where there was a 0 before.
            metrics.RETRIES.labels(kind)

    # Wake-ups

    def see_credential(self, event: str | None, document: Mapping[str, Any]) -> None:
        """Takes in an event about a Credential."""
        key = inventory.key_of(document)
        if event == "DELETED":
            self.lose_credential(key, uid=document["metadata"]["uid"])
        elif self._known.is_news(document):
            # The echo of our own write may overtake its answer; a pass for it need not come at once.
            echo = self._known.differs_in_status_only(document)
            rivals = [] if echo else self._rivals(key)
            self._known.put_credential(document)
            (self.wake_later if echo else self.wake)([Object(CREDENTIAL, key), *rivals])
            self._wake_distribution(key)
            self.wake_references(key)
            self._wake_selecting(key.namespace)

    def lose_credential(self, key: objects.Key, *, uid: str) -> None:
        """Takes in that a Credential is gone, unless another one of that name has come already."""
        rivals = self._rivals(key)
        if self._known.drop_credential(key, uid):
            lost = Object(CREDENTIAL, key)
            self._queue.forget(lost)
            self.wake([lost, *rivals])
            self._wake_distribution(key)
            self.wake_references(key)
            self._wake_selecting(key.namespace)

    def see_reference(self, event: str | None, document: Mapping[str, Any]) -> None:
        """Takes in an event about a CredentialReference."""
        key = inventory.key_of(document)
        before = self._known.named_by(key)
        if event == "DELETED":
            self.lose_reference(key, uid=document["metadata"]["uid"])
        elif self._known.put_reference(document):
            # Another one of that name, whose end may never be told of, may have named another Credential.
            self.wake([Object(REFERENCE, key)])
            for one in {before, naming.named_by(document)}:
                if one is not None:
                    self.reweigh(key, one)
            self.wake(self._distributions(key))

    def lose_reference(self, key: objects.Key, *, uid: str) -> None:
        """Takes in that a CredentialReference is gone, unless another one of that name has come already."""
        distributions = self._distributions(key)
        named = self._known.drop_reference(key, uid)
        if named is not None:
            self.wake([Object(CREDENTIAL, named), *distributions])

    def reweigh(self, reference: objects.Key, credential: objects.Key) -> None:
        """Has a Credential count anew; those that the operator made, of which there may be many, soon enough."""
        needed = [Object(CREDENTIAL, credential)]
        if self._known.handouts.get(reference) is None:
            self.wake(needed)
            return
        self.wake_later(needed)
        self._queue.add_at(Object(DISTRIBUTION, credential), time.monotonic() + WHILE)

    def wake(self, objects: Iterable[Object]) -> None:
        """Has objects looked at soon; a distribution within a moment, for many a namespace may come."""
        for one in objects:
            if one.kind == DISTRIBUTION:
                self._queue.add_at(one, time.monotonic() + MOMENT)
            else:
                self._queue.add(one, endpoint=self._endpoint(one))

    def wake_later(self, objects: Iterable[Object]) -> None:
        """Has objects looked at within a moment: more of the kind may come, and be one pass."""
        for one in objects:
            self._queue.add_at(one, time.monotonic() + MOMENT)

    def wake_references(self, credential: objects.Key) -> None:
        """Has the references to a Credential looked at soon."""
        self.wake(Object(REFERENCE, key) for key in self._known.references_to(credential))

    def wake_shard(self, shard: int) -> None:
        """Has everything of a shard looked at soon: whoever worked on it before may have left some undone."""
        credentials, references = list(self._known.credentials), list(self._known.references)
        both = (
            *(Object(CREDENTIAL, key) for key in credentials),
            *(Object(REFERENCE, key) for key in references),
        )
        made = {one for reference in references for one in self._distributions(reference)}
        made.update(self._known.distributions())
        self.wake(one for one in (*both, *made) if self.shard_of(one) == shard)

    def shard_of(self, one: Object) -> int:
        """Gives the shard that an object belongs to."""
        if self._count == 1:
            return 0
        place = self._known.place_of(one.key) if one.kind == REFERENCE else one.key.namespace
        return shards.of(place, self._count)

    def _wake_distribution(self, credential: objects.Key) -> None:
        """Has the references looked at that the operator makes for a Credential, or has made."""
        if self._known.handouts.concerns(credential):
            self.wake([Object(DISTRIBUTION, credential)])

    def _rivals(self, credential: objects.Key) -> list[Object]:
        """Gives who may wait for a Secret that a Credential was known to name, which it may name no more."""
        record = self._known.credentials.get(credential)
        names = () if record is None else naming.secrets_of(record.parse())
        secrets = (objects.Key(credential.namespace, name) for name in sorted(names))
        return [one for secret in secrets for one in self._known.concerned(secret) if self._waits(one)]

    def _waits(self, one: Object) -> bool:
        """Tells whether an object may have found that a Secret is somebody else's."""
        record = self._known.credentials.get(one.key)
        return one.kind == REFERENCE or (record is not None and errors.TargetConflict.reason in record.state)

    def _distributions(self, reference: objects.Key) -> list[Object]:
        """Gives the distributions to which it matters what becomes of a reference of this name."""
        return [Object(DISTRIBUTION, key) for key in self._known.handouts.concerned(reference)]

    def _wake_selecting(self, namespace: str) -> None:
        """Has the references looked at that look for a Credential in a namespace."""
        self.wake_later(Object(REFERENCE, key) for key in self._known.selecting_in(namespace))

    def _endpoint(self, item: Object) -> str:
        record = self._known.credentials.get(item.key) if item.kind == CREDENTIAL else None
        return "" if record is None else record.endpoint

    # Work

    def load(self) -> dict[str, Load]:
        """Gives what waits and what is worked on, by kind."""
        now = time.monotonic()
        waiting = collections.Counter(item.kind for item in self._queue.waiting())
        return {
            kind: Load(
                waiting[kind], tuple(now - since for item, since in self._begun.items() if item.kind == kind)
            )
            for kind in KINDS
        }

    def lag(self) -> float:
        """Seconds for which objects have waited without any being worked on."""
        return time.monotonic() - self._moved if len(self._queue) else 0.0

    async def work(self, passes: Mapping[int, Mapping[str, Pass]]) -> None:
        """Makes passes until cancelled; those under way then end by themselves (see `drain`).

        `passes` has the function for each kind, of each shard that is to be worked on at that moment: what belongs
        to another one is dropped, for whoever works on that sees it too.
        """
        slots = asyncio.Semaphore(self._workers)
        while True:
            await slots.acquire()
            try:
                item = await self._queue.take(self._endpoint)
            except asyncio.CancelledError:
                slots.release()
                raise
            self._moved = time.monotonic()
            shard = self.shard_of(item)
            if shard not in passes:
                self._queue.done(item)
                self._failures.pop(item, None)
                slots.release()
                await asyncio.sleep(0)
                continue
            task = asyncio.create_task(self._pass(item, passes[shard][item.kind], shard))
            self._running[task] = shard
            task.add_done_callback(self._running.pop)
            task.add_done_callback(lambda _: slots.release())

    async def drain(self, seconds: float, shard: int | None = None) -> None:
        """Waits for the passes under way, of all shards or of one, at most so long."""
        running = [task for task, of in self._running.items() if shard in (None, of)]
        if running:
            await asyncio.wait(running, timeout=seconds)

    async def _pass(self, item: Object, make: Pass, shard: int) -> None:
        began = self._begun[item] = time.monotonic()
        result = "ok"
        try:
            with traces.span("reconcile", kind=item.kind, **item.key._asdict()) as say:
                result = await self._made(item, make, shard)
                say("result", result)
        finally:
            del self._begun[item]
            self._queue.done(item)
            metrics.RECONCILES.labels(item.kind, result).inc()
            metrics.RECONCILE_SECONDS.labels(item.kind).observe(time.monotonic() - began)

    async def _made(self, item: Object, make: Pass, shard: int) -> str:
        """Makes a pass, plans what follows, and gives how it ended."""
        try:
            with shards.working_on(shard):
                look = await make(item.key)
            self._failures.pop(item, None)
            if look is not None:
                self._queue.add_at(item, time.monotonic() + _seconds_until(look))
        except errors.Transient as error:
            self._retry(item, error, asked=error.retry_after)
            return error.reason
        except errors.CredentialError as error:
            self._retry(item, error, asked=LONGEST_BACKOFF)
            return error.reason
        except Exception as error:
            logger.exception(
                "a pass failed by a fault of ours", extra={"object": str(item.key), "kind": item.kind}
            )
            self._retry(item, error)
            return "InternalError"
        return "ok"

    def _retry(self, item: Object, error: Exception, *, asked: float | None = None) -> None:
        """Plans another pass after a backoff, doubled by each failure in a row."""
        metrics.RETRIES.labels(item.kind).inc()
        failures = self._failures.get(item, 0)
        self._failures[item] = min(failures + 1, 16)
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**failures) * random.uniform(0.5, 1.0)  # noqa: S311
        wait = max(asked or 0.0, backoff)
        # Ten thousand objects may meet one outage of the API server; the counter has them all.
        logger.debug(
            "a pass is repeated",
            extra={
                "object": str(item.key),
                "kind": item.kind,
                "error": str(error),
                "seconds": round(wait, 1),
            },
        )
        self._queue.add_at(item, time.monotonic() + wait)


def _seconds_until(moment: datetime.datetime) -> float:
    return max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds())

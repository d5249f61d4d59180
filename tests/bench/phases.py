"""What is measured in a run: creation, reconciles that change nothing, changes, a restart."""

import asyncio
import dataclasses
import math
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench import casts, documents, pace
from bench.arena import Arena, Usage, say
from bench.ledger import Ledger
from credential_operator import providers

MIB = 1 << 20
SLOWEST = 10.0
"""Credentials per second below which a run is given up."""

Json = dict[str, Any]
Key = documents.Key


def quantile(values: Iterable[float], share: float) -> float:
    """Gives the smallest value that at least this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What it took to make so many Credentials ready; times in seconds, CPU in seconds for all of them.

    `pace`: milliseconds of CPU that a piece of work took meanwhile which is always the same.
    """

    size: int
    seconds: float
    pace: float
    p50: float
    p99: float
    operator: float
    api_server: float
    plane: float
    others: float
    requests: Ledger
    resident: int
    peak: int
    passes: float
    calls: int
    validation_cpu: float

    @property
    def per_second(self) -> float:
        """Credentials per second."""
        return self.size / self.seconds

    @property
    def paced(self) -> float:
        """Credentials per second on a machine that takes a millisecond for the piece of work."""
        return self.per_second * self.pace

    @property
    def paced_operator(self) -> float:
        """The operator's CPU on a machine that takes a millisecond for the piece of work."""
        return self.operator / self.pace


class Readiness:
    """When each Credential was first seen ready."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self.at: dict[Key, float] = {}
        self.all = asyncio.Event()
        self._said = time.monotonic()

    def see(self, document: Json, now: float) -> None:
        """Takes in a Credential."""
        metadata = document["metadata"]
        where = (metadata["namespace"], metadata["name"])
        if where not in self.at and documents.ready(document):
            self.at[where] = now
            if len(self.at) == self._wanted:
                self.all.set()
            if now - self._said > 10:
                self._said = now
                say(f"{len(self.at)} of {self._wanted} ready")


async def create(arena: Arena, size: int, *, after: int = 0) -> Created:
    """Creates source Secrets, then Credentials while the operator works; their first starts the clock.

    `after`: how many there are already.
    """
    parts = [arena.cast(number) for number in range(after, after + size)]
    await create_sources(arena, parts, after=after)
    readiness = Readiness(size)
    made: dict[Key, float] = {}

    def done(document: Json) -> None:
        made[document["metadata"]["namespace"], document["metadata"]["name"]] = time.monotonic()

    before = await Usage.now(arena)
    async with arena.client.watching(COLLECTION, readiness.see), pace.noted() as noted:
        began = time.monotonic()
        await arena.client.send_all(
            (
                (
                    "POST",
                    documents.CREDENTIALS.format(where[0]),
                    documents.credential(where, part),
                )
                for where, part in _keyed(parts, after)
            ),
            done,
        )
        seconds = time.monotonic() - began
        say(f"{size} Credentials created in {seconds:.1f} s, {len(readiness.at)} of them ready")
        async with asyncio.timeout(60 + size / SLOWEST):
            await readiness.all.wait()
    await arena.settle()
    used = await Usage.now(arena) - before
    waits = [max(0.0, readiness.at[where] - made[where]) for where in made]
    return Created(
        size=size,
        seconds=max(readiness.at.values()) - began,
        pace=noted.mean,
        p50=quantile(waits, 0.5),
        p99=quantile(waits, 0.99),
        operator=used.operator,
        api_server=used.api_server,
        plane=used.plane,
        others=used.others,
        requests=used.requests,
        resident=arena.operator.resident_bytes(),
        peak=arena.operator.resident_bytes(peak=True),
        passes=used.passes,
        calls=used.calls,
        validation_cpu=used.validation_cpu,
    )


def validated(arena: Arena) -> dict[str, float]:
    """Gives the milliseconds of CPU that one validation takes in the thread of the call, by type."""
    types = sorted(providers.find())
    cpu = {kind: arena.metric("validation_cpu_seconds_total", type=kind) for kind in types}
    calls = {kind: arena.metric("validation_total", type=kind) for kind in types}
    return {kind: cpu[kind] / calls[kind] * 1000 for kind in types if calls[kind]}


async def create_sources(arena: Arena, parts: Sequence[casts.Part], *, after: int = 0) -> None:
    """Creates the source Secret of each Credential, and waits for the garbage collector where that is asked for."""
    began = time.monotonic()
    await arena.client.send_all(
        ("POST", documents.SECRETS.format(where[0]), documents.source(where, part))
        for where, part in _keyed(parts, after)
    )
    await arena.settle()
    say(f"{len(parts)} source Secrets created in {time.monotonic() - began:.1f} s")
    if arena.options.attended:
        await arena.attended()


async def touch(arena: Arena, size: int, *, count: int) -> float:
    """Annotates Credentials with what means nothing to the operator; gives the writes that follow."""
    chosen = [documents.key(number) for number in random.sample(range(size), min(count, size))]
    before = (await arena.client.requests()).writes
    passes = arena.metric("reconcile_total", kind="Credential")
    body = {"metadata": {"annotations": {"example.com/touched": "yes"}}}
    await arena.client.send_all(("PATCH", credential_path(where), body) for where in chosen)
    await arena.until(
        lambda: arena.metric("reconcile_total", kind="Credential") >= passes + len(chosen),
        seconds=60,
        what="every touched Credential was reconciled",
    )
    await arena.settle()
    return (await arena.client.requests()).writes - before


async def change(arena: Arena, size: int, *, count: int) -> list[float]:
    """Gives one Credential after the other a new key; tells the seconds from request to new target."""
    waits: list[float] = []
    awaited: dict[Key, tuple[Mapping[str, str], asyncio.Future[float]]] = {}

    def see(document: Json, now: float) -> None:
        metadata = document["metadata"]
        data, seen = awaited.get((metadata["namespace"], metadata["name"]), ({}, None))
        if (
            seen
            and not seen.done()
            and document.get("data", {}).get("AWS_ACCESS_KEY_ID") == data["accessKeyID"]
        ):
            seen.set_result(now)

    async with arena.client.watching("/api/v1/secrets", see, OWNED):
        for number in range(count):
            namespace, name = documents.key(random.randrange(size))
            data = documents.key_material(arena.cast(size + number))
            path = f"{documents.SECRETS.format(namespace)}/{documents.source_name(name)}"
            changed: asyncio.Future[float] = asyncio.get_running_loop().create_future()
            awaited = {(namespace, documents.target_name(name)): (data, changed)}
            began = time.monotonic()
            await arena.client.send("PATCH", path, {"data": data})
            waits.append(await asyncio.wait_for(changed, 30) - began)
            await asyncio.sleep(random.uniform(0, 0.05))
    await arena.settle()
    return waits


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """What a restart took: seconds from the start of the process; writes and calls beside the probe's own."""

    ready: float
    probe: float
    seconds: float
    operator: float
    writes: float
    calls: int
    resident: int
    peak: int


async def restart(arena: Arena, size: int) -> Restarted:
    """Stops and starts the operator.

    It has caught up when a Credential that was created in the moment of the start is ready, every other
    one was looked at, and nothing waits in the queue.
    """
    await arena.settle()
    await arena.stop()
    before, calls = (await arena.client.requests()).writes, arena.calls()
    probe = Readiness(1)
    where = ("team-0", "probe")
    async with arena.client.watching(COLLECTION, probe.see, "bench=probe"):
        began = time.monotonic()
        arena.operator.start(wait=False)
        await arena.client.send(
            "POST", documents.SECRETS.format(where[0]), documents.source(where, arena.cast(0))
        )
        document = documents.credential(where, arena.cast(0))
        document["metadata"]["labels"] = {"bench": "probe"}
        await arena.client.send("POST", documents.CREDENTIALS.format(where[0]), document)
        ready = await _answering(arena) - began
        await arena.until(
            lambda: arena.metric("reconcile_total", kind="Credential") > size and arena.waiting() == 0,
            seconds=120,
            what="everything was looked at again",
        )
        looked = time.monotonic() - began
        async with asyncio.timeout(60):
            await probe.all.wait()
        probed = probe.at[where] - began
    used = arena.operator.cpu_seconds()
    await arena.settle()
    # The probe's own: its target and its status; and one check of its key.
    return Restarted(
        ready=ready,
        probe=probed,
        seconds=max(looked, probed),
        operator=used,
        writes=(await arena.client.requests()).writes - before - 2,
        calls=arena.calls() - calls - (1 if arena.sts else 0),
        resident=arena.operator.resident_bytes(),
        peak=arena.operator.resident_bytes(peak=True),
    )


async def _answering(arena: Arena) -> float:
    await asyncio.to_thread(arena.operator.wait_until_ready)
    return time.monotonic()


COLLECTION = "/apis/credential-operator.io/v1beta1/credentials"
OWNED = "credential-operator.io/credential"


def credential_path(where: Key) -> str:
    """Gives a Credential's path."""
    return f"{documents.CREDENTIALS.format(where[0])}/{where[1]}"


def _keyed(parts: Iterable[casts.Part], after: int) -> Iterable[tuple[Key, casts.Part]]:
    return ((documents.key(number), part) for number, part in enumerate(parts, after))

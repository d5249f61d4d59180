"""What it takes to distribute Credentials to many namespaces: each gets a reference and a Secret of each."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from bench import arena, casts, documents, phases
from bench.arena import Arena, Usage, say
from bench.goals import Figure
from bench.phases import MIB
from credential_operator import process

REFERENCES = "/apis/credential-operator.io/v1beta1/credentialreferences"
SLOWEST = 8.0
"""References per second below which a run is given up."""
LABEL = {"bench": "shared"}

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many namespaces get each of how many Credentials."""

    namespaces: int
    credentials: int

    @property
    def references(self) -> int:
        """How many references there are in the end."""
        return self.namespaces * self.credentials

    @property
    def group(self) -> str:
        """What its figures stand under."""
        return f"{self.credentials} Credentials to {self.namespaces} namespaces"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Distributed:
    """What it took; times in seconds. `late`: until a namespace that came later had all of its Secrets."""

    plan: Plan
    seconds: float
    used: Usage
    passes: float
    memory: int
    late: float
    rotated: float
    caught_up: float
    restart_cpu: float
    restart_writes: float
    restart_memory: int


class Served:
    """Which references have a Secret, and made from which version of their source."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], str] = {}
        self._said = time.monotonic()

    def see(self, document: Json, now: float) -> None:
        """Takes in a reference."""
        metadata, target = document["metadata"], document.get("status", {}).get("target")
        if target is not None:
            self.made[metadata["namespace"], metadata["name"]] = target["source"]
        if now - self._said > 10:
            self._said = now
            say(f"{len(self.made)} references served")

    def of(self, name: str) -> list[str]:
        """Gives the versions that a Credential's Secrets were made from."""
        return [source for (_, each), source in self.made.items() if each == name]


def measured(plan: Plan, options: arena.Options) -> Distributed:
    """Makes the run."""
    say(f"== {plan.group}")
    return process.run(_run(plan, options))


async def _run(plan: Plan, options: arena.Options) -> Distributed:
    async with arena.opened("unchecked", options, keys=0) as place:
        names = [_name(number) for number in range(plan.namespaces)]
        await place.client.send_all(("POST", "/api/v1/namespaces", _namespace(name)) for name in names)
        await place.client.send_all(
            ("POST", documents.SECRETS.format(where[0]), documents.source(where, casts.unchecked(number)))
            for number, where in enumerate(_keys(plan))
        )
        await place.start()
        if options.attended:
            await place.attended()
        served = Served()
        async with place.client.watching(REFERENCES, served.see):
            before, began = await Usage.now(place), time.monotonic()
            await place.client.send_all(
                ("POST", documents.CREDENTIALS.format(where[0]), _credential(where, number))
                for number, where in enumerate(_keys(plan))
            )
            await _until(
                lambda: len(served.made) == plan.references,
                seconds=60 + plan.references / SLOWEST,
                what="every namespace has every Secret",
            )
            seconds = time.monotonic() - began
            await place.settle()
            used = await Usage.now(place) - before
            passes = place.metric("reconcile_total", kind="CredentialReference")
            memory = place.operator.resident_bytes(peak=True)
            say(f"{plan.references / seconds:.0f} references per second")
            late = await _late(place, plan, served)
            rotated = await _rotated(place, plan, served)
        async with _restarted(place, plan) as (caught_up, cpu, writes):
            return Distributed(
                plan=plan,
                seconds=seconds,
                used=used,
                passes=passes,
                memory=memory,
                late=late,
                rotated=rotated,
                caught_up=caught_up,
                restart_cpu=cpu,
                restart_writes=writes,
                restart_memory=place.operator.resident_bytes(peak=True),
            )


async def _late(place: Arena, plan: Plan, served: Served) -> float:
    """Gives how long a namespace that comes later waits for its Secrets."""
    name, began = _name(plan.namespaces), time.monotonic()
    await place.client.send("POST", "/api/v1/namespaces", _namespace(name))
    wanted = plan.references + plan.credentials
    await _until(lambda: len(served.made) == wanted, seconds=60, what="the late namespace has its Secrets")
    return time.monotonic() - began


async def _rotated(place: Arena, plan: Plan, served: Served) -> float:
    """Gives how long it takes until a new key is everywhere where it was distributed to."""
    await place.settle()
    namespace, name = documents.key(0)
    old, began = set(served.of(name)), time.monotonic()
    path = f"{documents.SECRETS.format(namespace)}/{documents.source_name(name)}"
    data = documents.key_material(casts.unchecked(plan.credentials))
    await place.client.send("PATCH", path, {"data": data})
    await _until(
        lambda: old.isdisjoint(served.of(name)),
        seconds=60 + plan.namespaces / SLOWEST,
        what="the new key is everywhere",
    )
    return time.monotonic() - began


async def _drained(place: Arena) -> None:
    """Waits until the rotated Credential says that nobody runs the previous key: its last write for that."""
    async with asyncio.timeout(60):
        while True:
            found = await place.client.send("GET", phases.credential_path(documents.key(0)))
            if found["status"].get("rotation", {}).get("drained"):
                return
            await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def _restarted(place: Arena, plan: Plan) -> AsyncIterator[tuple[float, float, float]]:
    """Stops and starts the operator; gives the seconds and its CPU until it has caught up, and all its writes."""
    await _drained(place)
    await place.settle()
    await place.stop()
    before, began = (await place.client.requests()).writes, time.monotonic()
    await asyncio.to_thread(place.operator.start)
    await place.until(
        lambda: (
            place.metric("reconcile_total", kind="CredentialReference") >= plan.references
            and place.waiting() == 0
        ),
        seconds=180,
        what="every reference was looked at again",
    )
    caught_up, cpu = time.monotonic() - began, place.operator.cpu_seconds()
    await place.settle()
    yield caught_up, cpu, (await place.client.requests()).writes - before
    await place.stop()


async def _until(condition: Any, *, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(0.02)


def _name(number: int) -> str:
    return f"shared-{number:03}"


def _namespace(name: str) -> Json:
    return {"metadata": {"name": name, "labels": LABEL}}


def _keys(plan: Plan) -> list[documents.Key]:
    return [documents.key(number) for number in range(plan.credentials)]


def _credential(where: documents.Key, number: int) -> Json:
    document = documents.credential(where, casts.unchecked(number))
    document["spec"] |= {
        "allowedNamespaces": {"selector": {"matchLabels": LABEL}},
        "distribute": {"target": {"name": documents.target_name(where[1]), "format": "env"}},
    }
    return document


def figures(found: Distributed) -> Iterator[Figure]:
    """Gives all figures, in the order of the table."""
    each, used = found.plan.references, found.used

    def figure(name: str, title: str, value: float, unit: str = "") -> Figure:
        return Figure(
            group=found.plan.group, name=f"distribution.{name}", title=title, value=value, unit=unit
        )

    yield figure("seconds", "until every namespace has every Secret", found.seconds, "s")
    yield figure("rate", "references per second", each / found.seconds, "/s")
    requests = used.requests.single
    yield figure("requests", "API requests per reference", sum(requests.values()) / each)
    for kind, count in requests.items():
        yield figure(f"requests.{kind}", f"  {kind}", count / each)
    yield figure("passes", "passes over each reference", found.passes / each)
    yield figure("cpu", "operator CPU per reference", used.operator / each * 1000, "ms")
    yield figure("api_server", "API server CPU per reference", used.api_server / each * 1000, "ms")
    yield figure("share", "operator CPU, share of the API server's", used.operator / used.api_server)
    yield figure("others", "CPU used by others on this machine meanwhile", used.others, "s")
    yield figure("memory", "resident memory, peak", found.memory / MIB, "MiB")
    yield figure("late", "a later namespace has all Secrets", found.late, "s")
    yield figure("rotated", "a new key is in all namespaces", found.rotated, "s")
    yield figure("caught_up", "caught up after a restart", found.caught_up, "s")
    yield figure("restart.cpu", "operator CPU until then", found.restart_cpu, "s")
    yield figure("restart.writes", "writes by the restart", found.restart_writes)
    yield figure("restart.memory", "resident memory after it, peak", found.restart_memory / MIB, "MiB")

"""What a scrape of /metrics costs with many Credentials, and how long nothing else of the operator goes on.

The operator's own server and series, over Credentials that are known and not worked on.
"""

import asyncio
import contextlib
import dataclasses
import functools
import gc
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from bench import arena, documents
from bench.goals import Figure
from credential_operator import controller, health, inventory, process, scrape

Json = dict[str, Any]

SCRAPES = 10
TICK = 0.001
WHEN = "2026-11-22T00:00:00Z"
READ = "import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen(sys.argv[1]).read())"
"""A scraper, as a process of its own."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scraped:
    """A scrape: seconds of the operator's CPU, of its duration, and for which the loop stood still."""

    each: bool
    series: int
    size: int
    cpu: float
    seconds: float
    still: float


def measured(size: int) -> Iterator[Scraped]:
    """Measures the median scrape with and without series of each Credential; the longest stand-still of all."""
    known = inventory.Inventory(lambda _: "sts.example.com")
    for number in range(size):
        known.put_credential(_credential(number))
    for each in (True, False):
        arena.say(
            f"== {SCRAPES} scrapes of {size} Credentials, {'with' if each else 'without'} series of each"
        )
        process.spare_collections()
        yield process.run(_run(known, each=each))
    gc.unfreeze()


async def _run(known: inventory.Inventory, *, each: bool) -> Scraped:
    queue = controller.Controller(known, workers=64, endpoint_limit=32)

    def take() -> functools.partial[bytes]:
        taken = scrape.work(known, queue, down=frozenset(), each=each)
        return functools.partial(scrape.exposition, [taken])

    server = health.Server(host="127.0.0.1", port=0, healthy=list, ready=list, metrics=take)
    url = f"http://127.0.0.1:{await server.start()}/metrics"
    text, cpu, seconds = b"", [], []
    async with _ticking() as ticks:
        for _ in range(SCRAPES):
            began, used = time.perf_counter(), time.process_time()
            text = await _read(url)
            cpu.append(time.process_time() - used)
            seconds.append(time.perf_counter() - began)
    await server.stop()
    return Scraped(
        each=each,
        series=sum(not line.startswith(b"#") for line in text.splitlines()),
        size=len(text),
        cpu=sorted(cpu)[SCRAPES // 2],
        seconds=sorted(seconds)[SCRAPES // 2],
        still=max(ticks),
    )


async def _read(url: str) -> bytes:
    scraper = await asyncio.create_subprocess_exec(
        sys.executable, "-c", READ, url, stdout=asyncio.subprocess.PIPE
    )
    text, _ = await scraper.communicate()
    return text


@contextlib.asynccontextmanager
async def _ticking() -> AsyncIterator[list[float]]:
    """Gives the seconds by which each tick of the loop was late."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK)
            late.append(time.perf_counter() - began - TICK)

    ticking = asyncio.create_task(tick())
    yield late
    ticking.cancel()


def _credential(number: int) -> Json:
    namespace, name = documents.key(number)
    good = {"Ready": "Available", "Synced": "Published", "Validated": "Accepted"}
    conditions = [
        {"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": WHEN}
        for kind, reason in good.items()
    ]
    return {
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": name,
            "resourceVersion": str(number + 1),
            "generation": 1,
            "creationTimestamp": WHEN,
        },
        "spec": {"aws": {}, "owner": {"team": "storage", "contact": "#storage-oncall"}},
        "status": {"type": "aws", "expiresAt": WHEN, "lastValidatedTime": WHEN, "conditions": conditions},
    }


def figures(found: Scraped, size: int) -> Iterator[Figure]:
    """Puts what was measured into figures."""
    group = f"a scrape of {size} Credentials, {'with' if found.each else 'without'} series of each"
    values = (
        ("series", "series", found.series, ""),
        ("size", "size", found.size / 1e6, "MB"),
        ("cpu", "operator CPU", found.cpu * 1000, "ms"),
        ("wait", "until it is read", found.seconds * 1000, "ms"),
        ("still", "the event loop stands still, at most", found.still * 1000, "ms"),
    )
    for name, title, value, unit in values:
        yield Figure(group=group, name=f"scrape.{name}", title=title, value=value, unit=unit)

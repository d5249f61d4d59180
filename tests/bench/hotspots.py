"""Reads what `sampler.py` noted: where the operator's CPU goes."""

import collections
import json
import pathlib
from collections.abc import Iterable, Iterator

Stack = list[str]

WORKING = "asyncio/runners.py:Runner.run"
"""What is in every stack from after the imports."""
PARTS = (
    ("events taken in: inventory, queue", ("app.py:App.credential", "app.py:App.reference")),
    ("kopf: watching and handling", ("kopf/",)),
    ("watch of Secrets", ("watch.py:SecretWatch",)),
    ("requests: waiting for and reading the head", ("aiohttp/client_reqrep.py:ClientResponse.start",)),
    ("requests: making", ("cluster.py:Cluster._prepare",)),
    ("requests: reading and parsing the body", ("cluster.py:Cluster._request",)),
    ("pass: object to models", ("view.py:parse",)),
    ("pass: key material, rendering, digests", ("providers/contract.py:", "formats/", "installation.py:")),
    ("pass: status", ("status.py:", "judge.py:")),
    ("pass: inventory", ("inventory.py:",)),
    ("pass: the rest", ("reconcile.py:",)),
    ("metrics and logs", ("prometheus_client/", "logging/")),
    ("queue and controller", ("workqueue.py:", "controller.py:")),
    ("TLS", ("ssl.py:", "sslproto.py:")),
    ("HTTP: parsing of answers", ("aiohttp/",)),
    ("event loop", ("asyncio/",)),
)
"""Parts of the operator; a stack belongs to the first one that it has a function of."""
SHOWN = 40


def read(file: pathlib.Path) -> list[tuple[int, Stack]]:
    """Reads the samples since the operator began to work: how often, and which functions, innermost first."""
    samples = json.loads(file.read_text())
    return [(count, stack) for count, stack in samples if any(WORKING in function for function in stack)]


def lines(samples: Iterable[tuple[int, Stack]]) -> Iterator[str]:
    """Lays out the parts of the operator and the functions that use the most CPU."""
    parts: collections.Counter[str] = collections.Counter()
    own: collections.Counter[str] = collections.Counter()
    whole: collections.Counter[str] = collections.Counter()
    for count, stack in samples:
        parts[_part(stack)] += count
        own[stack[0]] += count
        for function in set(stack):
            whole[function] += count
    total = own.total()
    for title, counter in (("parts", parts), ("functions", own), ("functions with what they call", whole)):
        yield f"-- CPU share of {title}, of {total} samples"
        yield from (f"{count / total:7.1%}  {name}" for name, count in counter.most_common(SHOWN))


def _part(stack: Stack) -> str:
    return next(
        (title for title, marks in PARTS if any(mark in one for one in stack for mark in marks)), "others"
    )

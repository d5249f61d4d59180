"""The price of watching so many Pods: a server and a watcher, each in a process of its own."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from bench.goals import Figure
from bench.pods import documents

SECONDS = 960.0
"""How long a watcher may take on a busy machine, its start included."""
MEGABYTE = 1e6

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """So many Pods, each with a Secret that it uses (`using`) or without; so many Deployments are rolled out."""

    pods: int
    rolled: int
    using: bool

    @property
    def events(self) -> int:
        """How many events the rollouts are."""
        return self.rolled * documents.PODS_EACH * documents.ROLLED


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What it took; bytes of resident memory beyond those before the list, CPU in seconds.

    `known` is how many Pods are kept in the end.
    """

    crowd: Crowd
    listed: float
    rolled: float
    relisted: float
    peak: float
    list_cpu: float
    event_cpu: float
    known: int


def watched(crowd: Crowd) -> Price:
    """Has a process list all, watch the rollouts, and list all again."""
    chosen = ["--using"] if crowd.using else []
    command = _python("bench.pods.server", f"--pods={crowd.pods}", f"--rolled={crowd.rolled}", *chosen)
    # It ends with its input, which the end of this block closes.
    with subprocess.Popen(
        command, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        ended = subprocess.run(
            _python("bench.pods.watcher", url, str(crowd.pods), str(crowd.events)),
            env=_environment(),
            stdout=subprocess.PIPE,
            timeout=SECONDS,
            check=True,
        )
    return _price(crowd, json.loads(ended.stdout))


def _price(crowd: Crowd, found: Json) -> Price:
    started, listed, rolled, relisted = (found[at] for at in ("started", "listed", "rolled", "relisted"))
    return Price(
        crowd=crowd,
        listed=listed["resident"] - started["resident"],
        rolled=rolled["resident"] - started["resident"],
        relisted=relisted["resident"] - started["resident"],
        peak=relisted["peak"] - started["resident"],
        list_cpu=listed["cpu"] - started["cpu"],
        event_cpu=(rolled["cpu"] - listed["cpu"]) / crowd.events,
        known=found["known"],
    )


def _python(module: str, *arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", module, *arguments]


def _environment() -> dict[str, str]:
    """Leaves behind what sets Python and its memory otherwise on this machine."""
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}


def figures(price: Price) -> Iterator[Figure]:
    """Gives what is told of it; without Secrets there is little to keep, but the goals are the same."""
    crowd = price.crowd
    group = f"{crowd.pods:,} Pods, {'each with a Secret' if crowd.using else 'none with a Secret'}"
    for name, title, value, unit in (
        ("memory", "resident memory of the list", price.listed / MEGABYTE, "MB"),
        ("memory", f"  after {crowd.events:,} events", price.rolled / MEGABYTE, "MB"),
        ("memory", "  after another list", price.relisted / MEGABYTE, "MB"),
        ("memory", "  peak", price.peak / MEGABYTE, "MB"),
        ("list", "CPU of the list", price.list_cpu, "s"),
        ("event", "CPU of an event", price.event_cpu * 1e6, "µs"),
    ):
        yield Figure(group=group, name=f"pods.{name}", title=title, value=value, unit=unit)

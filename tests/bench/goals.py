"""The figures to reach, all of them; two cores, everything in the same call of the bench.

Shared machines change their pace by half within seconds. Runs are compared at that pace (`pace.py`), and CPU with
what the API server spends on the same Credentials in the same run: 2.5 ms of the operator's beside 8 ms of the
API server's, on the machine that the goals were set on.
"""

import dataclasses
import enum
from collections.abc import Callable, Iterable, Iterator, Mapping


class Bound(enum.StrEnum):
    """On which side of the goal a figure has to be."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclasses.dataclass(frozen=True, slots=True)
class Goal:
    """What a figure must reach; `scope` says which of the figures of that name."""

    bound: Bound
    limit: float
    what: str

    def met(self, value: float) -> bool:
        """Tells whether a figure reaches it."""
        return value <= self.limit if self.bound is Bound.AT_MOST else value >= self.limit

    def __str__(self) -> str:
        return f"{self.bound} {self.limit:.3g}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something measured: `group` is the run, `name` what goals go by, `title` and `unit` are for people."""

    group: str
    name: str
    title: str
    value: float
    unit: str = ""

    @property
    def goal(self) -> Goal | None:
        """What it has to reach, if anything."""
        return GOALS.get(self.name)


def most(limit: float, what: str) -> Goal:
    """Gives the goal of a figure that is better when it is smaller."""
    return Goal(Bound.AT_MOST, limit, what)


def least(limit: float, what: str) -> Goal:
    """Gives the goal of a figure that is better when it is larger."""
    return Goal(Bound.AT_LEAST, limit, what)


GOALS: Mapping[str, Goal] = {
    "operator.requests": most(4, "API requests per new Credential, the read of its source included"),
    "operator.share": most(
        2.5 / 8, "operator CPU per Credential without the provider call, share of the API server's"
    ),
    "operator.memory": most(130, "MiB resident with all Credentials, boto3 loaded"),
    "comparison.speedup": least(2.2, "Credentials per second, times the baseline's, at the smallest size"),
    "comparison.cpu": most(0.25, "operator CPU per Credential, share of the baseline's"),
    "growth.operator": most(
        1.05, "operator CPU per Credential beside many others, times that beside few (noise is 5 %)"
    ),
    "growth.compared": most(
        1.1,
        "CPU of all per Credential beside many others, times that beside few, times the baseline's "
        "(noise is 10 %)",
    ),
    "quiet.writes": most(0, "writes for reconciles that change nothing"),
    "restart.seconds": most(15, "seconds after a start until everything was looked at"),
    "restart.writes": most(0, "writes by a restart"),
    "restart.calls": most(0, "provider calls by a restart that were not due"),
    "change.p99": most(300, "ms from the change of one source Secret to its new target, 99 of 100"),
    "scrape.still": most(50, "ms for which nothing else goes on while /metrics is read"),
    "pods.memory": most(30, "MB resident for 50,000 Pods, the most at any time included"),
    "distribution.requests": most(
        4.2, "API requests per distributed reference, its Secret and status included"
    ),
    "distribution.share": most(0.4, "operator CPU per distributed reference, share of the API server's"),
    "distribution.memory": most(150, "MiB resident with 10,000 distributed references, the most at any time"),
    "distribution.late": most(3, "seconds until a namespace that comes later has all of its Secrets"),
    "distribution.rotated": most(10, "seconds until a new key is in all of 500 namespaces"),
    "distribution.caught_up": most(
        20, "seconds after a start until every distributed reference was looked at"
    ),
    "distribution.restart.writes": most(0, "writes to what is distributed by a restart"),
    "renewals.calls": most(2, "provider calls per short-lived key, times the fewest there can be"),
    "renewals.busiest": most(2, "renewals in the busiest tenth of a round, times the average"),
    "renewals.late": most(
        60, "seconds after the latest moment, at which keys have five minutes left, 99 of 100"
    ),
    "renewals.requests": most(
        4.1, "API requests per renewal: the stored key, the target, the status, the event"
    ),
    "renewals.core": most(10, "% of one core for 10,000 keys of an hour"),
    "validation.cpu": most(3, "ms of operator CPU per AWS validation"),
}


def missed(figures: Iterable[Figure], *, of: Callable[[str], bool] = bool) -> Iterator[str]:
    """Says which goals are missed, of those of such names; a figure that was not measured has missed its goal."""
    measured = list(figures)
    for name, goal in GOALS.items():
        if not of(name):
            continue
        of_name = [figure for figure in measured if figure.name == name]
        if not of_name:
            yield f"{goal.what}: not measured, goal {goal}"
        for figure in of_name:
            if not goal.met(figure.value):
                yield f"{goal.what}: {figure.value:.4g} ({figure.group}), goal {goal}"

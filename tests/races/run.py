"""Runs many rounds on one installation."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from races import report, rounds, stage
from races.api import Api
from races.history import History
from races.rounds import Failure

TOGETHER = 40
"""Interleavings of a round: so many that the normal run has every climate."""
CROWD = 100
"""The most of a round, where there are thousands; no more than that are one round, so that it can be repeated."""
MANY = 1000

Say = Callable[[str], None]


def run(
    number: int, *, seed: int, say: Say, policies: str = "all", fault: str = "", theme: str = ""
) -> list[Failure]:
    """Runs so many interleavings, in rounds whose seeds follow this one; gives what failed.

    `fault` is one of `variants.FAULTS`, with which the operator is run, `theme` what all programs are about.
    """
    say("starting a control plane and the operator")
    with stage.started(policies, fault=fault) as started:
        return asyncio.run(_run(started, list(_parts(number)), seed=seed, say=say, theme=theme))


def _parts(number: int) -> Iterator[int]:
    """Gives how many interleavings each round has."""
    together = TOGETHER if CROWD < number < MANY else CROWD
    while number > 0:
        yield min(number, together)
        number -= together


async def _run(
    started: stage.Stage, parts: Sequence[int], *, seed: int, say: Say, theme: str
) -> list[Failure]:
    failures: list[Failure] = []
    past = History()
    async with Api(started.plane, started.administrator) as api:
        await api.remember(past)
        for number, count in enumerate(parts):
            one = rounds.Round(started, api, past, seed=seed + number, count=count, theme=theme)
            outcome = await one.run()
            say(f"{number + 1}/{len(parts)} {report.line(outcome, seed=seed + number, count=count)}")
            for found in outcome.failures:
                say(report.failure(found, outcome.weather, count=count))
            failures += outcome.failures
    return failures

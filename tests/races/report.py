"""What is printed of races: a line for each round, and everything about a failure."""

from collections.abc import Iterator

from races.rounds import Failure, Outcome
from races.weather import Weather

LOGGED = 120
"""Lines of the operator's log that are shown."""


def line(outcome: Outcome, *, seed: int, count: int) -> str:
    """Says in a line what came of a round."""
    failed = f"{len(outcome.failures)} FAILED" if outcome.failures else "all as it should be"
    return (
        f"seed {seed}, {count} interleavings, {outcome.weather.climate}: {failed} "
        f"({outcome.released} Credentials released, {outcome.seconds:.0f} s, settled after {outcome.settled:.1f} s)"
    )


def failure(found: Failure, weather: Weather, *, count: int) -> str:
    """Shows a failure: how to repeat it, the program, what was done, what happened, and the operator's log."""
    return "\n".join(_failure(found, weather, count))


def _failure(found: Failure, weather: Weather, count: int) -> Iterator[str]:
    yield f"== program {found.number} of seed {found.seed} ({found.program.theme})"
    yield f"   again: make races SEED={found.seed} N={count}"
    yield from (f"BROKEN {what}" for what in found.broken)
    yield f"-- weather: {weather.climate}, clocks ahead by {weather.clocks}"
    yield from map(str, weather.gusts)
    yield f"-- what was done, from {found.program.begins:.2f} s on"
    yield from found.said
    yield "-- what happened"
    yield from map(str, found.story)
    yield "-- what the operator said"
    yield from found.log[-LOGGED:]

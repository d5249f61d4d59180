"""Random interleavings break no promise: the same as `make races`, which runs more of them."""

import itertools
import os
import pathlib
import random
import re
import sys
from collections.abc import Iterator

import pytest

from credential_operator import app
from races import __main__ as command
from races import actors, programs, run, variants, weather

OPERATOR = pathlib.Path(app.__file__).parent
SEED = int(os.environ.get("CREDENTIAL_OPERATOR_SEED", random.SystemRandom().randrange(1_000_000)))

POLICIES = os.environ.get("CREDENTIAL_OPERATOR_POLICIES", "all")


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@pytest.mark.timeout(3000)
def test_no_interleaving_breaks_a_promise() -> None:
    failures = run.run(command.NORMAL, seed=SEED, say=say, policies=POLICIES)
    assert [f"program {one.number} of seed {one.seed}: {one.broken}" for one in failures] == []


@pytest.mark.timeout(1800)
def test_an_operator_that_decides_by_what_its_watches_have_brought_is_found_out() -> None:
    stale = (seed for seed in range(1000) if _holds_references_back(weather.draw(seed)))
    assert _found_out("decides-by-cache", stale, r"went at \d+: .* was there since")


@pytest.mark.timeout(1800)
def test_an_operator_that_writes_revoked_targets_on_is_found_out() -> None:
    theme = "a grant is taken back and given again"
    assert _found_out("writes-on", _seeds("slow"), r"although its reference was Revoked", theme=theme)


@pytest.mark.timeout(1800)
def test_an_operator_that_takes_over_what_somebody_else_has_is_found_out() -> None:
    theme = "neighbours do what they like with what they were given"
    assert _found_out("takes-over", _seeds("slow"), r"^somebody's own secrets", theme=theme)


@pytest.mark.timeout(1800)
def test_an_operator_that_works_on_what_others_lead_is_found_out() -> None:
    assert _found_out("works-on-all", _seeds("shared"), r"^replica-\d wrote to .*: replica-\d led$")


def _seeds(climate: str) -> Iterator[int]:
    """Yield the seeds that have a climate."""
    return (seed for seed in range(1000) if weather.draw(seed).climate == climate)


def _found_out(fault: str, seeds: Iterator[int], pattern: str, *, theme: str = "") -> bool:
    """Tell whether the checker finds out an operator with a fault, in 120 interleavings at most."""
    for seed in itertools.islice(seeds, 4):
        failures = run.run(30, seed=seed, say=lambda _: None, fault=fault, theme=theme)
        if any(re.search(pattern, what) for one in failures for what in one.broken):
            return True
    return False


def _holds_references_back(drawn: weather.Weather) -> bool:
    """Tell whether the leader hears nothing of references for half a minute, and of all else at once."""
    first = drawn.gusts[0]
    return (drawn.climate, first.replica, first.what) == ("stale", 0, "/credentialreferences$")


def test_a_seed_gives_the_same_programs_and_weather_again() -> None:
    assert programs.draw("7/3", seconds=12.0) == programs.draw("7/3", seconds=12.0)
    assert programs.draw("7/3", seconds=12.0) != programs.draw("7/4", seconds=12.0)
    assert weather.draw(7) == weather.draw(7)
    assert {weather.draw(seed).climate for seed in range(len(weather.CLIMATES))} == set(weather.CLIMATES)


def test_every_verb_can_be_played_and_is_drawn() -> None:
    drawn = [programs.draw(str(number), seconds=12.0) for number in range(300)]
    steps = [step for program in drawn for steps in (program.first, *program.actors) for step in steps]
    assert {step.verb for step in steps} == set(actors.VERBS)
    assert {program.theme for program in drawn} == set(programs.THEMES)


def test_another_clock_is_another_clock_everywhere() -> None:
    reading = {path.stem for path in OPERATOR.glob("*.py") if "datetime.datetime.now(" in path.read_text()}
    # Part of a job's process, not of the operator's.
    reading.discard("holding")
    assert reading == {"app", *(module.__name__.rpartition(".")[2] for module in variants.CLOCKS)}

"""How often a provider is asked in a day, by a clock that is turned by hand: the figures of the reference pages."""

import dataclasses
import datetime
import zlib

import pytest

from credential_operator import errors, findings, pacing, status
from credential_operator.providers import contract

BEGIN = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
TARGET = findings.Published(
    name="env", format="env", uid="u", version="1", published_at="2026-11-22T00:00:00Z"
)


def calls(answer: findings.Verdict, *, interval: datetime.timedelta, seed: int) -> int:
    """Count what is asked of the provider in a day that always gives the same answer."""
    old: dict[str, object] = {}
    now, made, refusals = BEGIN, 0, 0
    pace = pacing.Pace()
    while now < BEGIN + DAY:
        made += 1
        refusals = min(refusals + 1, findings.CONFIRMATIONS)
        jitter = zlib.crc32(f"{seed}{old.get('nextValidationTime')}".encode()) / 2**32
        timing = findings.Timing(interval=interval, jitter=jitter, warn_before=DAY)
        found = findings.Pass(generation=1, type="aws", verdict=answer, timing=timing, wanted=1)
        result = status.after(old, dataclasses.replace(found, refusals=refusals, targets=(TARGET,)), now)
        old = result.status
        if isinstance(answer, errors.Transient):
            now += datetime.timedelta(seconds=pace.fail(answer.retry_after))
        else:
            assert result.wake_at is not None
            now = result.wake_at
    return made


@pytest.mark.parametrize("seed", range(20))
def test_a_good_key_is_asked_about_once_in_an_interval(seed: int) -> None:
    assert 23 <= calls(contract.Validation(), interval=datetime.timedelta(hours=1), seed=seed) <= 26


@pytest.mark.parametrize("seed", range(20))
def test_a_refused_key_is_asked_about_twice_more_and_then_once_in_an_interval(seed: int) -> None:
    assert 25 <= calls(errors.Rejected("no"), interval=datetime.timedelta(hours=1), seed=seed) <= 28


@pytest.mark.parametrize("seed", range(20))
def test_a_provider_that_is_down_is_asked_some_four_hundred_times(seed: int) -> None:
    down = errors.ProviderUnreachable("down")
    assert 350 <= calls(down, interval=datetime.timedelta(hours=1), seed=seed) <= 420


def test_a_provider_that_wants_to_be_left_alone_is() -> None:
    busy = errors.RateLimited("busy", retry_after=3600)
    assert calls(busy, interval=datetime.timedelta(hours=1), seed=0) == 24

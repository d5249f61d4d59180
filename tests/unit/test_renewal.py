"""When short-lived keys are renewed: in time, spread out, and seldom enough."""

import collections
import datetime
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import findings, renewal

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
ROUNDING = 3 * datetime.timedelta.resolution
MINUTE = datetime.timedelta(minutes=1)
LIVES = st.timedeltas(min_value=datetime.timedelta(seconds=10), max_value=datetime.timedelta(hours=36))
JITTERS = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(life=LIVES, jitter=JITTERS)
def test_a_key_is_renewed_in_the_second_half_of_its_life(life: datetime.timedelta, jitter: float) -> None:
    due = renewal.due_at(NOW, NOW + life, jitter)
    assert NOW + life / 2 - ROUNDING <= due <= NOW + life * renewal.LATEST


@given(life=LIVES)
def test_keys_of_every_life_part(life: datetime.timedelta) -> None:
    first, last = (renewal.due_at(NOW, NOW + life, jitter) for jitter in (0, 1))
    assert abs(last - first - life * renewal.SPREAD) <= ROUNDING


@given(life=LIVES.filter(lambda life: life >= 3 * renewal.MARGIN), jitter=JITTERS)
def test_a_key_is_renewed_five_minutes_before_its_end_at_the_latest(
    life: datetime.timedelta, jitter: float
) -> None:
    assert renewal.due_at(NOW, NOW + life, jitter) <= NOW + life - renewal.MARGIN


def test_ten_thousand_keys_of_an_hour_that_were_made_together_are_renewed_evenly() -> None:
    keys, hours, life = 10_000, 24, 60 * MINUTE
    calls: collections.Counter[int] = collections.Counter()
    for key in range(keys):
        made = NOW
        while made < NOW + datetime.timedelta(hours=hours):
            seed = zlib.crc32(f"{key}{made}".encode()) / 2**32
            made = renewal.due_at(made, made + life, seed)
            calls[(made - NOW) // MINUTE] += 1
    per_key = calls.total() / keys
    assert per_key <= 2 * hours  # the least there can be is one an hour
    settled = [calls[minute] for minute in range(12 * 60, hours * 60)]
    assert max(settled) <= 1.5 * sum(settled) / len(settled)


@pytest.mark.parametrize(
    ("ends", "names"),
    [
        ([None], []),
        ([NOW + MINUTE, NOW], ["t1"]),
        ([NOW - MINUTE, NOW - MINUTE], ["t0", "t1"]),
    ],
)
def test_targets_are_named_whose_key_has_ended(
    ends: list[datetime.datetime | None], names: list[str]
) -> None:
    targets = [
        findings.Published(
            name=f"t{number}", format="env", uid="u", version="1", published_at="", expires_at=end
        )
        for number, end in enumerate(ends)
    ]
    assert renewal.ended(targets, NOW) == names

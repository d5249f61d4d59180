"""How long to wait after failures in a row."""

import pytest

from credential_operator import pacing


def test_each_failure_doubles_the_wait_up_to_five_minutes() -> None:
    pace = pacing.Pace()
    waits = [pace.fail(None) for _ in range(12)]
    for number, wait in enumerate(waits):
        assert 0.5 <= wait / min(pacing.LONGEST, 2.0**number) <= 1
    assert pace.remaining == pytest.approx(waits[-1], abs=1)


def test_what_the_other_side_asks_for_is_waited_and_is_no_failure() -> None:
    pace = pacing.Pace()
    assert pace.fail(42.0) == 42
    assert pace.fail(0.0) == pacing.FIRST
    assert pace.failures == 0


def test_a_success_ends_the_wait() -> None:
    pace = pacing.Pace()
    pace.fail(42.0)
    pace.succeed()
    assert (pace.failures, pace.remaining) == (0, 0)


def test_a_wait_that_ends_while_it_is_looked_at_is_over_and_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pace = pacing.Pace()
    assert pace.left(waited=False) is None
    assert pace.fail(42.0) == 42
    assert pace.left(waited=True) == pytest.approx(42, abs=1)
    assert pace.left(waited=False) == pytest.approx(42, abs=1)

    monkeypatch.setattr("credential_operator.pacing.time.monotonic", lambda: pace.not_before + 0.001)
    assert pace.left(waited=True) == 0
    assert pace.left(waited=False) is None

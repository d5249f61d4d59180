"""The circuit breaker: an outage costs one call now and then."""

import pytest

from credential_operator import breaker, errors
from unit.clock import Clock


@pytest.fixture
def breakers(clock: Clock) -> breaker.Breakers:
    return breaker.Breakers(clock=clock, jitter=lambda: 0.5)


def fail(breakers: breaker.Breakers, times: int) -> None:
    for _ in range(times):
        breakers.failed("sts:443")


def wait(breakers: breaker.Breakers) -> float:
    found = breakers.waiting("sts:443")
    assert found is not None
    assert found.retry_after is not None
    return found.retry_after


def test_calls_pass_until_five_in_a_row_have_failed(breakers: breaker.Breakers) -> None:
    breakers.check("sts:443")
    fail(breakers, 4)
    breakers.check("sts:443")
    breakers.failed("sts:443")
    with pytest.raises(errors.ProviderUnreachable) as caught:
        breakers.check("sts:443")
    assert caught.value.retry_after == pytest.approx(2.2)
    breakers.check("s3:443")


def test_a_success_in_between_starts_the_count_anew(breakers: breaker.Breakers) -> None:
    fail(breakers, 4)
    breakers.succeeded("sts:443")
    fail(breakers, 4)
    breakers.check("sts:443")


def test_after_the_wait_one_call_tests_the_endpoint(breakers: breaker.Breakers, clock: Clock) -> None:
    fail(breakers, 5)
    clock.now += 3.0
    breakers.check("sts:443")
    with pytest.raises(errors.ProviderUnreachable):
        breakers.check("sts:443")
    breakers.succeeded("sts:443")
    breakers.check("sts:443")
    assert breakers.waiting("sts:443") is None


def test_the_wait_doubles_up_to_a_minute(breakers: breaker.Breakers, clock: Clock) -> None:
    fail(breakers, 5)
    waits = []
    for _ in range(7):
        clock.now += 1000.0
        breakers.check("sts:443")
        breakers.failed("sts:443")
        waits.append(wait(breakers) / 1.1)
    assert waits == pytest.approx([4, 8, 16, 32, 60, 60, 60])


def test_calls_that_were_under_way_do_not_lengthen_the_wait(breakers: breaker.Breakers) -> None:
    fail(breakers, 30)
    assert wait(breakers) == pytest.approx(2.2)


def test_a_test_call_that_is_lost_is_followed_by_another(breakers: breaker.Breakers, clock: Clock) -> None:
    fail(breakers, 5)
    clock.now += 3.0
    breakers.check("sts:443")
    clock.now += breaker.PROBE_LIMIT
    breakers.check("sts:443")


def test_an_endpoint_is_down_from_its_fifth_failure_to_its_next_answer(
    breakers: breaker.Breakers, clock: Clock
) -> None:
    fail(breakers, 4)
    assert breakers.down() == set()
    fail(breakers, 1)
    clock.now += 100
    assert breakers.down() == {"sts:443"}
    breakers.succeeded("sts:443")
    assert breakers.down() == set()

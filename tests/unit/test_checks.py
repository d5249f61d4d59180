"""Calls to providers: their deadline, their breaker, their errors."""

import asyncio
import threading
from typing import Any

import pytest

from credential_operator import breaker, checks, errors
from credential_operator.providers import contract, network


class Provider:
    """A provider whose answer is set by the test."""

    name = "fake"

    def __init__(self) -> None:
        self.answer: contract.Validation | Exception = contract.Validation()
        self.calls = 0
        self.hold: threading.Event | None = None
        self.given: contract.Context | None = None

    def inspect(self, config: Any, keys: Any) -> None:
        if config == "wrong":
            raise errors.InvalidKeyMaterial("swapped")

    def endpoint(self, config: Any) -> str:
        return "provider:443"

    def validate(self, config: Any, keys: Any, context: contract.Context) -> contract.Validation:
        self.calls += 1
        self.given = context
        if self.hold is not None:
            self.hold.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def checker() -> checks.Checker:
    session = network.Session(network.Policy())
    return checks.Checker(session, breaker.Breakers(clock=lambda: 0.0, jitter=lambda: 0.0), threads=2)


async def check(checker: checks.Checker, provider: Provider, config: str = "right") -> contract.Validation:
    return await checker.check(provider, config, "keys", timeout=1.0, external_id="x")


async def test_an_accepted_key_gives_what_the_provider_said(
    checker: checks.Checker, provider: Provider
) -> None:
    assert await check(checker, provider) is provider.answer
    assert provider.given is not None
    assert (provider.given.timeout, provider.given.external_id) == (1.0, "x")
    checker.close()


async def test_what_can_be_seen_without_a_call_costs_none(
    checker: checks.Checker, provider: Provider
) -> None:
    with pytest.raises(errors.InvalidKeyMaterial):
        await check(checker, provider, "wrong")
    assert provider.calls == 0


async def test_an_endpoint_that_is_down_is_not_called(checker: checks.Checker, provider: Provider) -> None:
    provider.answer = errors.ProviderUnreachable("down")
    for _ in range(8):
        with pytest.raises(errors.ProviderUnreachable):
            await check(checker, provider)
    assert provider.calls == breaker.FAILURES
    assert checker.down("provider:443") is not None


async def test_a_refusal_is_an_answer_and_no_outage(checker: checks.Checker, provider: Provider) -> None:
    provider.answer = errors.Rejected("no")
    for _ in range(8):
        with pytest.raises(errors.Rejected):
            await check(checker, provider)
    assert provider.calls == 8
    assert checker.down("provider:443") is None


async def test_a_call_that_does_not_end_is_given_up(
    checker: checks.Checker, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "GRACE", -0.95)
    provider.hold = threading.Event()
    with pytest.raises(errors.ProviderUnreachable, match="within 1 s"):
        await check(checker, provider)
    provider.hold.set()
    await asyncio.sleep(0)


async def test_a_fault_of_ours_is_not_hidden(checker: checks.Checker, provider: Provider) -> None:
    provider.answer = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await check(checker, provider)

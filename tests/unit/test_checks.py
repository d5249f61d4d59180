"""Calls to providers: their deadline, their breaker, their errors."""

import asyncio
import datetime
import threading
from typing import Any, ClassVar

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


async def check(checker: checks.Checker, provider: Any, config: str = "right") -> contract.Validation:
    return await checker.check(provider, config, "keys", timeout=1.0, external_id="x")


async def test_an_accepted_key_gives_what_the_provider_said(
    checker: checks.Checker, provider: Provider
) -> None:
    assert await check(checker, provider) == provider.answer
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


class Asking(Provider):
    """A provider that tells more than whether a key works, and needs none stored."""

    permission_sets: ClassVar = {"Both": ("read", "write")}
    workload_identity = contract.WorkloadIdentity

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.lacks: tuple[str, ...] = ()
        self.silent: tuple[str, ...] = ()
        self.mute = False

    def audience(self, config: Any, identity: Any) -> str:
        return "everybody"

    def exchange(self, config: Any, identity: Any, token: str, context: contract.Context) -> str:
        return f"keys for {identity} by {token}"

    def history(self, config: Any, keys: Any, context: contract.Context) -> contract.History:
        self.asked.append("history")
        if self.mute:
            raise errors.PermissionDenied("may not know")
        return contract.History(created_at=MADE)

    def validate(self, config: Any, keys: Any, context: contract.Context) -> contract.Validation:
        self.asked.append(f"validate {keys}")
        return super().validate(config, keys, context)

    def grants(
        self, config: Any, keys: Any, permissions: tuple[str, ...], context: contract.Context
    ) -> contract.Grants:
        self.asked.append(f"grants {' '.join(permissions)}")
        return contract.Grants(missing=self.lacks, unknown=self.silent, why="Nobody says.")

    def reach(self, config: Any, keys: Any, context: contract.Context) -> contract.Reach:
        self.asked.append("reach")
        if self.mute:
            raise errors.PermissionDenied("may not know")
        return contract.Reach(count=1, places=(contract.Place(id="1"),))


MADE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
EVERYTHING = checks.Asked(permissions=("Both", "write"), reach=True, history=True)


async def ask(checker: checks.Checker, provider: Any, keys: Any = "keys") -> contract.Validation:
    return await checker.check(provider, "right", keys, timeout=1.0, external_id="x", asked=EVERYTHING)


async def test_the_history_is_asked_before_the_validation_which_is_a_use(checker: checks.Checker) -> None:
    provider = Asking()
    found = await ask(checker, provider)
    assert provider.asked == ["history", "validate keys", "grants read write", "reach"]
    assert found.history == contract.History(created_at=MADE)
    assert found.reach == contract.Reach(count=1, places=(contract.Place(id="1"),))
    assert found.grants is not None
    assert not found.warnings


async def test_a_missing_permission_denies_and_is_named(checker: checks.Checker) -> None:
    provider = Asking()
    provider.lacks = ("write",)
    provider.answer = contract.Validation(identity=contract.Identity(principal="backup"))
    with pytest.raises(errors.PermissionDenied) as raised:
        await ask(checker, provider)
    assert raised.value.missing == ("write",)
    assert "backup" in raised.value.message
    assert "reach" not in provider.asked


async def test_a_permission_that_nobody_tells_about_is_a_warning(checker: checks.Checker) -> None:
    provider = Asking()
    provider.silent = ("read",)
    (warning,) = (await ask(checker, provider)).warnings
    assert warning.reason == "PermissionsUnknown"
    assert "read" in warning.message


async def test_what_may_not_be_known_besides_is_no_error(checker: checks.Checker) -> None:
    provider = Asking()
    provider.mute = True
    found = await ask(checker, provider)
    assert (found.history, found.reach) == (contract.History(), None)


async def test_a_token_is_exchanged_for_keys_and_not_inspected(checker: checks.Checker) -> None:
    provider: Any = Asking()
    token = contract.Token(identity="backup", text="a token")
    await checker.check(provider, "wrong", token, timeout=1.0, external_id="x")
    assert provider.asked == ["validate keys for backup by a token"]
    assert "a token" not in repr(token)


async def test_types_that_tell_no_more_are_not_asked_more(checker: checks.Checker, provider: Any) -> None:
    found = await checker.check(provider, "right", "keys", timeout=1.0, external_id="x", asked=EVERYTHING)
    assert (found.history, found.grants, found.reach) == (None, None, None)

"""Users of container registries, before registries of several ways that look at passwords and tokens."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from credential_operator import errors
from emulators.registry import Registry
from providers import registries, suite
from providers.registries import (
    APP,
    FOREIGN,
    GONE,
    PASSWORD,
    PUBLIC,
    TAGS,
    USER,
    asked,
    reading,
    stage_of,
)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Registry]:
    yield from registries.served()


EXPIRED = (
    "personal access token is expired",
    "org access token is expired",
    "Your authorization token has expired. Reauthenticate and try again.",
)


class Asking(suite.Reading):
    """What is so in every way."""

    @pytest.mark.parametrize("seconds", [-4000, 4000])
    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, stage: suite.Stage, refused: Callable[..., Any], seconds: int
    ) -> None:
        """Nothing that is shown depends on our time."""
        stage.emulator.faults.skew(seconds)
        stage.check()
        refused(errors.Rejected, stage.wrong["password"])

    def test_a_wrong_key_is_rejected_where_a_repository_is_read_too(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        for fields in stage.wrong.values():
            for name in (APP, PUBLIC, FOREIGN, GONE):
                refused(errors.Rejected, fields, config=reading(stage, name))

    def test_a_repository_that_the_user_may_read_is_read(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check(config=reading(stage, APP))
        assert (TAGS, 200) in asked(stage)

    def test_a_repository_that_the_user_may_not_read_is_known(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        message = refused(errors.PermissionDenied, config=reading(stage, FOREIGN)).message
        assert "right to pull" in message

    def test_a_repository_that_is_not_there_is_the_specs_fault(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        assert "look at repository" in refused(errors.Misconfigured, config=reading(stage, GONE)).message

    def test_a_registry_that_lists_everything_at_once_is_understood(self, stage: suite.Stage) -> None:
        told = {"Docker-Distribution-Api-Version": "registry/2.0"}
        many = json.dumps({"name": APP, "tags": ["1.0"] * 20_000})
        stage.emulator.faults.answer(many, headers=told, action=TAGS)
        stage.check(config=reading(stage, APP))

    def test_the_first_question_shows_nothing(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check()
        assert asked(stage)[0] == ("/v2/", 401)

    def test_its_own_authority_is_trusted(self, stage: suite.Stage) -> None:
        stage.check(config={**stage.config, "caBundle": stage.emulator.ca_pem.decode()})

    def test_a_registry_that_lets_everybody_in_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.open_entry()
        stage.emulator.reset_calls()
        assert "proves nothing" in refused(errors.Misconfigured).message
        assert asked(stage) == [("/v2/", 200)]
        assert "not public" in refused(errors.Misconfigured, config=reading(stage, PUBLIC)).message

    def test_a_registry_that_asks_at_its_repositories_is_asked_there(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.open_entry()
        stage.check(config=reading(stage, APP))
        refused(errors.Rejected, stage.wrong["password"], config=reading(stage, APP))

    def test_no_token_is_seen_anywhere(self, stage: suite.Stage, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        left_behind = repr(stage.check(config=reading(stage, APP))) + caplog.text
        assert not [token for token in stage.emulator.tokens if token in left_behind]

    @pytest.mark.parametrize("text", EXPIRED)
    def test_what_some_say_in_words_only_is_understood(
        self, stage: suite.Stage, refused: Callable[..., Any], text: str
    ) -> None:
        realm = stage.emulator.realm
        asks = "Basic" if realm == stage.emulator.url else f'Bearer realm="{realm}"'
        stage.emulator.faults.answer("", status=401, headers={"WWW-Authenticate": asks}, count=1)
        stage.emulator.faults.error(status=403, code="DENIED", message=f"{text} {suite.BODY}")
        error = refused(errors.Expired)
        assert "write a new one" in error.message
        assert not error.certain

    @pytest.mark.parametrize("text", EXPIRED)
    def test_what_is_said_of_a_password_before_it_is_shown_is_not_believed(
        self, stage: suite.Stage, refused: Callable[..., Any], text: str
    ) -> None:
        stage.emulator.faults.error(status=403, code="DENIED", message=text)
        refused(errors.ProviderUnreachable)

    def test_a_firewall_is_named(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        text = f"client with IP '192.0.2.1' {suite.BODY}. Refer https://aka.ms/acr/firewall to grant access."
        stage.emulator.faults.error(status=403, code="DENIED", message=text)
        assert "firewall" in refused(errors.Misconfigured).message

    @pytest.mark.parametrize("status", [400, 401, 403])
    def test_too_many_calls_may_be_said_by_the_code(
        self, stage: suite.Stage, refused: Callable[..., Any], status: int
    ) -> None:
        stage.emulator.faults.error(status=status, code="TOOMANYREQUESTS", headers={"Retry-After": "9"})
        assert refused(errors.RateLimited).retry_after == 9

    @pytest.mark.parametrize(
        "challenge",
        ["", "Bearer", 'Bearer service="a"', "Negotiate", 'Digest realm="a"', 'Bearer realm=""', "x" * 9000],
    )
    def test_a_registry_that_cannot_be_asked_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], challenge: str
    ) -> None:
        stage.emulator.faults.answer("", status=401, headers={"WWW-Authenticate": challenge})
        refused(errors.ProviderUnreachable)

    def test_a_password_that_is_asked_for_in_two_ways_is_shown_to_the_registry(
        self, stage: suite.Stage
    ) -> None:
        """As Gitea asks, whose tokens do not say whom they are for."""
        both = {"WWW-Authenticate": 'Bearer realm="https://192.0.2.1/token", Basic'}
        stage.emulator.set_way("basic")
        stage.emulator.faults.answer("", status=401, headers=both, count=1)
        stage.check()


class Tokens(Asking):
    """What is so where a token is given."""

    def test_the_token_is_asked_for_first_as_in_a_login(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check(config=reading(stage, APP))
        realm = stage.emulator.realm.removeprefix(stage.emulator.url)
        assert asked(stage)[:4] == [
            ("/v2/", 401),
            (realm, 200),
            (realm, 200),
            (TAGS, 200),
        ]

    @pytest.mark.parametrize("trouble", ["throttle", "cut"])
    def test_trouble_at_the_second_step_is_transient_too(
        self, stage: suite.Stage, refused: Callable[..., Any], trouble: str
    ) -> None:
        realm = stage.emulator.realm.removeprefix(stage.emulator.url)
        getattr(stage.emulator.faults, trouble)(action=realm)
        message = refused(errors.RateLimited if trouble == "throttle" else errors.ProviderUnreachable).message
        assert stage.emulator.host in message

    def test_a_registry_that_does_not_believe_its_token_server_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.trust_no_tokens()
        refused(errors.ProviderUnreachable)
        refused(errors.ProviderUnreachable, config=reading(stage, APP))

    def test_a_password_that_is_not_for_images_is_known(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        """As GitLab says it of a token without the right."""
        stage.emulator.set_user(USER, PASSWORD, pulls=[APP], state="barred")
        assert "grant it the right" in refused(errors.PermissionDenied).message


class TestHub(Tokens):
    @pytest.fixture
    def stage(self, emulator: Registry) -> suite.Stage:
        return stage_of(emulator, "hub")

    def test_it_is_asked_three_times(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check()
        assert asked(stage) == [("/v2/", 401), ("/token", 200), ("/v2/", 200)]

    def test_a_repository_for_everybody_is_read_by_a_user_who_is_known(self, stage: suite.Stage) -> None:
        stage.check(config=reading(stage, PUBLIC))

    def test_an_access_token_that_is_over_is_known(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.set_user(USER, PASSWORD, state="expired")
        assert not refused(errors.Expired).certain

    def test_a_password_where_single_sign_on_is_enforced_is_rejected_with_advice(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        said = json.dumps({"details": "please use personal access token to login when SSO is enforced"})
        stage.emulator.faults.answer(said, status=401, action="/token")
        assert "personal access token" in refused(errors.Rejected).message


class TestGHCR(Tokens):
    @pytest.fixture
    def stage(self, emulator: Registry) -> suite.Stage:
        return stage_of(emulator, "ghcr")

    def test_a_token_that_says_nothing_is_compared_with_one_for_nobody(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check()
        assert asked(stage) == [("/v2/", 401), ("/token", 200), ("/v2/", 200), ("/token", 401)]

    def test_a_login_that_nobody_else_gets_is_enough(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check(config=reading(stage, PUBLIC))
        assert [status for _, status in asked(stage)] == [401, 200, 200, 200, 401]

    def test_trouble_in_the_comparison_is_transient(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.delay(0.3, action="/token")
        refused(errors.ProviderUnreachable, timeout=0.5)


class TestHarbor(Tokens):
    @pytest.fixture
    def stage(self, emulator: Registry) -> suite.Stage:
        return stage_of(emulator, "harbor")

    def test_a_repository_for_everybody_is_read_by_a_user_who_is_known(self, stage: suite.Stage) -> None:
        stage.check(config=reading(stage, PUBLIC))


class TestBasic(Asking):
    @pytest.fixture
    def stage(self, emulator: Registry) -> suite.Stage:
        return stage_of(emulator, "basic")

    def test_it_is_asked_twice(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check()
        assert asked(stage) == [("/v2/", 401), ("/v2/", 200)]

    def test_a_web_server_before_it_refuses_in_its_own_words(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        headers = {"WWW-Authenticate": 'Basic realm="x"'}
        stage.emulator.faults.answer(f"<html>{suite.BODY}</html>", status=401, headers=headers)
        refused(errors.Rejected)

    def test_a_user_who_is_let_in_nowhere_is_known(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        headers = {"WWW-Authenticate": 'Basic realm="x"'}
        stage.emulator.faults.answer("", status=401, headers=headers, count=1)
        stage.emulator.faults.error(status=403, code="DENIED", message=suite.BODY)
        assert "let it in" in refused(errors.PermissionDenied).message

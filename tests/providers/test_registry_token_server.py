"""The token server that a container registry names: who may be one, and what its tokens and refusals say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from credential_operator import errors
from credential_operator.providers import network
from emulators.registry import Registry
from providers import registries, suite
from providers.registries import APP, PUBLIC, TAGS, asked, reading, stage_of, token


@pytest.fixture(scope="module")
def emulator() -> Iterator[Registry]:
    yield from registries.served()


class TestTokenServer:
    """What a registry may name, and what is understood there."""

    refused = suite.Contract.refused

    @pytest.fixture
    def stage(self, emulator: Registry) -> suite.Stage:
        return stage_of(emulator, "hub")

    @pytest.mark.parametrize(
        "realm",
        [
            "http://127.0.0.1:{port}/token",
            "https://canary-in-the-body@127.0.0.1:{port}/token",
            "https://canary-in-the-body\\@127.0.0.1:{port}/token",
            "https://127.0.0.1:{port}/token#canary-in-the-body",
            "canary-in-the-body",
            "file:///canary-in-the-body",
            "https://:443/",
        ],
    )
    def test_no_password_is_shown_to_a_token_server_that_could_not_keep_it(
        self, stage: suite.Stage, refused: Callable[..., Any], realm: str
    ) -> None:
        stage.emulator.set_realm(realm.format(port=stage.emulator.port))
        stage.emulator.reset_calls()
        assert "no password is sent" in refused(errors.Misconfigured).message
        assert asked(stage) == [("/v2/", 401)]

    @pytest.mark.parametrize(
        ("realm", "says"),
        [
            ("https://169.254.169.254/token", "link-local"),
            ("https://canary-in-the-body.svc/token", "inside the cluster"),
            ("https://127.0.0.1:1/token", "loopback"),
        ],
    )
    def test_a_token_server_passes_the_endpoint_policy_and_is_not_named(
        self, stage: suite.Stage, refused: Callable[..., Any], realm: str, says: str
    ) -> None:
        stage.emulator.set_realm(realm)
        message = refused(errors.Misconfigured).message
        assert says in message
        assert message.startswith(f"The token server of {stage.emulator.host}")
        assert "169.254" not in message

    def test_a_token_server_with_the_certificate_of_another_is_not_named(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        there = f"{suite.BODY}.example.com:{stage.emulator.port}"
        stage.emulator.set_realm(f"https://{there}/token")
        with network.Session(
            network.Policy(allow=[there, stage.emulator.host]),
            ca_bundle=stage.emulator.ca_pem.decode(),
            resolver=lambda host, _: network.Resolution(host, ("127.0.0.1",)),
        ) as session:
            assert "certificate" in refused(errors.Misconfigured, within=session).message

    def test_a_token_server_that_redirects_is_not_followed(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.answer(
            "", status=307, headers={"Location": stage.emulator.url}, action="/token"
        )
        stage.emulator.reset_calls()
        refused(errors.ProviderUnreachable)
        assert len(stage.emulator.calls) == 2

    def test_a_realm_may_have_parameters_of_its_own(self, stage: suite.Stage) -> None:
        stage.emulator.set_realm(f"{stage.emulator.realm}?tenant=a")
        stage.check(config=reading(stage, APP))

    @pytest.mark.parametrize("status", [200, 401, 403])
    @pytest.mark.parametrize(
        "body",
        [
            f"<html>{suite.BODY}</html>",
            "[]",
            f'{{"token": ["{suite.BODY}"]}}',
            '{"token": ""}',
            '{"token": "a\\r\\nb"}',
            f'{{"Code": "{suite.BODY}"}}',
            '{"errors": ["UNAUTHORIZED"]}',
            f'{{"error": "{suite.BODY}"}}',
        ],
    )
    def test_what_is_no_token_and_no_refusal_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], body: str, status: int
    ) -> None:
        stage.emulator.faults.answer(body, status=status, action="/token")
        refused(errors.ProviderUnreachable)

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            ('{"details": "incorrect username or password"}', {}),
            ('{"errors": [{"code": "UNAUTHORIZED", "message": "x"}]}', {}),
            ('{"errors": [{"status": 401, "message": "Bad Credentials"}]}', {}),
            ("Auth failed.", {"WWW-Authenticate": 'Basic realm="x"'}),
            ("", {}),
        ],
    )
    def test_the_refusals_of_many_token_servers_are_understood(
        self, stage: suite.Stage, refused: Callable[..., Any], body: str, headers: Mapping[str, str]
    ) -> None:
        stage.emulator.faults.answer(body, status=401, headers=headers, action="/token")
        refused(errors.Rejected)

    def test_a_token_for_nobody_is_not_the_users(
        self, stage: suite.Stage, refused: Callable[..., Any], emulator: Registry
    ) -> None:
        anybody = token({"sub": "", "access": []})
        emulator.faults.answer(json.dumps({"token": anybody}), action="/token")
        refused(errors.Rejected, config=reading(stage, APP))

    def test_a_login_that_makes_nobody_of_the_user_is_a_refusal(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        """Nobody's own token is a good one, and shows nothing of the user."""
        with stage.session() as session:
            answer = session.request(
                "GET", f"{stage.emulator.realm}?service=registry.docker.io", timeout=suite.TIMEOUT
            )
        stage.emulator.faults.answer(answer.body.decode(), action="/token")
        refused(errors.Rejected)


class TestGitea:
    """Tokens for everybody, which do not say whom they are for."""

    refused = suite.Contract.refused

    @pytest.fixture
    def stage(self, emulator: Registry) -> suite.Stage:
        stage = stage_of(emulator, "hub")
        emulator.hide_subjects()
        return stage

    def test_a_repository_that_nobody_else_reads_proves_the_user(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check(config=reading(stage, APP))
        assert [status for _, status in asked(stage)] == [401, 200, 200, 200, 200, 200, 401]

    def test_what_everybody_reads_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        for config in (stage.config, reading(stage, PUBLIC)):
            assert "repository that is not public" in refused(errors.Misconfigured, config=config).message

    def test_trouble_in_the_comparison_is_transient(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.delay(0.3, action=TAGS)
        refused(errors.ProviderUnreachable, config=reading(stage, APP), timeout=0.5)

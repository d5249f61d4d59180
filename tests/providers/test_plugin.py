"""The credential type of the package in tests/plugin, by the suite that every type must pass."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest

import plugin.credential_operator_cloudflare as cloudflare
from credential_operator import errors
from credential_operator.providers import contract
from emulators.cloudflare import Cloudflare
from providers import probing, suite

TOKEN = "canary-token".ljust(40, "x")
ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
ENDS = datetime.datetime(2099, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def api() -> Iterator[Cloudflare]:
    with Cloudflare(hosts=["rebind.example.com"]) as api:
        yield api


class TestCloudflare(suite.Reading):
    @pytest.fixture(params=["user", "account"])
    def stage(self, api: Cloudflare, request: pytest.FixtureRequest) -> suite.Stage:
        owner: dict[str, Any] = {"account": ACCOUNT} if request.param == "account" else {}
        api.reset()
        name = api.set_token(TOKEN, expires_on=ENDS.isoformat(), **owner)
        return suite.Stage(
            provider=cloudflare.PROVIDER,
            emulator=api,
            config={"endpoint": api.url, **({"accountID": ACCOUNT} if owner else {})},
            good={"token": TOKEN},
            wrong={
                "token": {"token": "canary-wrong".ljust(40, "x")},
                "form": {"token": "canary-short"},
            },
            principal=name,
            expect={"key_id": name, "expires_at": ENDS},
            secret_fields=("token",),
        )

    def test_a_clock_that_differs_is_not_a_wrong_key(self, stage: suite.Stage) -> None:
        """Nothing that is sent depends on the time."""
        stage.emulator.faults.skew(4000)
        stage.check()

    def test_a_check_costs_one_call(self, stage: suite.Stage) -> None:
        stage.check()
        assert [(call.method, call.status) for call in stage.emulator.calls] == [("GET", 200)]

    def test_a_token_of_another_owner_is_rejected_with_advice(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        other = {
            "endpoint": stage.emulator.url,
            **({} if "accountID" in stage.config else {"accountID": ACCOUNT}),
        }
        assert "accountID" in refused(errors.Rejected, config=other).message

    @pytest.mark.parametrize(
        ("state", "kind"),
        [
            ({"status": "disabled"}, errors.KeyDisabled),
            ({"status": "expired"}, errors.Expired),
            ({"fenced": True}, errors.PermissionDenied),
        ],
    )
    def test_what_stops_a_token_is_told_apart(
        self, stage: suite.Stage, refused: Callable[..., Any], state: Any, kind: type[errors.CredentialError]
    ) -> None:
        stage.emulator.set_token(TOKEN, account=stage.config.get("accountID", ""), **state)
        refused(kind)

    @pytest.mark.parametrize(
        "answer",
        [
            {"success": True, "errors": [], "result": {"id": suite.BODY, "status": "active"}},
            {"success": True, "errors": [], "result": {"id": "0", "status": suite.BODY}},
            {"success": True, "errors": [], "result": None},
            {"success": False, "errors": [], "result": {"id": "0", "status": "active"}},
            {"success": False, "errors": [{"code": 1000}], "result": None},
        ],
    )
    def test_an_answer_that_cannot_be_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], answer: Any
    ) -> None:
        stage.emulator.faults.answer(json.dumps(answer))
        refused(errors.ProviderUnreachable)


@pytest.mark.parametrize(("token", "says"), [(f"Bearer {TOKEN}", "Bearer"), ("0" * 37, "global API key")])
def test_what_cannot_be_a_token_is_named_without_a_call(token: str, says: str) -> None:
    assert says in probing.message_of(cloudflare.PROVIDER, {}, token=token)


@pytest.mark.parametrize("change", [{"accountID": "mine"}, {"endpoint": "http://api.cloudflare.com"}])
def test_a_config_that_cannot_be_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(pydantic.ValidationError):
        cloudflare.Config.model_validate(change)


def test_consumers_learn_the_account() -> None:
    keys = contract.load(cloudflare.PROVIDER, {"CF_API_TOKEN": TOKEN.encode()}, {})
    config = cloudflare.Config.model_validate({"accountID": ACCOUNT})
    assert cloudflare.PROVIDER.fields(config, keys) == {"token": TOKEN, "accountID": ACCOUNT}

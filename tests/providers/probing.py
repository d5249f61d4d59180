"""What every credential type keeps that a probe proves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pydantic
import pytest

from credential_operator import errors
from credential_operator.providers import contract
from emulators.http_api import HttpApi
from providers import suite


def served() -> Iterator[HttpApi]:
    """Serves an HTTP API."""
    with HttpApi(hosts=["rebind.example.com"]) as api:
        yield api


def probing(config: Mapping[str, Any], url: str, **changes: Any) -> Mapping[str, Any]:
    """Gives the config whose probe calls the account at a URL."""
    return {**config, "probe": {**config.get("probe", {}), "url": f"{url}/account", **changes}}


class Probing(suite.Contract):
    """A type whose key is shown to a URL."""

    def test_it_is_asked_twice_and_first_without_the_key(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check()
        assert [(call.method, call.status) for call in stage.emulator.calls] == [("GET", 401), ("GET", 200)]

    def test_a_url_that_everybody_may_read_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.reset_calls()
        opened = {**stage.config, "probe": {**stage.config["probe"], "url": f"{stage.emulator.url}/open"}}
        assert "without the key too" in refused(errors.Misconfigured, config=opened).message
        assert len(stage.emulator.calls) == 1

    def test_head_is_enough(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check(config=probing(stage.config, stage.emulator.url, method="HEAD"))
        assert [call.method for call in stage.emulator.calls] == ["HEAD", "HEAD"]

    @pytest.mark.parametrize(
        ("lists", "kind"),
        [
            ({"accepted": [204], "rejected": [200]}, errors.Rejected),
            ({"accepted": [204], "unauthorised": [200]}, errors.PermissionDenied),
            ({"accepted": [204]}, errors.Misconfigured),
        ],
    )
    def test_the_lists_decide(
        self, stage: suite.Stage, refused: Callable[..., Any], lists: Any, kind: type[errors.CredentialError]
    ) -> None:
        refused(kind, config=probing(stage.config, stage.emulator.url, **lists))

    def test_a_status_in_two_lists_is_the_specs_fault(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        config = probing(stage.config, stage.emulator.url, rejected=[401, 403])
        assert "403" in refused(errors.Misconfigured, config=config).message

    def test_a_redirect_of_the_key_is_not_followed(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.reset_calls()
        stage.emulator.faults.answer(suite.BODY, status=302, headers={"Location": stage.emulator.url})
        assert "redirects" in refused(errors.Misconfigured).message
        assert len(stage.emulator.calls) == 2

    def test_its_own_authority_is_trusted(self, stage: suite.Stage) -> None:
        config = probing(stage.config, stage.emulator.url, caBundle=stage.emulator.ca_pem.decode())
        stage.check(config=config)

    def test_without_a_probe_nobody_is_asked(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        config = {name: value for name, value in stage.config.items() if name != "probe"}
        assert "no probe" in stage.check(config=config).unasked
        assert stage.emulator.calls == []
        assert stage.provider.endpoint(stage.provider.config.model_validate(config)) == ""

    @pytest.mark.parametrize(
        "probe",
        [
            {"url": "http://api.example.com/"},
            {"url": "https://user@api.example.com/"},
            {"url": "https://api.example.com/ x"},
            {"method": "POST"},
            {"accepted": []},
            {"accepted": [99]},
            {"headers": {"A b": "c"}},
        ],
    )
    def test_a_probe_that_cannot_be_is_refused(self, stage: suite.Stage, probe: Mapping[str, Any]) -> None:
        with pytest.raises(pydantic.ValidationError):
            stage.provider.config.model_validate(
                {**stage.config, "probe": {"url": "https://a.example", **probe}}
            )


def message_of(provider: contract.Provider[Any, Any], config: Mapping[str, Any], **fields: str) -> str:
    """Gives what is said of key material that cannot be right."""
    keys = contract.load(provider, {name: text.encode() for name, text in fields.items()}, {})
    with pytest.raises(errors.CredentialError) as raised:
        provider.inspect(provider.config.model_validate(config), keys)
    assert not [text for name, text in fields.items() if name != "username" and text in raised.value.message]
    return raised.value.message

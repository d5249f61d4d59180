"""Keys of Azure's enterprise reporting APIs, about which nobody can be asked."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from typing import Any

import jwt
import pydantic
import pytest

from credential_operator import errors
from credential_operator.providers import azure_enterprise, contract, network
from providers import probing, suite

NOW = datetime.datetime(2026, 11, 22, 7, tzinfo=datetime.UTC)
SIGNED_WITH = "canary-" + "s" * 40


def key(**claims: Any) -> str:
    return jwt.encode({"EnrollmentNumber": "8608480", **claims}, SIGNED_WITH, algorithm="HS256")


def check(text: str, config: Mapping[str, Any] | None = None) -> contract.Validation:
    provider = azure_enterprise.PROVIDER
    read = provider.config.model_validate(config or {})
    keys = contract.load(provider, {"apiKey": text.encode()}, {})
    provider.inspect(read, keys)
    with network.Session(network.Policy()) as session:
        context = contract.Context(session=session, timeout=1, now=lambda: NOW, external_id="")
        return provider.validate(read, keys, context)


def test_nobody_is_asked_and_what_to_use_instead_is_said() -> None:
    validation = check("canary-no-token")
    assert "retired" in validation.unasked
    assert "type azure" in validation.unasked
    assert validation.expires_at is None
    assert validation.identity is None
    assert azure_enterprise.PROVIDER.endpoint(azure_enterprise.Config()) == ""


def test_the_end_of_a_keys_life_is_read() -> None:
    end = NOW + datetime.timedelta(days=30)
    assert check(key(exp=end)).expires_at == end
    assert check(key()).expires_at is None


@pytest.mark.parametrize("exp", ["soon", True, None, 1e300, -1e300, [1], float("inf")])
def test_an_end_that_is_none_is_left_out(exp: object) -> None:
    header, _, signature = key().split(".")
    claims = jwt.utils.base64url_encode(f'{{"exp": {_json(exp)}}}'.encode()).decode()
    assert check(f"{header}.{claims}.{signature}").expires_at is None


def _json(value: object) -> str:
    words = {"soon": '"soon"', "True": "true", "None": "null"}
    return words.get(str(value), str(value))


@pytest.mark.parametrize("ago", [datetime.timedelta(0), datetime.timedelta(days=400)])
def test_a_key_whose_life_is_over_has_expired_for_certain(
    ago: datetime.timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    text = key(exp=NOW - ago)
    with pytest.raises(errors.Expired) as raised:
        check(text)
    assert raised.value.certain
    assert raised.value.__context__ is None
    assert not [part for part in text.split(".") if part in suite.everything(raised.value) + caplog.text]


def test_nothing_of_the_key_is_in_a_validation() -> None:
    text = key(exp=NOW + datetime.timedelta(days=1))
    assert not [part for part in text.split(".") if part in repr(check(text))]


@pytest.mark.parametrize(
    ("text", "says"), [("Bearer canary", "Bearer"), ("bearer canary", "Bearer"), ("8608480", "number")]
)
def test_what_cannot_be_a_key_is_named(text: str, says: str) -> None:
    config = {"enrollment": "8608480"}
    assert says in probing.message_of(azure_enterprise.PROVIDER, config, apiKey=text)


@pytest.mark.parametrize("enrollment", ["", "E8608480", "https://ea.azure.com", "1" * 21])
def test_an_enrollment_is_a_number(enrollment: str) -> None:
    with pytest.raises(pydantic.ValidationError):
        azure_enterprise.Config.model_validate({"enrollment": enrollment})


def test_fields_are_listed() -> None:
    keys = contract.load(azure_enterprise.PROVIDER, {"AZURE_EA_API_KEY": b"canary"}, {})
    for config in ({}, {"enrollment": "8608480"}):
        fields = azure_enterprise.PROVIDER.fields(azure_enterprise.Config.model_validate(config), keys)
        assert fields == {"apiKey": "canary", **config}
        assert fields.keys() <= azure_enterprise.PROVIDER.variables.keys()
    azure_enterprise.Config.model_validate(azure_enterprise.PROVIDER.example)

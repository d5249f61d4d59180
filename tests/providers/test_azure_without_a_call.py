"""What of Azure's keys and configs is known without asking Azure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic
import pytest

from credential_operator import errors
from credential_operator.providers import azure, contract
from providers import probing
from providers.entra import (
    CERTIFICATE,
    CLIENT,
    OF_ANOTHER,
    OURS,
    PLAIN,
    SECRET,
    SMALL,
    SUBSCRIPTION,
    TENANT,
    YEARS,
    certified,
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("canary", "PEM"),
        (lambda: CERTIFICATE.partition("-----BEGIN PRIVATE")[0], "one after the other"),
        (lambda: CERTIFICATE * 2, "one after the other"),
        (
            lambda: CERTIFICATE.replace("BEGIN CERTIFICATE-----\n", "BEGIN CERTIFICATE-----\nAAAA"),
            "cannot be read",
        ),
        (lambda: certified(OURS, YEARS, shown=OF_ANOTHER), "not that of"),
        (lambda: certified(SMALL, YEARS), "bits"),
    ],
)
def test_what_cannot_be_a_certificate_is_named_without_a_call(text: Any, says: str) -> None:
    written = text if isinstance(text, str) else text()
    assert says in probing.message_of(azure.PROVIDER, PLAIN, clientCertificate=written)


@pytest.mark.parametrize("pasted", [CLIENT, CLIENT.upper(), TENANT])
def test_an_id_in_place_of_the_secret_is_named_without_a_call(pasted: str) -> None:
    config = azure.Config.model_validate(PLAIN)
    keys = contract.load(azure.PROVIDER, {"clientSecret": pasted.encode()}, {})
    with pytest.raises(errors.InvalidKeyMaterial, match="Value"):
        azure.PROVIDER.inspect(config, keys)


@pytest.mark.parametrize("name", ["authority", "endpoint"])
def test_a_url_that_readers_could_differ_on_is_named_without_a_call(name: str) -> None:
    config = {**PLAIN, name: "https://127.1"}
    assert "notation" in probing.message_of(azure.PROVIDER, config, clientSecret="canary")


@pytest.mark.parametrize(
    "change",
    [
        {"tenantID": "common"},
        {"tenantID": f"{TENANT}/oauth2"},
        {"tenantID": "https://login.microsoftonline.com"},
        {"clientID": "me"},
        {"subscriptionID": f"/subscriptions/{SUBSCRIPTION}"},
        {"resource": "vault"},
        {"storageAccount": "Backups"},
        {"cloud": "AzureGermany"},
        {"authority": "http://login.example.com"},
        {"endpoint": "https://user@management.example.com"},
        {"endpoint": "https://management.example.com/subscriptions"},
    ],
)
def test_a_config_that_cannot_be_is_refused(change: Mapping[str, str]) -> None:
    with pytest.raises(pydantic.ValidationError):
        azure.Config.model_validate({**PLAIN, **change})


@pytest.mark.parametrize(
    ("config", "endpoint"),
    [
        ({}, "login.microsoftonline.com:443"),
        ({"cloud": "AzureUSGovernment"}, "login.microsoftonline.us:443"),
        ({"cloud": "AzureChina"}, "login.partner.microsoftonline.cn:443"),
        ({"authority": "https://login.azurestack.example/"}, "login.azurestack.example:443"),
    ],
)
def test_the_cloud_chooses_where_to_sign_in(config: Mapping[str, str], endpoint: str) -> None:
    assert azure.PROVIDER.endpoint(azure.Config.model_validate({**PLAIN, **config})) == endpoint


@pytest.mark.parametrize(
    ("config", "authority"),
    [
        ({}, None),
        ({"cloud": "AzureChina"}, "https://login.partner.microsoftonline.cn"),
        ({"authority": "https://login.azurestack.example/"}, "https://login.azurestack.example"),
    ],
)
def test_consumers_learn_where_to_sign_in_unless_it_is_the_usual_place(
    config: Mapping[str, str], authority: str | None
) -> None:
    keys = contract.load(azure.PROVIDER, {"clientSecret": SECRET.encode()}, {})
    fields = azure.PROVIDER.fields(azure.Config.model_validate({**PLAIN, **config}), keys)
    assert fields.get("authority") == authority


def test_a_secret_under_its_usual_variables_is_read() -> None:
    for variable in ("AZURE_CLIENT_SECRET", "ARM_CLIENT_SECRET"):
        keys = contract.load(azure.PROVIDER, {variable: SECRET.encode()}, {})
        assert keys.client_secret is not None
        assert keys.client_secret.get_secret_value() == SECRET

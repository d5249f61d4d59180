"""The stand-in of Entra ID, as any client that follows its discovery document sees it."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import jwt
import pytest

from emulators.azure import AzureEmulator
from providers import entra


@pytest.fixture(scope="module")
def emulator() -> Iterator[AzureEmulator]:
    yield from entra.served()


def ask(emulator: AzureEmulator, url: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
    body = None if form is None else urllib.parse.urlencode(form).encode()
    context = ssl.create_default_context(cadata=emulator.ca_pem.decode())
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=5, context=context) as answer:
        return dict(json.load(answer))


def test_tokens_are_given_and_verified_where_the_discovery_document_says(emulator: AzureEmulator) -> None:
    stage = entra.staged(emulator)
    known = ask(emulator, f"{emulator.url}/{entra.TENANT}/v2.0/.well-known/openid-configuration")
    form = {
        "grant_type": "client_credentials",
        "client_id": entra.CLIENT,
        "client_secret": stage.good["clientSecret"],
        "scope": f"{emulator.url}/.default",
    }
    token = ask(emulator, known["token_endpoint"], form)["access_token"]
    keys = jwt.PyJWKSet.from_dict(ask(emulator, known["jwks_uri"]))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, audience=emulator.url, issuer=known["issuer"])
    assert (claims["appid"], claims["tid"]) == (entra.CLIENT, entra.TENANT)


def test_a_tenant_that_does_not_exist_has_no_discovery_document(emulator: AzureEmulator) -> None:
    entra.staged(emulator)
    url = f"{emulator.url}/nobody.example.com/v2.0/.well-known/openid-configuration"
    with pytest.raises(urllib.error.HTTPError) as raised:
        ask(emulator, url)
    assert json.load(raised.value)["error_codes"] == [90002]

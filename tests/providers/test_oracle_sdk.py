"""Oracle's own SDK beside us: it signs as we do, and what is published is what it reads."""

from __future__ import annotations

import configparser
import datetime
import importlib
import pathlib
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from credential_operator.providers import _oci, contract, oracle
from emulators.oracle import Oracle
from providers.test_oracle import PASSPHRASE, TENANCY, USER, generated, pem, public_pem

REGION = "eu-frankfurt-1"
NOW = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
URLS = (
    f"https://identity.{REGION}.oraclecloud.com/20160918/users/{USER}",
    "https://127.0.0.1:8443/20160918/regions",
    "https://identity.example.com/20160918/users?compartmentId=ocid1&limit=1",
)


@pytest.fixture(scope="module")
def oci() -> Any:
    """The SDK, imported for those who ask for it: that takes a second."""
    for name in ("signer", "config", "identity", "retry", "circuit_breaker", "exceptions"):
        importlib.import_module(f"oci.{name}")
    return importlib.import_module("oci")


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return generated()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Oracle]:
    with Oracle() as running:
        yield running


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("body", [None, b'{"publicKey":"a"}'])
def test_a_request_of_ours_has_the_signature_of_the_sdk(
    oci: Any, key: rsa.RSAPrivateKey, url: str, passphrase: str, body: bytes | None
) -> None:
    name = f"{TENANCY}/{USER}/{_oci.fingerprint(key)}"
    ours = _oci.signed(url, NOW, key=key, key_id=name, body=body)
    signer = oci.signer.Signer(
        TENANCY,
        USER,
        _oci.fingerprint(key),
        private_key_file_location=None,
        pass_phrase=passphrase or None,
        private_key_content=pem(key, passphrase=passphrase),
    )
    headers = {"date": ours["Date"], "content-type": "application/json"}
    method = "GET" if body is None else "POST"
    request = oci._vendor.requests.Request(method, url, headers=headers, data=body).prepare()
    theirs = signer.do_request_sign(request).headers
    assert (theirs["host"], theirs["date"]) == (ours["Host"], ours["Date"])
    assert _parameters(theirs["authorization"]) == _parameters(ours["Authorization"])


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_what_is_published_is_a_configuration_that_the_sdk_works_with(
    oci: Any, key: rsa.RSAPrivateKey, emulator: Oracle, tmp_path: pathlib.Path, passphrase: str
) -> None:
    file = _configuration(_published(emulator, key, passphrase), tmp_path)
    config = oci.config.from_file(str(file))
    oci.config.validate_config(config)
    emulator.reset_calls()
    answer = _client(oci, config, emulator).get_user(config["user"])
    assert (answer.status, answer.data.id, answer.data.compartment_id) == (200, USER, TENANCY)
    assert [call.path for call in emulator.calls] == [f"/20160918/users/{USER}"]


def test_a_key_that_we_refuse_is_refused_to_the_sdk(
    oci: Any, key: rsa.RSAPrivateKey, emulator: Oracle, tmp_path: pathlib.Path
) -> None:
    published = _published(emulator, key, "")
    config = oci.config.from_file(str(_configuration(published, tmp_path)))
    emulator.delete_key(USER, published["fingerprint"])
    with pytest.raises(oci.exceptions.ServiceError) as refused:
        _client(oci, config, emulator).get_user(USER)
    assert (refused.value.status, refused.value.code) == _oci.UNAUTHENTICATED


def _parameters(header: str) -> dict[str, str]:
    """Reads a header's parameters, which may come in any order."""
    scheme, _, rest = header.partition(" ")
    assert scheme == "Signature"
    found: dict[str, str] = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
    assert found.keys() == {"version", "keyId", "algorithm", "headers", "signature"}
    return found


def _published(emulator: Oracle, key: rsa.RSAPrivateKey, passphrase: str) -> dict[str, str]:
    """Makes a user with a key, and gives the fields that a target gets."""
    emulator.reset()
    emulator.create_user(TENANCY, USER)
    config = {
        "tenancyOCID": TENANCY,
        "userOCID": USER,
        "fingerprint": emulator.upload_key(USER, public_pem(key)),
        "region": REGION,
    }
    stored = {"privateKey": pem(key, passphrase=passphrase).encode()}
    if passphrase:
        stored["passphrase"] = passphrase.encode()
    keys = contract.load(oracle.PROVIDER, stored, {})
    return dict(oracle.PROVIDER.fields(oracle.Config.model_validate(config), keys))


def _configuration(published: dict[str, str], folder: pathlib.Path) -> pathlib.Path:
    """Writes a configuration file of the SDK and of the command line tool.

    docs.oracle.com/en-us/iaas/Content/API/Concepts/sdkconfig.htm
    """
    names = {"tenancyOCID": "tenancy", "userOCID": "user", "passphrase": "pass_phrase"}
    key_file, file = folder / "key.pem", folder / "config"
    for one in (key_file, file):
        one.touch(mode=0o600)
    key_file.write_text(published.pop("privateKey"))
    parser = configparser.ConfigParser(interpolation=None)
    parser["DEFAULT"] = {names.get(name, name): text for name, text in published.items()}
    parser["DEFAULT"]["key_file"] = str(key_file)
    with file.open("w") as written:
        parser.write(written)
    return file


def _client(oci: Any, config: dict[str, str], emulator: Oracle) -> Any:
    """Gives the SDK's client, which asks the emulator, once, whatever this machine's proxies are."""
    client = oci.identity.IdentityClient(
        config,
        service_endpoint=emulator.url,
        retry_strategy=oci.retry.NoneRetryStrategy(),
        circuit_breaker_strategy=oci.circuit_breaker.NoCircuitBreakerStrategy(),
    )
    client.base_client.session.trust_env = False
    client.base_client.session.verify = emulator.ca_path
    return client

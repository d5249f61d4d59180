"""The stand-in for Oracle's identity service takes nothing that Oracle would not."""

from __future__ import annotations

import base64
import datetime
import email.utils
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulators.oracle import Oracle
from providers import suite

TENANCY = f"ocid1.tenancy.oc1..{'a' * 60}"
USER = f"ocid1.user.oc1..{'b' * 60}"
OTHER = f"ocid1.user.oc1..{'c' * 60}"
PATH = f"/20160918/users/{USER}"
HEADERS = "date (request-target) host"
UNKNOWN = (401, "NotAuthenticated")
UNSEEN = (404, "NotAuthorizedOrNotFound")


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with Oracle() as running:
        yield running


@pytest.fixture(scope="module")
def fingerprint(oracle: Oracle, key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    oracle.create_user(TENANCY, OTHER)
    oracle.create_user(TENANCY, USER)
    return oracle.upload_key(USER, public)


@pytest.fixture
def parts(oracle: Oracle, fingerprint: str) -> dict[str, str]:
    """What is signed and sent, to be changed."""
    return {
        "date": date(0),
        "signed path": PATH,
        "path": PATH,
        "signed host": f"127.0.0.1:{oracle.port}",
        "key": f"{TENANCY}/{USER}/{fingerprint}",
        "headers": HEADERS,
        "version": "1",
        "algorithm": "rsa-sha256",
        "scheme": "Signature",
    }


def date(seconds: float) -> str:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return email.utils.format_datetime(moment, usegmt=True)


def ask(oracle: Oracle, key: rsa.RSAPrivateKey, parts: dict[str, str]) -> tuple[int, str]:
    values = {
        "date": parts.get("signed date", parts["date"]),
        "(request-target)": f"get {parts['signed path']}",
        "host": parts["signed host"],
    }
    text = "\n".join(f"{name}: {values[name]}" for name in parts["headers"].split())
    signature = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    header = (
        f'{parts["scheme"]} version="{parts["version"]}",keyId="{parts["key"]}",'
        f'algorithm="{parts["algorithm"]}",headers="{parts["headers"]}",signature="{signature}"'
    )
    with suite.session(oracle) as session:
        sent = {"Date": parts["date"], "Authorization": header}
        answer = session.request("GET", f"{oracle.url}{parts['path']}", headers=sent, timeout=5)
    document: dict[str, Any] = json.loads(answer.body)
    assert (document.get("id") == USER) == (answer.status == 200)
    return answer.status, document.get("code", "")


def test_a_user_is_shown_to_itself(oracle: Oracle, key: rsa.RSAPrivateKey, parts: dict[str, str]) -> None:
    assert ask(oracle, key, parts) == (200, "")
    assert ask(oracle, key, {**parts, "headers": "host date (request-target)"}) == (200, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"signed date": date(-1)},
        {"date": date(-4000)},
        {"date": date(4000)},
        {"date": "canary"},
        {"signed path": f"/20160918/users/{OTHER}"},
        {"signed host": "identity.example.com"},
        {"key": f"{TENANCY}/{OTHER}/00:11"},
        {"key": "nonsense"},
        {"headers": "date host"},
        {"headers": "(request-target) host"},
        {"version": "2"},
        {"algorithm": "rsa-sha1"},
        {"scheme": "Bearer"},
    ],
)
def test_other_signatures_are_nobodys(
    oracle: Oracle, key: rsa.RSAPrivateKey, parts: dict[str, str], changes: dict[str, str]
) -> None:
    assert ask(oracle, key, {**parts, **changes}) == UNKNOWN


def test_other_keys_are_nobodys(oracle: Oracle, parts: dict[str, str]) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert ask(oracle, other, parts) == UNKNOWN


def test_the_tenancy_and_the_user_are_the_keys(
    oracle: Oracle, key: rsa.RSAPrivateKey, parts: dict[str, str], fingerprint: str
) -> None:
    for name in (f"{TENANCY}x/{USER}/{fingerprint}", f"{TENANCY}/{OTHER}/{fingerprint}"):
        assert ask(oracle, key, {**parts, "key": name}) == UNKNOWN


def test_others_are_not_shown(oracle: Oracle, key: rsa.RSAPrivateKey, parts: dict[str, str]) -> None:
    path = f"/20160918/users/{OTHER}"
    assert ask(oracle, key, {**parts, "path": path, "signed path": path}) == UNSEEN
    oracle.set_allowed(USER, allowed=False)
    assert ask(oracle, key, parts) == UNSEEN
    oracle.set_allowed(USER, allowed=True)

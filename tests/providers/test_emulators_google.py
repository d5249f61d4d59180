"""The stand-in for Google takes nothing that Google would not."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from emulators.google import Google
from providers import suite

EMAIL = "backup@example-project.iam.gserviceaccount.com"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SIGNATURE = ("invalid_grant", "Invalid JWT Signature.")


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with Google() as running:
        running.create_account(EMAIL, project="example-project")
        yield running


@pytest.fixture(scope="module")
def key(google: Google) -> dict[str, str]:
    return google.create_key(EMAIL)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "iss": EMAIL,
        "aud": "https://oauth2.googleapis.com/token",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def ask(google: Google, assertion: str, *, grant: str = GRANT) -> tuple[str, str]:
    """Gives error and description; empty for a token."""
    with suite.session(google) as session:
        body = urllib.parse.urlencode({"grant_type": grant, "assertion": assertion}).encode()
        answer = json.loads(session.request("POST", google.token_url, body=body, timeout=5).body)
    assert ("access_token" in answer) != ("error" in answer)
    return answer.get("error", ""), answer.get("error_description", "")


def signed(key: dict[str, str], document: dict[str, Any], **header: Any) -> str:
    headers = {"kid": key["private_key_id"], **header}
    return jwt.encode(document, key["private_key"], algorithm="RS256", headers=headers)


def test_what_a_key_signed_is_worth_a_token(google: Google, key: dict[str, str]) -> None:
    assert ask(google, signed(key, claims())) == ("", "")
    assert ask(google, signed(key, claims(aud=google.token_url))) == ("", "")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"iss": "other@example-project.iam.gserviceaccount.com"}, "account not found"),
        ({"iss": None}, "account not found"),
        ({"aud": "https://oauth2.example.com/token"}, "audience"),
        ({"exp": int(time.time()) + 9000}, "short-lived"),
        ({"iat": int(time.time()) - 9000, "exp": int(time.time()) - 6000}, "reasonable timeframe"),
        ({"iat": int(time.time()) + 6000, "exp": int(time.time()) + 9000}, "reasonable timeframe"),
        ({"exp": None}, "Signature"),
        ({"scope": ""}, "OAuth scope"),
        ({"scope": "email"}, "OAuth scope"),
    ],
)
def test_other_claims_are_worth_none(
    google: Google, key: dict[str, str], changes: dict[str, Any], says: str
) -> None:
    assert says in ask(google, signed(key, claims(**changes)))[1]


def test_other_signatures_are_worth_none(google: Google, key: dict[str, str]) -> None:
    head = {"kid": key["private_key_id"]}
    secret = "x" * 32
    assert ask(google, jwt.encode(claims(), "", algorithm="none", headers=head)) == SIGNATURE
    assert ask(google, jwt.encode(claims(), secret, algorithm="HS256", headers=head)) == SIGNATURE
    assert ask(google, signed(key, claims(), kid="0" * 40)) == SIGNATURE
    first, _, last = signed(key, claims()).split(".")
    middle = signed(key, claims(scope="https://www.googleapis.com/auth/drive")).split(".")[1]
    assert ask(google, f"{first}.{middle}.{last}") == SIGNATURE
    assert ask(google, "nonsense")[0] == "invalid_request"
    assert ask(google, signed(key, claims()), grant="password")[0] == "unsupported_grant_type"


def test_what_is_gone_is_gone(google: Google) -> None:
    email = "gone@example-project.iam.gserviceaccount.com"
    google.create_account(email, project="example-project")
    key = google.create_key(email)
    google.set_disabled(email)
    assert ask(google, signed(key, claims(iss=email))) == ("invalid_grant", "Robot is disabled.")
    google.set_disabled(email, disabled=False)
    google.delete_key(email, key["private_key_id"])
    assert ask(google, signed(key, claims(iss=email))) == SIGNATURE
    google.delete_account(email)
    assert "account not found" in ask(google, signed(key, claims(iss=email)))[1]


def call(google: Google, path: str, token: str, *, document: Any = None) -> tuple[int, dict[str, Any]]:
    """Calls an API with an access token."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = None if document is None else json.dumps(document).encode()
    with suite.session(google) as session:
        method = "GET" if document is None else "POST"
        answer = session.request(method, google.url + path, headers=headers, body=body, timeout=5)
    return answer.status, json.loads(answer.body)


def access_token(google: Google, key: dict[str, str], **changes: Any) -> str:
    body = urllib.parse.urlencode({"grant_type": GRANT, "assertion": signed(key, claims(**changes))}).encode()
    with suite.session(google) as session:
        answer = json.loads(session.request("POST", google.token_url, body=body, timeout=5).body)
    return str(answer["access_token"])


TESTED = "/v3/projects/example-project:testIamPermissions"


def test_apis_take_the_tokens_that_were_given_and_no_others(google: Google, key: dict[str, str]) -> None:
    asked = {"permissions": ["storage.buckets.list"]}
    assert call(google, TESTED, access_token(google, key), document=asked) == (200, {})
    status, told = call(google, TESTED, "ya29.c.other", document=asked)
    assert (status, told["error"]["status"]) == (401, "UNAUTHENTICATED")
    narrow = access_token(google, key, scope="https://www.googleapis.com/auth/devstorage.read_only")
    status, told = call(google, TESTED, narrow, document=asked)
    assert (status, told["error"]["details"][0]["reason"]) == (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    google.faults.skew(4000, action=TESTED)
    status, _ = call(google, TESTED, access_token(google, key), document=asked)
    google.faults.clear()
    assert status == 401


def test_apis_take_no_more_permissions_than_googles(google: Google, key: dict[str, str]) -> None:
    asked = [f"storage.things{number}.get" for number in range(101)]
    token = access_token(google, key)
    assert call(google, TESTED, token, document={"permissions": asked})[0] == 400
    assert call(google, TESTED, token, document={"permissions": asked[1:]})[0] == 200
    assert call(google, TESTED, token, document={"permissions": ["storage.*"]})[0] == 400


def test_what_is_not_granted_is_not_shown(google: Google, key: dict[str, str]) -> None:
    token = access_token(google, key)
    path = f"/v1/projects/example-project/serviceAccounts/{EMAIL}/keys/{key['private_key_id']}"
    assert call(google, path, token)[0] == 403
    assert call(google, "/v3/projects:search", token) == (200, {})
    other = TESTED.replace("example", "other")
    assert call(google, other, token, document={"permissions": []})[0] == 403
    assert call(google, "/v3/folders:search", token)[0] == 404
    become = f"/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
    assert call(google, become, token, document={"scope": []})[0] == 403


def test_a_key_is_good_until_its_end(google: Google) -> None:
    over = google.create_key(EMAIL, expires="2026-01-03T00:00:00Z")
    assert ask(google, signed(over, claims())) == SIGNATURE


def test_an_account_may_do_to_its_keys_what_is_granted_on_it(google: Google, key: dict[str, str]) -> None:
    path = f"/v1/projects/example-project/serviceAccounts/{EMAIL}"
    token, asked = access_token(google, key), {"keyAlgorithm": "KEY_ALG_RSA_2048"}
    assert call(google, f"{path}/keys", token)[0] == 403
    google.grant_on(EMAIL, f"serviceAccount:{EMAIL}", "iam.serviceAccountKeys.list")
    assert call(google, f"{path}/keys", token, document=asked)[0] == 403
    kinds = {one["keyType"] for one in call(google, f"{path}/keys", token)[1]["keys"]}
    assert kinds == {"USER_MANAGED", "SYSTEM_MANAGED"}
    kinds = {one["keyType"] for one in call(google, f"{path}/keys?keyTypes=USER_MANAGED", token)[1]["keys"]}
    assert kinds == {"USER_MANAGED"}
    elsewhere = path.replace("/example-project/", "/other-project/")
    assert call(google, f"{elsewhere}/keys", token)[0] == 404

"""Keys of Google's service accounts, before a token endpoint that verifies what they sign."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jwt
import pydantic
import pytest
from google.oauth2 import service_account

from credential_operator import errors
from credential_operator.providers import _google, _rsa, contract, google
from emulators.google import Google
from providers import probing, suite

EMAIL = "backup@example-project.iam.gserviceaccount.com"
OTHER = "other@example-project.iam.gserviceaccount.com"
PROJECT = "example-project"
OWN = "https://oauth2.googleapis.com/token"


def at(config: Mapping[str, Any], url: str) -> Mapping[str, Any]:
    return {**config, "tokenURL": f"{url}/token"}


def compact(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


@pytest.fixture(scope="module")
def emulator() -> Iterator[Google]:
    with Google(hosts=["rebind.example.com"]) as running:
        yield running


@pytest.fixture(scope="module")
def made(emulator: Google) -> dict[str, dict[str, str]]:
    """Makes two accounts with a key each, once: keys take their time."""
    for email in (EMAIL, OTHER):
        emulator.create_account(email, project=PROJECT)
    return {email: emulator.create_key(email) for email in (EMAIL, OTHER)}


@pytest.fixture
def key(made: dict[str, dict[str, str]]) -> dict[str, str]:
    return made[EMAIL]


@pytest.fixture
def stage(emulator: Google, made: dict[str, dict[str, str]], key: dict[str, str]) -> suite.Stage:
    emulator.faults.clear()
    other = made[OTHER]
    wrong = {
        "another account's key": {**key, "private_key": other["private_key"]},
        "the id of no key": {**key, "private_key_id": "0" * 40},
        "another account's name": {**key, "client_email": other["client_email"]},
        "a deleted account": {**key, "client_email": "gone@example-project.iam.gserviceaccount.com"},
    }
    return suite.Stage(
        provider=google.PROVIDER,
        emulator=emulator,
        config=at({}, emulator.url),
        good={"serviceAccountJSON": compact(key)},
        wrong={what: {"serviceAccountJSON": compact(document)} for what, document in wrong.items()},
        principal=EMAIL,
        expect={
            "identity": contract.Identity(principal=EMAIL, account=PROJECT),
            "key_id": key["private_key_id"],
            "expires_at": None,
            "warnings": (),
        },
        secret_fields=("serviceAccountJSON",),
        at=at,
    )


class TestGoogle(suite.Coded):
    decide = (
        (401, "deleted_client", errors.Rejected),
        (401, "invalid_client", errors.Rejected),
        (401, "disabled_client", errors.KeyDisabled),
        (401, "unauthorized_client", errors.PermissionDenied),
        (403, "access_denied", errors.PermissionDenied),
        (400, "unsupported_grant_type", errors.Misconfigured),
        (400, "invalid_grant", errors.Rejected),
    )
    prove_nothing = (
        (400, "something_new"),
        (400, "invalid_request"),
        (400, "internal_failure"),
        (503, "invalid_client"),
        (418, "invalid_grant"),
    )

    @pytest.fixture
    def stage(self, stage: suite.Stage) -> suite.Stage:
        return stage

    def test_no_line_of_the_key_is_left_behind(
        self, stage: suite.Stage, key: dict[str, str], refused: Callable[..., Any]
    ) -> None:
        lines = [line for line in key["private_key"].splitlines() if not line.startswith("-")]
        assert len(lines) > 20
        damaged = {**key, "private_key": key["private_key"].replace("A", "B")}
        for kind, document in (
            (errors.InvalidKeyMaterial, damaged),
            (errors.InvalidKeyMaterial, {**key, "type": key["private_key"]}),
            (errors.InvalidKeyMaterial, {**key, "client_email": key["private_key"]}),
            (errors.Rejected, {**key, "private_key_id": "0" * 40}),
        ):
            left_behind = suite.everything(refused(kind, {"serviceAccountJSON": compact(document)}))
            assert not [line for line in lines if line in left_behind]

    def test_a_deleted_key_is_rejected(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        key = stage.emulator.create_key(EMAIL)
        stage.check({"serviceAccountJSON": compact(key)})
        stage.emulator.delete_key(EMAIL, key["private_key_id"])
        error = refused(errors.Rejected, {"serviceAccountJSON": compact(key)})
        assert "deleted" in error.message

    def test_an_account_that_is_switched_off_is_disabled(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        email = "off@example-project.iam.gserviceaccount.com"
        stage.emulator.create_account(email, project=PROJECT)
        fields = {"serviceAccountJSON": compact(stage.emulator.create_key(email))}
        stage.check(fields)
        stage.emulator.set_disabled(email)
        refused(errors.KeyDisabled, fields)

    def test_scopes_that_do_not_exist_are_misconfigured(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        wide = "https://www.googleapis.com/auth/devstorage.read_only"
        stage.check(
            config={**stage.config, "scopes": [wide, "https://www.googleapis.com/auth/cloud-platform"]}
        )
        assert "scopes" in refused(errors.Misconfigured, config={**stage.config, "scopes": ["email"]}).message

    def test_a_wrong_clock_is_told_by_the_date_where_the_words_do_not(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        date = {"Date": "Mon, 01 Jan 2024 00:00:00 GMT"}
        stage.emulator.faults.error(status=400, code="invalid_grant", headers=date)
        refused(errors.ClockSkew)
        stage.emulator.faults.clear()
        said = {"message": "Invalid JWT Signature.", "headers": date}
        stage.emulator.faults.error(status=400, code="invalid_grant", **said)
        refused(errors.Rejected)

    @pytest.mark.parametrize(
        "body",
        [
            '{"access_token": ""}',
            '{"access_token": 1}',
            '{"access_token": "t", "error": "invalid_grant"}',
            '["access_token"]',
            '{"id_token": "t"}',
        ],
    )
    def test_what_holds_no_token_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], body: str
    ) -> None:
        stage.emulator.faults.answer(body, content_type="application/json")
        refused(errors.ProviderUnreachable)

    def test_a_check_costs_one_call(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check()
        assert [(call.path, call.status) for call in stage.emulator.calls] == [("/token", 200)]

    def test_a_project_of_ones_own_is_the_keys(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        stage.check(config={**stage.config, "projectID": PROJECT})
        stage.emulator.reset_calls()
        error = refused(errors.Misconfigured, config={**stage.config, "projectID": "other-project"})
        assert "other-project" in error.message
        assert PROJECT in error.message
        assert stage.emulator.calls == []

    def test_the_usual_name_of_the_file_is_a_key_of_the_secret(self, stage: suite.Stage) -> None:
        for name in ("key.json", "GOOGLE_CREDENTIALS"):
            stage.check({name: stage.good["serviceAccountJSON"]})

    def test_googles_own_library_reads_what_is_published(
        self, stage: suite.Stage, key: dict[str, str]
    ) -> None:
        read = contract.load(stage.provider, {"key.json": json.dumps(key, indent=2).encode()}, {})
        fields = stage.provider.fields(stage.provider.config(), read)
        published = json.loads(fields["serviceAccountJSON"])
        assert published == key
        assert "\n" not in fields["serviceAccountJSON"]
        made = service_account.Credentials.from_service_account_info(published)
        assert made.service_account_email == fields["clientEmail"]
        assert (fields["projectID"], fields["privateKeyID"]) == (PROJECT, key["private_key_id"])

    def test_a_known_key_costs_little_cpu(self, stage: suite.Stage) -> None:
        with stage.session() as session:
            stage.check(within=session)
            began = time.thread_time()
            for _ in range(20):
                stage.check(within=session)
            milliseconds = (time.thread_time() - began) / 20 * 1000
        assert milliseconds < 10


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        (OWN, OWN),
        ("https://oauth2-private.p.googleapis.com/token", OWN),
        ("https://oauth2.example.com/token", "https://oauth2.example.com/token"),
        ("https://googleapis.com.example.com/token", "https://googleapis.com.example.com/token"),
        ("https://notgoogleapis.com/token", "https://notgoogleapis.com/token"),
    ],
)
def test_only_googles_own_endpoints_see_what_google_takes(
    key: dict[str, str], url: str, audience: str
) -> None:
    private = _rsa.load(key["private_key"], "it")
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = _google.assertion(private, email=EMAIL, key_id="a", scopes=("b", "c"), url=url, now=now)
    seconds = int(now.timestamp())
    expected = {"iss": EMAIL, "scope": "b c", "aud": audience, "iat": seconds, "exp": seconds + 300}
    assert jwt.decode(made, options={"verify_signature": False}) == expected
    assert jwt.get_unverified_header(made) == {"alg": "RS256", "kid": "a", "typ": "JWT"}


def test_where_nothing_else_is_said_google_is_asked() -> None:
    assert google.PROVIDER.endpoint(google.Config()) == "oauth2.googleapis.com:443"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"type": "authorized_user"}, "a person's login"),
        ({"type": "external_account"}, "federation"),
        ({"type": "canary"}, "another file"),
        ({"type": None}, "another file"),
        ({"client_email": None}, "lacks client_email"),
        ({"private_key": "", "project_id": 7}, "lacks private_key, project_id"),
        ({"client_email": "canary@example.com"}, "client_email cannot be"),
        ({"client_email": "canary@evil-gserviceaccount.com"}, "client_email cannot be"),
        ({"private_key_id": "canary"}, "private_key_id cannot be"),
        ({"project_id": "canary project"}, "project_id cannot be"),
        ({"private_key": "canary"}, "private_key is not one private key"),
        ({"token_uri": "https://canary.example.com/token"}, "token_uri is not Google's"),
        (
            {"token_uri": "https://oauth2.googleapis.com.canary.example.com/token"},
            "token_uri is not Google's",
        ),
    ],
)
def test_a_file_that_cannot_be_right_is_named_without_a_call(
    key: dict[str, str], changes: dict[str, Any], says: str
) -> None:
    message = probing.message_of(google.PROVIDER, {}, serviceAccountJSON=compact({**key, **changes}))
    assert says in message
    assert "canary" not in message


@pytest.mark.parametrize("text", ["canary", "[1]", "{", "[" * 5000, '{"type": NaN}', '"canary"', "7" * 9000])
def test_what_is_no_file_is_named_without_a_call(text: str) -> None:
    message = probing.message_of(google.PROVIDER, {}, serviceAccountJSON=text)
    assert "is not a JSON object" in message


def test_another_universe_needs_its_endpoint(key: dict[str, str]) -> None:
    text = compact({**key, "universe_domain": "canary.example.com"})
    assert "universe" in probing.message_of(google.PROVIDER, {}, serviceAccountJSON=text)
    _inspect(text, {"tokenURL": "https://oauth2.canary.example.com/token"})


@pytest.mark.parametrize(
    "token_uri",
    [OWN, "https://accounts.google.com/o/oauth2/token", "https://www.googleapis.com/oauth2/v4/token"],
)
def test_files_of_all_ages_are_read(key: dict[str, str], token_uri: str) -> None:
    _inspect(compact({**key, "token_uri": token_uri}), {})


@pytest.mark.parametrize(
    ("email", "project"),
    [
        ("123456789012-compute@developer.gserviceaccount.com", PROJECT),
        ("example-project@appspot.gserviceaccount.com", PROJECT),
        ("backup@example-project.example.com.iam.gserviceaccount.com", "example.com:example-project"),
    ],
)
def test_accounts_of_all_kinds_are_read(key: dict[str, str], email: str, project: str) -> None:
    _inspect(compact({**key, "client_email": email, "project_id": project}), {"projectID": project})


def _inspect(text: str, config: Mapping[str, Any]) -> None:
    keys = contract.load(google.PROVIDER, {"key.json": text.encode()}, {})
    google.PROVIDER.inspect(google.Config.model_validate(config), keys)


@pytest.mark.parametrize(
    "config",
    [
        {"scopes": []},
        {"scopes": ["with space"]},
        {"projectID": "Example"},
        {"tokenURL": "http://oauth2.googleapis.com/token"},
        {"tokenURL": "https://user@example.com/token"},
    ],
)
def test_a_spec_that_cannot_be_right_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        google.Config.model_validate(config)

"""OAuth 2, before a server that looks at secrets, scopes and assertions."""

from __future__ import annotations

import datetime
import email.utils
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pydantic
import pytest

from credential_operator import errors
from credential_operator.providers import oauth2
from emulators.oauth2 import Issuer, OAuth2Server
from providers import signing, suite
from providers.probing import message_of

CLIENT = "reports/eu"
SECRET = "canary-secret: with +&=%/ and everything"
ISSUER = "reports@example.com"
SUBJECT = "robot@example.com"
URL = "https://login.example.com/token"


@pytest.fixture(scope="module")
def server() -> Iterator[OAuth2Server]:
    with OAuth2Server(hosts=["rebind.example.com"]) as server:
        yield server


def at(config: Mapping[str, Any], url: str) -> Mapping[str, Any]:
    return {**config, "tokenURL": f"{url}/token"}


class Asking(suite.Reading):
    """What every grant keeps that asks for a token."""

    def test_a_missing_field_is_named_with_the_keys_to_write_it_under(self, stage: suite.Stage) -> None:
        for name in oauth2.NEEDED[stage.config.get("grant", "ClientCredentials")]:
            with pytest.raises(errors.InvalidKeyMaterial) as raised:
                stage.check({other: text for other, text in stage.good.items() if other != name})
            for spelling in (name, *oauth2.PROVIDER.variables[name]):
                assert spelling in raised.value.message

    def test_it_asks_once_and_the_token_is_seen_nowhere(
        self, stage: suite.Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        stage.emulator.reset_calls()
        left_behind = repr(stage.check()) + caplog.text
        assert [(call.method, call.status) for call in stage.emulator.calls] == [("POST", 200)]
        assert stage.emulator.tokens
        assert not [token for token in stage.emulator.tokens if token in left_behind]

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("invalid_client", errors.Rejected),
            ("invalid_grant", errors.Rejected),
            ("unauthorized_client", errors.PermissionDenied),
            ("access_denied", errors.PermissionDenied),
            ("invalid_scope", errors.Misconfigured),
            ("unsupported_grant_type", errors.Misconfigured),
            ("invalid_request", errors.Misconfigured),
            ("invalid_target", errors.Misconfigured),
            ("temporarily_unavailable", errors.ProviderUnreachable),
            ("server_error", errors.ProviderUnreachable),
            ("something_else", errors.ProviderUnreachable),
        ],
    )
    @pytest.mark.parametrize("status", [200, 400, 401, 403])
    def test_the_code_says_what_is_wrong_whatever_the_status(
        self,
        stage: suite.Stage,
        refused: Callable[..., Any],
        code: str,
        kind: type[errors.CredentialError],
        status: int,
    ) -> None:
        stage.emulator.faults.error(status=status, code=code, message=suite.BODY)
        message = refused(kind).message
        assert ("something_else" in message) is False

    def test_a_code_of_a_server_in_trouble_is_not_believed(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.error(status=500, code="invalid_client", message=suite.BODY)
        refused(errors.ProviderUnreachable)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [suite.BODY],
            {"access_token": ""},
            {"access_token": " "},
            {"access_token": None},
            {"access_token": [suite.BODY]},
            {"access_token": suite.BODY, "error": "odd"},
            {"error": ["invalid_client"]},
            {"error": {"code": "invalid_client"}},
        ],
    )
    def test_json_without_a_token_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], body: Any
    ) -> None:
        stage.emulator.faults.answer(json.dumps(body))
        refused(errors.ProviderUnreachable)

    @pytest.mark.parametrize(
        "body", ["[" * 60_000, '{"access_token": "', '{"access_token": NaN}', "\ufeff{}"]
    )
    def test_what_is_not_quite_json_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], body: str
    ) -> None:
        stage.emulator.faults.answer(body)
        refused(errors.ProviderUnreachable)

    @pytest.mark.parametrize("status", [201, 302, 400, 401])
    def test_a_token_with_another_status_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], status: int
    ) -> None:
        stage.emulator.faults.answer(json.dumps({"access_token": suite.BODY}), status=status)
        refused(errors.ProviderUnreachable)

    def test_a_scope_that_is_not_given_is_the_specs_fault(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        config = {**stage.config, "scopes": ["api.read", "api.write"]}
        assert "scopes" in refused(errors.Misconfigured, config=config).message

    def test_its_own_authority_is_trusted(self, stage: suite.Stage) -> None:
        stage.check(config={**stage.config, "caBundle": stage.emulator.ca_pem.decode()})


class Secrets(Asking):
    """A client that shows its secret."""

    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        """Nothing that such a client shows depends on the time."""
        stage.emulator.faults.skew(4000)
        stage.check()
        assert refused(errors.Rejected, stage.wrong["secret"])

    def test_a_secret_that_is_shown_in_the_other_way_is_refused_with_advice(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        other = {"Basic": "Post", "Post": "Basic"}[stage.config["clientAuth"]]
        message = refused(errors.Rejected, config={**stage.config, "clientAuth": other}).message
        assert "clientAuth" in message

    def test_a_client_that_may_not_is_known(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        stage.emulator.add_client(CLIENT, SECRET, auth=stage.config["clientAuth"], allowed=False)
        refused(errors.PermissionDenied)

    def test_what_the_server_wants_besides_is_sent(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        wanted = {"audience": "https://api.example.com/", "resource": "https://a.example/?b=c&d"}
        stage.emulator.add_client(CLIENT, SECRET, auth=stage.config["clientAuth"], parameters=wanted)
        config = {"audience": wanted["audience"], "additionalParams": {"resource": wanted["resource"]}}
        plain = {**stage.config, "scopes": []}
        stage.check(config={**plain, **config})
        assert "audience" in refused(errors.Misconfigured, config=plain).message


def stage_of_client(server: OAuth2Server, auth: Any) -> suite.Stage:
    server.reset()
    server.add_client(CLIENT, SECRET, auth=auth, scopes=["api.read", "https://a.example/.default"])
    good = {"clientID": CLIENT, "clientSecret": SECRET}
    return suite.Stage(
        provider=oauth2.PROVIDER,
        emulator=server,
        config=at({"clientAuth": auth, "scopes": ["api.read", "https://a.example/.default"]}, server.url),
        good=good,
        wrong={
            "secret": {**good, "clientSecret": "canary-wrong"},
            "client": {**good, "clientID": "nobody"},
        },
        principal=CLIENT,
        secret_fields=("clientSecret",),
        at=at,
    )


class TestBasic(Secrets):
    @pytest.fixture
    def stage(self, server: OAuth2Server) -> suite.Stage:
        return stage_of_client(server, "Basic")

    def test_text_beyond_ascii_is_sent_as_it_is(self, stage: suite.Stage) -> None:
        stage.emulator.add_client("größe", "canary-pässword", auth="Basic", scopes=stage.config["scopes"])
        stage.check({"clientID": "größe", "clientSecret": "canary-pässword"})


class TestPost(Secrets):
    @pytest.fixture
    def stage(self, server: OAuth2Server) -> suite.Stage:
        return stage_of_client(server, "Post")


def issuer(**changes: Any) -> Issuer:
    """Gives the issuer of the tests, changed."""
    key = signing.public(changes.get("algorithm", "RS256"))
    facts = {"key_id": "key-1", "subjects": [SUBJECT], "scopes": ["api.read"], **changes}
    return Issuer(**{"name": ISSUER, "key": key, **facts})


def stage_of_issuer(server: OAuth2Server, algorithm: str) -> suite.Stage:
    server.reset()
    server.add_issuer(issuer(algorithm=algorithm))
    other = "canary-" * 12 if algorithm == "HS256" else signing.private(algorithm, 1)
    config = {
        "grant": "JWTBearer",
        "issuer": ISSUER,
        "subject": SUBJECT,
        "algorithm": algorithm,
        "keyID": "key-1",
        "scopes": ["api.read"],
    }
    return suite.Stage(
        provider=oauth2.PROVIDER,
        emulator=server,
        config=at(config, server.url),
        good={"signingKey": signing.private(algorithm)},
        wrong={"key": {"signingKey": other}},
        principal=SUBJECT,
        expect={"key_id": "key-1"},
        secret_fields=("signingKey",),
        at=at,
    )


class TestAssertion(Asking):
    @pytest.fixture
    def stage(self, server: OAuth2Server) -> suite.Stage:
        return stage_of_issuer(server, "RS256")

    @pytest.mark.parametrize(
        "change",
        [
            {"issuer": "nobody@example.com"},
            {"subject": "nobody@example.com"},
            {"subject": None},
            {"assertionAudience": "https://another.example.com/"},
            {"keyID": "key-2"},
            {"keyID": None},
            {"algorithm": "RS512"},
        ],
        ids=str,
    )
    def test_an_assertion_that_says_something_else_is_rejected(
        self, stage: suite.Stage, refused: Callable[..., Any], change: Mapping[str, Any]
    ) -> None:
        config = {name: value for name, value in {**stage.config, **change}.items() if value}
        assert "signingKey" in refused(errors.Rejected, config=config).message

    def test_an_issuer_that_may_not_is_known(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        stage.emulator.add_issuer(issuer(allowed=False))
        refused(errors.PermissionDenied)

    def test_the_audience_may_be_another_than_the_url_and_empty_is_the_url(self, stage: suite.Stage) -> None:
        stage.check(config={**stage.config, "assertionAudience": ""})
        audience = "https://login.example.com/"
        stage.emulator.add_issuer(issuer(audience=audience))
        stage.check(config={**stage.config, "assertionAudience": audience})

    @pytest.mark.parametrize("algorithm", ["ES256", "HS256"])
    def test_it_may_be_signed_otherwise(
        self, stage: suite.Stage, refused: Callable[..., Any], algorithm: str
    ) -> None:
        other = stage_of_issuer(stage.emulator, algorithm)
        other.check()
        refused(errors.Rejected, other.wrong["key"], config=other.config)

    def test_claims_are_said_besides_and_the_subject_may_be_nobody(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.add_issuer(issuer(key_id=None, subjects=(), claims={"scope": "a b"}))
        config = at({"grant": "JWTBearer", "issuer": ISSUER}, stage.emulator.url)
        validation = stage.check(config={**config, "claims": {"scope": "a b"}})
        assert validation.identity
        assert validation.identity.principal == ISSUER
        refused(errors.Rejected, config=config)

    def test_a_client_that_signs_may_show_a_secret_besides(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.add_issuer(issuer(name=CLIENT, key_id=None, subjects=(), secret=SECRET))
        config = at({"grant": "JWTBearer"}, stage.emulator.url)
        keys = {**stage.good, "clientID": CLIENT, "clientSecret": SECRET}
        validation = stage.check(keys, config=config)
        assert validation.identity
        assert validation.identity.principal == CLIENT
        refused(errors.Rejected, {**keys, "clientSecret": "canary-wrong"}, config=config)

    def test_a_refusal_is_the_clocks_only_where_the_clocks_differ(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        now = datetime.datetime.now(datetime.UTC)
        for minutes, kind in ((4, errors.Rejected), (-6, errors.ClockSkew), (6, errors.ClockSkew)):
            date = email.utils.format_datetime(now + datetime.timedelta(minutes=minutes))
            said = json.dumps({"error": "invalid_grant", "error_description": suite.BODY})
            stage.emulator.faults.answer(said, status=400, headers={"Date": date})
            refused(kind)
            stage.emulator.faults.clear()
        stage.emulator.faults.skew(4000)
        stage.emulator.faults.error(status=401, code="invalid_client")
        refused(errors.Rejected)


class TestRefreshToken:
    KEYS: Mapping[str, str] = {"clientID": CLIENT, "clientSecret": SECRET, "refreshToken": "canary-refresh"}

    @pytest.fixture
    def stage(self, server: OAuth2Server) -> suite.Stage:
        server.reset()
        config = at({"grant": "RefreshToken"}, server.url)
        return suite.Stage(
            provider=oauth2.PROVIDER, emulator=server, config=config, good=self.KEYS, wrong={}, at=at
        )

    def test_it_is_never_used_to_be_checked(self, stage: suite.Stage) -> None:
        validation = stage.check()
        assert "refresh token" in validation.unasked
        assert validation.identity is None
        assert stage.emulator.calls == []
        assert oauth2.PROVIDER.endpoint(oauth2.Config.model_validate(stage.config)) == ""

    def test_what_is_missing_is_named(self, stage: suite.Stage) -> None:
        message = message_of(oauth2.PROVIDER, stage.config, clientSecret="canary")
        for spelling in ("clientID", "OAUTH_CLIENT_ID", "refreshToken", "OAUTH_REFRESH_TOKEN"):
            assert spelling in message

    def test_it_is_published_with_all_that_its_use_needs(self, stage: suite.Stage) -> None:
        keys = oauth2.Keys.model_validate(self.KEYS)
        config = oauth2.Config.model_validate({**stage.config, "scopes": ["a", "b"]})
        fields = oauth2.PROVIDER.fields(config, keys)
        assert fields == {**self.KEYS, "tokenURL": stage.config["tokenURL"], "scopes": "a b"}


ASSERTING = {"grant": "JWTBearer", "tokenURL": URL, "issuer": "me"}


@pytest.mark.parametrize(
    ("config", "keys", "says"),
    [
        ({}, {"clientID": "canary"}, "clientSecret is missing"),
        ({}, {"clientSecret": "canary"}, "clientID is missing"),
        ({}, {}, "OAUTH_CLIENT_ID"),
        (ASSERTING, {"clientID": "canary"}, "signingKey is missing"),
        (ASSERTING, {"clientSecret": "canary", "signingKey": signing.private("RS256")}, "no clientID"),
        ({"grant": "JWTBearer"}, {"signingKey": signing.private("RS256")}, "issuer is missing"),
        (ASSERTING, {"signingKey": "canary"}, "not a private key in PEM form"),
        (ASSERTING, {"signingKey": signing.short()}, "1024 bits"),
        (
            {"issuer": "me", "claims": {"scope": "a"}},
            {"clientID": "canary", "clientSecret": "canary"},
            "claims, issuer",
        ),
        ({"additionalParams": {"scope": "a"}}, {"clientID": "canary"}, "additionalParams holds scope"),
        ({"additionalParams": {"Api_Key": "a"}}, {"clientID": "canary"}, "additionalParams holds Api_Key"),
        ({**ASSERTING, "claims": {"exp": "1"}}, {"signingKey": "canary"}, "claims holds exp"),
        ({**ASSERTING, "claims": {"my-password": "1"}}, {"signingKey": "canary"}, "claims holds my-password"),
    ],
)
def test_what_cannot_be_is_named(config: Mapping[str, Any], keys: Mapping[str, str], says: str) -> None:
    assert says in message_of(oauth2.PROVIDER, {"tokenURL": URL, **config}, **keys)


@pytest.mark.parametrize(
    "config",
    [
        {"tokenURL": "http://login.example.com/token"},
        {"tokenURL": "https://user@login.example.com/token"},
        {"tokenURL": "https://login.example.com/token#a"},
        {"scopes": ["a b"]},
        {"scopes": [""]},
        {"algorithm": "none"},
        {"lifetime": "61m"},
        {"clientAuth": "None"},
        {"additionalParams": {"a b": "c"}},
        {"keyID": "a b"},
    ],
)
def test_a_config_that_cannot_be_is_refused(config: Mapping[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        oauth2.Config.model_validate({"tokenURL": URL, **config})


def test_a_refused_client_locks_nothing() -> None:
    assert not oauth2.PROVIDER.locks

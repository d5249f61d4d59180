"""Access tokens in place of what a client shows for them, before a server that looks at it and at them."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import jwt
import pytest

from credential_operator import errors
from credential_operator.providers import issue, oauth2
from emulators.oauth2 import Issuer, OAuth2Server
from providers import issuance, signing, suite

CLIENT = "reports/eu"
SECRET = "canary-secret: with +&=%/ and everything"
ISSUER = "reports@example.com"


@pytest.fixture(scope="module")
def server() -> Iterator[OAuth2Server]:
    with OAuth2Server() as server:
        yield server


class Tokens(issuance.Issuance):
    """What every grant keeps that gives tokens."""

    type_name: ClassVar[str] = "oauth2"
    kind: ClassVar[str] = "AccessToken"

    def use(self, stage: suite.Stage, issued: issue.Issued) -> None:
        assert _status(stage, issued) == 200

    def outlive(self, stage: suite.Stage) -> None:
        stage.emulator.limit_tokens(-10)

    def test_it_costs_one_request_and_says_what_it_is_for(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        stage.emulator.reset_calls()
        issued = make(config={**stage.config, "scopes": ["api.read"], "audience": "reports"})
        assert len(stage.emulator.calls) == 1
        assert issued.fields.keys() == {"accessToken", "scopes", "audience", "expiresAt"}
        assert issued.fields["scopes"] == "api.read"
        assert issued.fields["accessToken"] == stage.emulator.tokens[-1]

    def test_it_is_no_longer_accepted_when_its_life_is_over(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        stage.emulator.limit_tokens(1)
        issued = make()
        deadline = time.monotonic() + 5
        while _status(stage, issued) == 200:
            assert time.monotonic() < deadline
        assert _status(stage, issued) == 401

    def test_a_server_that_does_not_say_how_long_is_the_owners_to_solve(
        self, stage: suite.Stage, unmade: Callable[..., Any]
    ) -> None:
        stage.emulator.limit_tokens(None)
        assert "expires_in" in unmade(errors.Misconfigured).message
        assert not [token for token in stage.emulator.tokens if token in unmade(errors.Misconfigured).message]

    def test_a_token_may_say_itself_how_long(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        ends = int(time.time()) + 1800
        token = jwt.encode({"exp": ends}, "k" * 32)
        stage.emulator.faults.answer(json.dumps({"access_token": token, "token_type": "Bearer"}))
        issued = make()
        stage.emulator.faults.clear()
        assert issued.expires_at == datetime.datetime.fromtimestamp(ends, datetime.UTC)

    @pytest.mark.parametrize("seconds", [3600, "3600", 3600.5])
    def test_how_long_is_read_as_servers_write_it(
        self, stage: suite.Stage, make: Callable[..., issue.Issued], seconds: object
    ) -> None:
        stage.emulator.faults.answer(json.dumps({"access_token": "a", "expires_in": seconds}))
        issued = make()
        stage.emulator.faults.clear()
        lasting = issued.expires_at - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(minutes=59) < lasting <= datetime.timedelta(hours=1)

    @pytest.mark.parametrize(
        "body",
        [
            {"access_token": "", "expires_in": 3600},
            {"access_token": f"{suite.BODY}\n", "expires_in": 3600},
            {"access_token": f"{suite.BODY}\u00e9", "expires_in": 3600},
            {"access_token": suite.BODY, "expires_in": 0},
            {"access_token": suite.BODY, "expires_in": -1},
            {"access_token": suite.BODY, "expires_in": 40_000_000},
        ],
    )
    def test_what_cannot_be_a_token_is_none(
        self, stage: suite.Stage, unmade: Callable[..., Any], body: dict[str, Any]
    ) -> None:
        stage.emulator.faults.answer(json.dumps(body))
        unmade(errors.ProviderUnreachable)

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("invalid_client", errors.Rejected),
            ("unauthorized_client", errors.PermissionDenied),
            ("invalid_scope", errors.Misconfigured),
            ("temporarily_unavailable", errors.ProviderUnreachable),
        ],
    )
    def test_codes_decide(
        self,
        stage: suite.Stage,
        unmade: Callable[..., Any],
        code: str,
        kind: type[errors.CredentialError],
    ) -> None:
        stage.emulator.faults.error(status=400, code=code, message=suite.BODY)
        unmade(kind)


class TestClientCredentials(Tokens):
    @pytest.fixture
    def stage(self, server: OAuth2Server) -> suite.Stage:
        server.reset()
        server.add_client(CLIENT, SECRET, scopes=["api.read"])
        good = {"clientID": CLIENT, "clientSecret": SECRET}
        wrong = {"secret": {**good, "clientSecret": "canary-wrong"}, "name": {**good, "clientID": "nobody"}}
        return _stage(server, {}, good, wrong)


class TestAssertion(Tokens):
    @pytest.fixture
    def stage(self, server: OAuth2Server) -> suite.Stage:
        server.reset()
        public = signing.public("RS256")
        server.add_issuer(Issuer(name=ISSUER, key=public, subjects=[ISSUER], scopes=["api.read"]))
        good = {"signingKey": signing.private("RS256")}
        config = {"grant": "JWTBearer", "issuer": ISSUER, "subject": ISSUER}
        return _stage(server, config, good, {"key": {"signingKey": signing.private("RS256", 1)}})

    def stored(self, stage: suite.Stage) -> list[str]:
        return [line for line in stage.good["signingKey"].splitlines() if not line.startswith("-")]


class TestRefreshToken:
    """A refresh token is not used to get another token, which may end it."""

    unmade = issuance.Issuance.unmade
    make = issuance.Issuance.make
    options = issuance.Issuance.options
    kind = "AccessToken"

    @pytest.fixture
    def stage(self, server: OAuth2Server) -> suite.Stage:
        server.reset()
        good = {"clientID": CLIENT, "refreshToken": "canary-refresh-token"}
        return _stage(server, {"grant": "RefreshToken"}, good, {})

    def test_it_is_refused_without_a_call(self, stage: suite.Stage, unmade: Callable[..., Any]) -> None:
        message = unmade(errors.Misconfigured).message
        assert "RefreshToken" in message
        assert "ClientCredentials or JWTBearer" in message
        assert stage.emulator.calls == []


def _stage(
    server: OAuth2Server,
    config: Mapping[str, Any],
    good: Mapping[str, str],
    wrong: Mapping[str, Mapping[str, str]],
) -> suite.Stage:
    return suite.Stage(
        provider=oauth2.PROVIDER,
        emulator=server,
        config={"tokenURL": server.token_url, **config},
        good=good,
        wrong=wrong,
        secret_fields=("clientSecret", "signingKey", "refreshToken"),
        at=lambda config, url: {**config, "tokenURL": f"{url}/token"},
    )


def _status(stage: suite.Stage, issued: issue.Issued) -> int:
    """Shows a token to what takes it."""
    headers = {"Authorization": f"Bearer {issuance.text(issued, 'accessToken')}"}
    with stage.session() as session:
        return session.request("GET", f"{stage.emulator.url}/me", headers=headers, timeout=5).status

"""Signed tokens and keys that sign them, before an HTTP server that verifies them."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk
from joserfc import jwt as jose

from credential_operator import errors
from credential_operator.providers import _signing, jwt
from emulators.jwt_api import JwtApi, Trusted
from providers import probing, signing, suite

ISSUER, SUBJECT, AUDIENCE = "canary-free-issuer", "robot@example.com", "https://api.example.com/"
ALGORITHMS = get_args(_signing.Algorithm)


@pytest.fixture(scope="module")
def api() -> Iterator[JwtApi]:
    with JwtApi(hosts=["rebind.example.com"]) as api:
        yield api


def trusted(algorithm: str = "RS256", **changes: Any) -> Trusted:
    """Gives whom the server trusts in these tests, changed."""
    facts = {"audience": AUDIENCE, "subjects": [SUBJECT], "headers": {"kid": "key-1"}, **changes}
    return Trusted(issuer=ISSUER, key=signing.public(algorithm), algorithm=algorithm, **facts)


def now() -> int:
    return int(datetime.datetime.now(datetime.UTC).timestamp())


def token(number: int = 0, **changes: Any) -> str:
    """Signs a token, with another library than the type's."""
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "exp": now() + 3600, **changes}
    key = jwk.RSAKey.import_key(signing.private("RS256", number))
    return jose.encode({"alg": "RS256", "kid": "key-1"}, claims, key)


def unsigned(header: Any, claims: Any) -> str:
    """Writes a token that nobody signed."""
    parts = [json.dumps(part).encode() for part in (header, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


class Kept(probing.Probing):
    """What both kinds of key material keep."""

    def test_a_missing_field_is_named_with_the_keys_to_write_it_under(self, stage: suite.Stage) -> None:
        with pytest.raises(errors.InvalidKeyMaterial) as raised:
            stage.check({})
        assert "Secret key token or JWT_TOKEN" in raised.value.message
        assert "signingKey" in raised.value.message

    def test_one_who_may_not_is_known(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        algorithm = stage.config.get("algorithm", "RS256")
        stage.emulator.trust(trusted(algorithm, subjects=["somebody@example.com"]))
        refused(errors.PermissionDenied)


class TestToken(Kept):
    @pytest.fixture
    def stage(self, api: JwtApi) -> suite.Stage:
        api.reset()
        api.trust(trusted())
        until = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(hours=2)
        return suite.Stage(
            provider=jwt.PROVIDER,
            emulator=api,
            config=probing.probing({}, api.url),
            good={"token": token(exp=int(until.timestamp()))},
            wrong={
                "key": {"token": token(1)},
                "issuer": {"token": token(iss="nobody")},
                "audience": {"token": token(aud="https://another.example.com/")},
            },
            principal=SUBJECT,
            expect={"key_id": "key-1", "expires_at": until},
            secret_fields=("token",),
            at=probing.probing,
        )

    def test_one_that_is_over_is_known_for_certain_without_a_call(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.reset_calls()
        for config in (stage.config, {}):
            assert refused(errors.Expired, {"token": token(exp=now() - 1)}, config=config).certain
        assert stage.emulator.calls == []

    def test_one_that_is_not_good_yet_is_named(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        assert "nbf" in refused(errors.InvalidKeyMaterial, {"token": token(nbf=now() + 600)}).message
        stage.check({"token": token(nbf=now() + 5)}, config={})

    def test_it_tells_who_it_is_for_although_nobody_is_asked(self, stage: suite.Stage) -> None:
        validation = stage.check(config={})
        assert validation.unasked
        assert validation.identity
        assert (validation.identity.principal, validation.key_id) == (SUBJECT, "key-1")
        assert validation.expires_at == stage.expect["expires_at"]

    @pytest.mark.parametrize("odd", ["", "two\nlines", "x" * 257, 7, ["a"], None])
    def test_what_nobody_could_read_is_left_out(self, stage: suite.Stage, odd: Any) -> None:
        found = stage.check({"token": token(sub=odd)}, config={}).identity
        assert found
        assert found.principal == ISSUER
        assert stage.check({"token": token(sub=odd, iss=odd)}, config={}).identity is None

    def test_one_without_an_end_has_none(self, stage: suite.Stage) -> None:
        key = jwk.RSAKey.import_key(signing.private("RS256"))
        endless = jose.encode({"alg": "RS256"}, {"sub": SUBJECT}, key)
        validation = stage.check({"token": endless}, config={})
        assert (validation.expires_at, validation.key_id) == (None, None)


def stage_of(api: JwtApi, algorithm: str) -> suite.Stage:
    api.reset()
    besides = {"headers": {"kid": "key-1", "typ": "at+jwt"}, "claims": {"scope": "a b"}}
    api.trust(trusted(algorithm, **besides))
    config = {
        "algorithm": algorithm,
        "issuer": ISSUER,
        "subject": SUBJECT,
        "audience": AUDIENCE,
        "keyID": "key-1",
        "headers": {"typ": "at+jwt"},
        "claims": {"scope": "a b"},
    }
    other = "canary-" * 12 if algorithm.startswith("HS") else signing.private(algorithm, 1)
    return suite.Stage(
        provider=jwt.PROVIDER,
        emulator=api,
        config=probing.probing(config, api.url),
        good={"signingKey": signing.private(algorithm)},
        wrong={"key": {"signingKey": other}},
        principal=SUBJECT,
        expect={"key_id": "key-1", "expires_at": None},
        secret_fields=("signingKey",),
        at=probing.probing,
    )


class TestSigningKey(Kept):
    @pytest.fixture
    def stage(self, api: JwtApi) -> suite.Stage:
        return stage_of(api, "ES256")

    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.skew(4000)
        refused(errors.ClockSkew)

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_every_algorithm_is_one_that_others_verify(
        self, stage: suite.Stage, refused: Callable[..., Any], algorithm: str
    ) -> None:
        other = stage_of(stage.emulator, algorithm)
        other.check()
        refused(errors.Rejected, other.wrong["key"], config=other.config)

    def test_every_check_signs_a_fresh_token_which_is_seen_nowhere(
        self, stage: suite.Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(0)
        left_behind = repr([stage.check(), stage.check()]) + caplog.text
        seen = stage.emulator.seen
        assert len(set(seen)) == 2
        assert not [token for token in seen if token in left_behind]

    @pytest.mark.parametrize(
        "change",
        [{"issuer": "nobody"}, {"audience": "a"}, {"keyID": "key-2"}, {"claims": {}}, {"headers": {}}],
        ids=str,
    )
    def test_a_token_that_says_something_else_is_rejected(
        self, stage: suite.Stage, refused: Callable[..., Any], change: Mapping[str, Any]
    ) -> None:
        refused(errors.Rejected, config={**stage.config, **change})

    def test_what_is_signed_lives_as_long_as_it_should(self, stage: suite.Stage) -> None:
        stage.check(config={**stage.config, "lifetime": "10m"})
        said = _signing.read(stage.emulator.seen[-1]).claims
        assert said["exp"] - said["iat"] == 600

    def test_without_a_probe_it_is_known_whose_it_is(self, stage: suite.Stage) -> None:
        config = {name: value for name, value in stage.config.items() if name != "probe"}
        validation = stage.check(config=config)
        assert validation.identity
        assert (validation.identity.principal, validation.key_id) == (SUBJECT, "key-1")

    def test_the_whole_config_is_published_with_the_key(self, stage: suite.Stage) -> None:
        config = jwt.Config.model_validate(stage.config)
        assert jwt.PROVIDER.fields(config, jwt.Keys.model_validate(stage.good)) == {
            **stage.good,
            "algorithm": "ES256",
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "subject": SUBJECT,
            "keyID": "key-1",
        }


CERTIFICATE = "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("algorithm", "key", "says"),
    [
        ("RS256", "canary", "not a private key in PEM form"),
        ("RS256", signing.private("RS256")[:-200], "from BEGIN to END"),
        ("RS256", signing.private("RS256").replace("\n", " "), "lost its lines"),
        ("RS256", signing.private("RS256").replace("\n", "\\n"), "lost its lines"),
        ("RS256", signing.private("RS256", passphrase=b"canary"), "passphrase"),
        ("RS256", signing.public("RS256"), "is a public key"),
        ("RS256", CERTIFICATE, "is a certificate"),
        ("RS256", json.dumps({"private_key": signing.private("RS256")}), "is a JSON document"),
        ("RS256", signing.short(), "1024 bits"),
        ("PS512", signing.short(), "1024 bits"),
        ("RS256", signing.private("ES256"), "not an RSA key"),
        ("ES256", signing.private("RS256"), "another kind than ES256"),
        ("ES256", signing.private("ES384"), "secp384r1"),
        ("EdDSA", signing.private("ES256"), "another kind than EdDSA"),
        ("ES256", signing.private("EdDSA"), "another kind than ES256"),
        ("HS256", "canary-" + "x" * 24, "32 bytes"),
        ("HS512", "canary-" + "x" * 56, "64 bytes"),
        ("HS256", "canary-" * 8 + "\n", "ends with a newline"),
        ("HS256", signing.private("RS256"), "is a PEM document"),
        ("HS256", signing.public("RS256"), "is a PEM document"),
        ("HS256", "canary-" * 3000, "longer than any key"),
    ],
)
def test_a_key_that_cannot_sign_is_named(algorithm: str, key: str, says: str) -> None:
    message = probing.message_of(jwt.PROVIDER, {"algorithm": algorithm}, signingKey=key)
    assert says in message
    assert "canary" not in message


GOOD_HEADER = {"alg": "RS256"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("canary", "is not a JWT"),
        ("canary.canary.canary", "is not a JWT"),
        ("Bearer " + unsigned(GOOD_HEADER, {}) + "canary", "is not a JWT"),
        (unsigned(GOOD_HEADER, {}) + "canary.canary.canary", "is not a JWT"),
        (unsigned({"alg": 7}, {}) + "canary", "is not a JWT"),
        (unsigned({}, {}) + "canary", "is not a JWT"),
        (unsigned([], {}) + "canary", "is not a JWT"),
        (unsigned(GOOD_HEADER, []) + "canary", "is not a JWT"),
        (unsigned(GOOD_HEADER, {}), "is not signed"),
        (unsigned({"alg": "none"}, {}), "is not signed"),
        (unsigned({"alg": "None"}, {}) + "canary", "is not signed"),
        (unsigned(GOOD_HEADER, {"exp": "canary"}) + "canary", "exp is not a time"),
        (unsigned(GOOD_HEADER, {"exp": True}) + "canary", "exp is not a time"),
        (unsigned(GOOD_HEADER, {"exp": 10**18}) + "canary", "exp is not a time"),
        (unsigned(GOOD_HEADER, {"nbf": [1]}) + "canary", "nbf is not a time"),
    ],
)
def test_what_is_no_token_is_named(text: str, says: str) -> None:
    message = probing.message_of(jwt.PROVIDER, {}, token=text)
    assert says in message
    assert "canary" not in message


@given(
    st.text() | st.binary().map(lambda raw: f"{base64.urlsafe_b64encode(raw).decode().rstrip('=')}.e30.e30")
)
def test_any_text_is_read_or_is_no_token(text: str) -> None:
    with contextlib.suppress(errors.InvalidKeyMaterial):
        assert isinstance(_signing.read(text).header["alg"], str)


def test_only_one_can_be_meant() -> None:
    keys = {"token": token(), "signingKey": signing.private("RS256")}
    assert "only one" in probing.message_of(jwt.PROVIDER, {}, **keys)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"claims": {"SUB": "a"}}, "claims holds SUB"),
        ({"claims": {"refresh_token": "canary"}}, "claims holds refresh_token"),
        ({"headers": {"alg": "none"}}, "headers holds alg"),
        ({"headers": {"x5t": "a", "jku": "https://a"}}, "headers holds jku, x5t"),
        ({"headers": {"api-key": "canary"}}, "headers holds api-key"),
    ],
)
def test_maps_hold_neither_keys_nor_what_has_a_field(config: Mapping[str, Any], says: str) -> None:
    message = probing.message_of(jwt.PROVIDER, config, signingKey=signing.private("RS256"))
    assert says in message
    assert "canary" not in message


@pytest.mark.parametrize(
    "config",
    [
        {"algorithm": "none"},
        {"algorithm": "ES256K"},
        {"lifetime": "2h"},
        {"headers": {"a b": "c"}},
        {"keyID": ""},
    ],
)
def test_a_config_that_cannot_be_is_refused(config: Mapping[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        jwt.Config.model_validate(config)


def test_a_key_whose_halves_do_not_match_is_damaged() -> None:
    key = _signing.load(signing.private("RS256"), "RS256")
    other = _signing.load(signing.private("RS256", 1), "RS256")
    made = key.sign({"sub": "a"}, {})
    assert key.verifies(made)
    assert not dataclasses.replace(key, public=other.public).verifies(made)
    assert "PRIVATE" not in repr(key)

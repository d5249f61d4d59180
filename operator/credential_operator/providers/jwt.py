"""A signed token (JWT, RFC 7519), or the key that signs fresh ones."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _probe, _signing, contract

LEEWAY = datetime.timedelta(minutes=1)
"""How far ahead a token may begin: its issuer's clock is not ours."""
LONG_AGO = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
"""When the token is signed that shows that the key can sign: it is over, so it opens nothing."""
PROOF = datetime.timedelta(seconds=60)

SET = ("alg", "kid", "crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#s256", "enc", "zip")
HEADERS = _signing.neither(
    SET,
    "must be headers that hold no key material and do not say how the token is verified: algorithm and keyID "
    "are fields of their own",
)


class Config(contract.Config):
    """What is public about a token: for signing, what it says; and what proves it."""

    algorithm: _signing.Algorithm = "RS256"
    """For signing: how. HS: with a secret that those know too who verify."""
    issuer: Annotated[str | None, pydantic.Field(max_length=1024)] = None
    """For signing: who signs (iss)."""
    audience: Annotated[str | None, pydantic.Field(max_length=1024)] = None
    """For signing: for whom the token is (aud)."""
    subject: Annotated[str | None, pydantic.Field(max_length=1024)] = None
    """For signing: of whom the token speaks (sub)."""
    key_id: Annotated[_signing.KeyID | None, pydantic.Field(alias="keyID")] = None
    """For signing: the name under which those know the key who verify (kid)."""
    lifetime: Annotated[datetime.timedelta, values.Duration(minimum="10s", maximum="1h")] = (
        datetime.timedelta(minutes=5)
    )
    """For signing: how long the token is good that the probe sends, from 10s to 1h."""
    claims: _signing.Claims = pydantic.Field(default={})
    """For signing: what the token says besides, such as scope. No key material."""
    headers: Annotated[dict[_signing.Name, Annotated[str, pydantic.Field(max_length=256)]], HEADERS] = (
        pydantic.Field(default={}, max_length=8)
    )
    """For signing: what stands in the token's header besides algorithm and keyID, such as typ."""
    probe: _probe.Probe | None = None
    """The HTTP request that proves the token, which is sent as Authorization: Bearer. Where it is left out,
    nobody is asked: then only what the token or the key itself tells is checked."""


class Keys(contract.Keys):
    """A token, or the key that signs one."""

    token: contract.Line | None = None
    """The token."""
    signing_key: contract.Document | None = pydantic.Field(None, alias="signingKey")
    """What signs tokens: a private key in PEM form, or a secret for HS."""

    def texts(self) -> dict[str, str]:
        """Gives what is there, by its public name."""
        found = {"token": self.token, "signingKey": self.signing_key}
        return {name: value.get_secret_value() for name, value in found.items() if value}


class Provider:
    """Reads the token, or signs one, and shows it to a URL."""

    name: ClassVar[str] = "jwt"
    title: ClassVar[str] = "A signed token (JWT), or the key that signs one."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = "Two requests to the probed URL, the first without the token; none without a probe."
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "token": ("JWT_TOKEN",),
        # No variable: a PEM key has lines, which not every reader of variables takes.
        "signingKey": (),
        "algorithm": (),
        "issuer": (),
        "audience": (),
        "subject": (),
        "keyID": (),
    }
    example: ClassVar[Mapping[str, Any]] = {"probe": {"url": "https://api.example.com/v1/account"}}
    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "jwt-signing": {
            "algorithm": "ES256",
            "issuer": "reports",
            "audience": "https://api.example.com/",
            "keyID": "2026-01",
            "probe": {"url": "https://api.example.com/v1/account"},
        }
    }

    def endpoint(self, config: Config) -> str:
        """Names the endpoint of the probe."""
        return _probe.endpoint(config.probe)

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        _probe.inspect(config.probe)
        _signing.check_claims(config.claims)
        if wrong := _signing.offenders(config.headers, SET):
            raise errors.Misconfigured(f"headers holds {', '.join(wrong)}: they {HEADERS.message}.")
        texts = keys.texts()
        if len(texts) != 1:
            raise errors.InvalidKeyMaterial(BOTH if texts else NEITHER)
        if "token" in texts:
            said = _signing.read(texts["token"])
            for name in ("exp", "nbf"):
                said.time(name)
            return
        key = _signing.load(texts["signingKey"], config.algorithm)
        if not key.verifies(_sign(key, config, LONG_AGO, PROOF)):
            raise errors.InvalidKeyMaterial("signingKey is damaged: its public half refuses what it signs.")

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Reads or signs the token, and makes the probe."""
        texts, now = keys.texts(), context.now()
        if "token" in texts:
            token, known = texts["token"], _known(_signing.read(texts["token"]), now)
        else:
            key = _signing.load(texts["signingKey"], config.algorithm)
            token = _sign(key, config, now, config.lifetime)
            known = contract.Validation(
                identity=_identity(config.subject or config.issuer), key_id=config.key_id
            )
        if config.probe is None:
            return dataclasses.replace(known, unasked=_probe.unasked(self.name).unasked)
        shown = {"Authorization": f"Bearer {token}"}
        _probe.prove(config.probe, _probe.Proof(headers=shown, timed="signingKey" in texts), context)
        return known

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:
        """Gives what formats draw from: what is for signing only where there is a key to sign with."""
        texts = keys.texts()
        signing = {
            "algorithm": config.algorithm,
            "issuer": config.issuer,
            "audience": config.audience,
            "subject": config.subject,
            "keyID": config.key_id,
        }
        fields = {**texts, **(signing if "signingKey" in texts else {})}
        return {name: value for name, value in fields.items() if value}


NEITHER = (
    "token and signingKey are missing: write the token under the Secret key "
    f"{' or '.join(('token', *Provider.variables['token']))}, or a key that signs one under signingKey."
)
BOTH = "token and signingKey are both there, and only one can be meant: remove the other."


def _known(said: _signing.Said, now: datetime.datetime) -> contract.Validation:
    """Gives what a token tells; raises Expired for one that is over."""
    expires, begins = said.time("exp"), said.time("nbf")
    if expires and expires <= now:
        raise errors.Expired("The token's own life is over (exp): write a new one.", certain=True)
    if begins and begins > now + LEEWAY:
        raise errors.InvalidKeyMaterial("token is not good yet (nbf): write one that is, or wait for it.")
    return contract.Validation(
        identity=_identity(said.text("sub") or said.text("iss")), key_id=said.key_id, expires_at=expires
    )


def _identity(principal: str | None) -> contract.Identity | None:
    return contract.Identity(principal=principal) if principal else None


def _sign(key: _signing.Key, config: Config, now: datetime.datetime, lifetime: datetime.timedelta) -> str:
    """Signs a token that says what the config does."""
    claims = _signing.claims_of(
        now=now,
        lifetime=lifetime,
        more=config.claims,
        iss=config.issuer,
        sub=config.subject,
        aud=config.audience,
    )
    return key.sign(claims, _signing.headers_of(config.key_id, config.headers))


PROVIDER = Provider()

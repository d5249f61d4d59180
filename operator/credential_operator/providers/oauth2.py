"""OAuth 2: a client and its secret, an assertion that a key signs (RFC 7523), or a refresh token.

The answers of a token endpoint: RFC 6749, sections 5.1 and 5.2; RFC 8707, section 2 (invalid_target).
"""

import base64
import datetime
import urllib.parse
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _json, _oauth2_issue, _signing, contract, issue, network

OK = 200
SERVER_ERROR = 500
"""How far the server's clock may be from ours before a refused assertion is its clock's doing."""

GRANT_TYPES = {
    "ClientCredentials": "client_credentials",
    "JWTBearer": "urn:ietf:params:oauth:grant-type:jwt-bearer",
}
NEEDED = {
    "ClientCredentials": ("clientID", "clientSecret"),
    "JWTBearer": ("signingKey",),
    "RefreshToken": ("clientID", "refreshToken"),
}
"""Grant -> the key material that it cannot do without."""

UNKNOWN_CLIENT = (
    "clientID is not known, clientSecret does not belong to it, or it is to be shown in the other way "
    "(clientAuth)"
)
UNKNOWN_ASSERTION = (
    "signingKey is not the one that it knows, or issuer, subject, assertionAudience, lifetime or keyID "
    "is not what it accepts"
)
REFUSALS: Mapping[str, tuple[type[errors.CredentialError], str]] = {
    "invalid_client": (errors.Rejected, UNKNOWN_CLIENT),
    "invalid_grant": (errors.Rejected, "it does not accept, or no longer, what the client shows"),
    "unauthorized_client": (errors.PermissionDenied, "the client may not use this grant: allow it there"),
    "access_denied": (
        errors.PermissionDenied,
        "the client may not have this token: grant it the right there",
    ),
    "invalid_scope": (errors.Misconfigured, "it does not know scopes, or does not give them to this client"),
    "unsupported_grant_type": (
        errors.Misconfigured,
        "it does not serve this grant: look at grant and tokenURL",
    ),
    "invalid_request": (
        errors.Misconfigured,
        "it wants to be asked otherwise: look at clientAuth, scopes, audience and additionalParams",
    ),
    "invalid_target": (
        errors.Misconfigured,
        "it gives no tokens for this audience: look at audience and additionalParams",
    ),
}

SET = (
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "assertion",
    "refresh_token",
    "scope",
    "audience",
    "code",
    "code_verifier",
    "username",
    "password",
)
PARAMETERS = _signing.neither(
    SET,
    "must be parameters that hold no key material and are not the grant's to set: key material belongs in "
    "the source Secret, and scopes and audience have fields of their own",
)

Scope = Annotated[
    str,
    pydantic.Field(max_length=256),
    values.Matching(r"^[!#-\[\]-~]+$", "one scope, without white space, such as api.read"),
]


class Config(contract.Config):
    """What is public about an OAuth 2 client: where tokens are asked for, and how."""

    token_url: Annotated[
        str,
        pydantic.Field(alias="tokenURL", max_length=2048),
        values.Matching(
            r"^https://[^/?#@\\ ]+(/[!$-~]*)?$",
            "a URL that begins with https://, such as https://login.example.com/oauth2/token",
        ),
    ]
    """The token endpoint."""
    grant: Literal["ClientCredentials", "JWTBearer", "RefreshToken"] = "ClientCredentials"
    """What is shown for a token: the client's secret, an assertion that signingKey signs (RFC 7523), or a
    refresh token. The last is never used only to check it, since its use may use it up."""
    scopes: tuple[Scope, ...] = pydantic.Field(default=(), max_length=32)
    """What the token is asked for, where the server does not decide that by itself."""
    audience: Annotated[str | None, pydantic.Field(max_length=1024)] = None
    """Whom the token is asked for, sent as the parameter audience to servers that want it."""
    client_auth: Literal["Basic", "Post"] = "Basic"
    """How clientSecret is shown: in the header Authorization, or among the parameters."""
    additional_params: Annotated[
        dict[_signing.Name, Annotated[str, pydantic.Field(max_length=1024)]], PARAMETERS
    ] = pydantic.Field(default={}, max_length=8)
    """What the server wants to read besides, such as resource. No key material."""
    issuer: Annotated[str | None, pydantic.Field(max_length=1024)] = None
    """JWTBearer: who signs the assertion (iss). Where it is left out, clientID."""
    subject: Annotated[str | None, pydantic.Field(max_length=1024)] = None
    """JWTBearer: for whom the token is (sub). Where it is left out, the assertion names nobody: some servers
    want that, and others name the issuer again."""
    assertion_audience: Annotated[str | None, pydantic.Field(max_length=2048)] = None
    """JWTBearer: for which server the assertion is (aud). Where it is left out or empty, tokenURL."""
    algorithm: _signing.Algorithm = "RS256"
    """JWTBearer: how the assertion is signed. HS: with a secret that the server knows too."""
    lifetime: Annotated[datetime.timedelta, values.Duration(minimum="10s", maximum="1h")] = (
        datetime.timedelta(minutes=5)
    )
    """JWTBearer: how long an assertion is good, from 10s to 1h."""
    claims: _signing.Claims = pydantic.Field(default={})
    """JWTBearer: what the assertion says besides, such as scope. No key material."""
    key_id: Annotated[_signing.KeyID | None, pydantic.Field(alias="keyID")] = None
    """JWTBearer: the name under which the server knows the key (kid)."""
    ca_bundle: contract.CABundle = None
    """The certificates (PEM) of the authorities that the server's certificate is checked against, in place of
    the public ones."""


class Keys(contract.Keys):
    """What a client shows for a token; which of it depends on the grant."""

    client_id: contract.Line | None = pydantic.Field(None, alias="clientID")
    """The client's name."""
    client_secret: contract.Line | None = pydantic.Field(None, alias="clientSecret")
    """The client's secret."""
    refresh_token: contract.Line | None = pydantic.Field(None, alias="refreshToken")
    """A refresh token."""
    signing_key: contract.Document | None = pydantic.Field(None, alias="signingKey")
    """What signs assertions: a private key in PEM form, or a secret for HS."""

    def texts(self) -> dict[str, str]:
        """Gives what is there, by its public name."""
        found = {
            "clientID": self.client_id,
            "clientSecret": self.client_secret,
            "refreshToken": self.refresh_token,
            "signingKey": self.signing_key,
        }
        return {name: value.get_secret_value() for name, value in found.items() if value}


class AccessToken(_oauth2_issue.AccessToken):
    """A token that the grant gives."""

    def ask(self, config: Config, keys: Keys, context: contract.Context) -> Mapping[str, Any]:
        """Gives an answer that holds a token."""
        return _given(config, keys, context)


class Provider:
    """Asks a token endpoint for a token, and throws it away."""

    name: ClassVar[str] = "oauth2"
    title: ClassVar[str] = "An OAuth 2 client: its secret, a key that signs assertions, or a refresh token."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = "One request for a token; none for a refresh token, whose use may end it."
    config = Config
    keys = Keys
    issues: ClassVar[tuple[issue.Kind[Any], ...]] = (AccessToken(),)
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "clientID": ("OAUTH_CLIENT_ID",),
        "clientSecret": ("OAUTH_CLIENT_SECRET",),
        "refreshToken": ("OAUTH_REFRESH_TOKEN",),
        # No variable: a PEM key has lines, which not every reader of variables takes.
        "signingKey": (),
        "tokenURL": ("OAUTH_TOKEN_URL",),
        "scopes": ("OAUTH_SCOPES",),
        "audience": ("OAUTH_AUDIENCE",),
        "issuer": (),
        "subject": (),
        "algorithm": (),
        "keyID": (),
    }
    example: ClassVar[Mapping[str, Any]] = {
        "tokenURL": "https://login.example.com/oauth2/token",
        "scopes": ["api.read"],
    }
    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "oauth2-assertion": {
            "grant": "JWTBearer",
            "tokenURL": "https://login.example.com/oauth2/token",
            "issuer": "reports@example.com",
            "subject": "reports@example.com",
        },
        "oauth2-refresh-token": {
            "grant": "RefreshToken",
            "tokenURL": "https://login.example.com/oauth2/token",
        },
    }

    def endpoint(self, config: Config) -> str:
        """Names the token endpoint; nothing for a refresh token, which is not used to be checked."""
        return "" if config.grant == "RefreshToken" else str(network.parse(config.token_url))

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        network.parse(config.token_url)
        if wrong := _signing.offenders(config.additional_params, SET):
            raise errors.Misconfigured(
                f"additionalParams holds {', '.join(wrong)}: they {PARAMETERS.message}."
            )
        _signing.check_claims(config.claims)
        _complete(config, keys.texts())
        if config.grant == "JWTBearer":
            _signing.load(keys.texts()["signingKey"], config.algorithm)

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Asks for a token, and throws it away."""
        if config.grant == "RefreshToken":
            return contract.Validation(
                unasked="The key is not checked, because the use of a refresh token may use it up."
            )
        _given(config, keys, context)
        return contract.Validation(
            identity=contract.Identity(principal=_principal(config, keys.texts())), key_id=config.key_id
        )

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        fields = {
            **keys.texts(),
            "tokenURL": config.token_url,
            "scopes": " ".join(config.scopes),
            "audience": config.audience,
            "issuer": config.issuer,
            "subject": config.subject,
            "algorithm": config.algorithm if config.grant == "JWTBearer" else None,
            "keyID": config.key_id,
        }
        return {name: value for name, value in fields.items() if value}


def _given(config: Config, keys: Keys, context: contract.Context) -> Mapping[str, Any]:
    """Gives an answer that holds a token; raises the CredentialError that any other means."""
    form, headers = _request(config, keys.texts(), context)
    answer = context.session.request(
        "POST",
        config.token_url,
        headers=headers,
        body=urllib.parse.urlencode(form).encode(),
        timeout=context.timeout,
        ca_bundle=config.ca_bundle,
    )
    said = _json.read(answer)
    if answer.status != OK or "error" in said or not _is_text(said.get("access_token")):
        raise _refusal(config, answer, said, context)
    return said


def _complete(config: Config, texts: Mapping[str, str]) -> None:
    """Names what a grant needs and does not have, and what is for another grant."""
    if missing := [name for name in NEEDED[config.grant] if name not in texts]:
        problems = [
            f"{name} is missing: write it under the Secret key "
            f"{' or '.join((name, *Provider.variables[name]))}"
            for name in missing
        ]
        raise errors.InvalidKeyMaterial(f"{'; '.join(problems)} (grant {config.grant}).")
    if config.grant == "JWTBearer":
        if "clientSecret" in texts and "clientID" not in texts:
            raise errors.InvalidKeyMaterial("clientSecret has no clientID: write both, or neither.")
        if not (config.issuer or "clientID" in texts):
            raise errors.Misconfigured("issuer is missing: say who signs the assertion, or write clientID.")
        return
    others = {
        "issuer": config.issuer,
        "subject": config.subject,
        "assertionAudience": config.assertion_audience,
        "claims": config.claims,
        "keyID": config.key_id,
    }
    if foreign := sorted(name for name, value in others.items() if value):
        raise errors.Misconfigured(
            f"{', '.join(foreign)} would say something of an assertion, and grant {config.grant} has none: "
            "remove that, or write grant: JWTBearer."
        )


def _principal(config: Config, texts: Mapping[str, str]) -> str:
    if config.grant == "JWTBearer":
        return config.subject or config.issuer or texts["clientID"]
    return texts["clientID"]


def _request(
    config: Config, texts: Mapping[str, str], context: contract.Context
) -> tuple[dict[str, str], dict[str, str]]:
    """Gives the parameters and the headers of the request for a token."""
    form = {
        **config.additional_params,
        "grant_type": GRANT_TYPES[config.grant],
        "scope": " ".join(config.scopes),
        "audience": config.audience or "",
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if config.grant == "JWTBearer":
        form["assertion"] = _assertion(config, texts, context.now())
    if "clientSecret" in texts and config.client_auth == "Basic":
        headers["Authorization"] = _basic(texts["clientID"], texts["clientSecret"])
    else:
        form["client_id"] = texts.get("clientID", "")
        form["client_secret"] = texts.get("clientSecret", "")
    return {name: value for name, value in form.items() if value}, headers


def _basic(client: str, secret: str) -> str:
    """Writes both as RFC 6749, section 2.3.1 says: each encoded as in a form, so that a colon is no end."""
    pair = f"{urllib.parse.quote(client, safe='')}:{urllib.parse.quote(secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _assertion(config: Config, texts: Mapping[str, str], now: datetime.datetime) -> str:
    claims = _signing.claims_of(
        now=now,
        lifetime=config.lifetime,
        more=config.claims,
        iss=config.issuer or texts.get("clientID"),
        sub=config.subject,
        aud=config.assertion_audience or config.token_url,
    )
    key = _signing.load(texts["signingKey"], config.algorithm)
    return key.sign(claims, _signing.headers_of(config.key_id))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _refusal(
    config: Config, answer: network.Response, said: Mapping[str, Any], context: contract.Context
) -> errors.CredentialError:
    """Turns an answer that is no token into the error that it means."""
    where, code = str(network.parse(config.token_url)), said.get("error")
    if answer.too_many:
        return answer.throttled(where)
    if answer.status < SERVER_ERROR and isinstance(code, str) and code in REFUSALS:
        if code == "invalid_grant" and config.grant == "JWTBearer":
            return _refused_assertion(where, answer, context.now())
        kind, words = REFUSALS[code]
        return kind(f"{where} gave no token: {words} ({code}).")
    return answer.unusable(where)


def _refused_assertion(
    where: str, answer: network.Response, now: datetime.datetime
) -> errors.CredentialError:
    """Tells a clock that differs, which makes every assertion wrong, from a key that is."""
    if answer.skewed(now):
        return errors.ClockSkew(
            f"{where} did not accept the assertion, and its clock and the operator's differ by over 5 minutes."
        )
    return errors.Rejected(f"{where} gave no token: {UNKNOWN_ASSERTION} (invalid_grant).")


PROVIDER = Provider()

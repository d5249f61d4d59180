"""Entra ID's token endpoint: it looks at tenant, application, secret and scope, and signs tokens.

Errors: learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import dataclasses
import hmac
import json
import re
import time
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import algorithms

from emulators.server import wire

LIFE = 3599
KEY_ID = "emulated-1"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LEEWAY = 5 * 60
# The time is the emulator's own, which may be skewed: it is looked at apart.
_CLOCKLESS: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
_TENANT = re.compile(r"[0-9a-fA-F-]{36}|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_ISSUER = "https://sts.windows.net/{}/"

# AADSTS number -> HTTP status, OAuth's word, text
_REFUSALS = {
    900023: (
        400,
        "invalid_request",
        "Specified tenant identifier is neither a valid DNS name, nor a domain.",
    ),
    90002: (400, "invalid_request", "Tenant not found."),
    900144: (400, "invalid_request", "The request body must contain the following parameter."),
    70003: (400, "unsupported_grant_type", "The app requested an unsupported grant type."),
    700016: (400, "unauthorized_client", "Application was not found in the directory."),
    7000112: (400, "unauthorized_client", "Application is disabled."),
    7000215: (401, "invalid_client", "Invalid client secret provided."),
    700027: (401, "invalid_client", "Client assertion failed signature validation."),
    700024: (401, "invalid_client", "Client assertion is not within its valid time range."),
    70021: (401, "invalid_client", "No matching federated identity record found for presented assertion."),
    700211: (401, "invalid_client", "No matching federated identity record found for the issuer."),
    700212: (401, "invalid_client", "No matching federated identity record found for the audience."),
    700213: (401, "invalid_client", "No matching federated identity record found for the subject."),
    501661: (400, "invalid_request", "Request to External OIDC endpoint failed."),
    50013: (400, "invalid_grant", "Assertion failed signature validation."),
    7000222: (401, "invalid_client", "The provided client secret keys for app are expired."),
    53003: (400, "access_denied", "Access has been blocked by Conditional Access policies."),
    70011: (400, "invalid_scope", "The provided value for the input parameter 'scope' is not valid."),
    500011: (400, "invalid_resource", "The resource principal was not found in the tenant."),
}


class Refusal(Exception):
    """Why nobody is signed in."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclasses.dataclass(slots=True)
class Secret:
    """A client secret, from when and until when it lives, and when it was really made (seconds since 1970)."""

    value: str
    starts_at: float
    expires_at: float
    name: str | None = "made by hand"
    key_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    made_at: float = dataclasses.field(default_factory=time.time)


class Federated(NamedTuple):
    """Whose tokens stand in for a key of an application."""

    issuer: str
    subject: str
    audience: str


@dataclasses.dataclass(slots=True)
class Application:
    """An application in one tenant; `blocked` by Conditional Access.

    Its certificates stand under their SHA-256, as `x5t#S256` words it; `roles` are its permissions on Graph, and
    `owners` other applications or itself. `most` and `longest` are how many secrets it may have and how long one may
    live, in seconds; None: it may have none.
    """

    tenant: str
    secrets: list[Secret] = dataclasses.field(default_factory=list)
    certificates: dict[str, x509.Certificate] = dataclasses.field(default_factory=dict)
    federated: list[Federated] = dataclasses.field(default_factory=list)
    roles: list[str] = dataclasses.field(default_factory=list)
    owners: set[str] = dataclasses.field(default_factory=set)
    tags: list[str] = dataclasses.field(default_factory=list)
    most: int = 1200
    longest: float | None = float("inf")
    disabled: bool = False
    blocked: bool = False


class Authority:
    """Tenants, their applications, and the key that signs tokens."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.tenants: dict[str, str] = {}
        self.applications: dict[str, Application] = {}
        self.resources: set[str] = set()
        self.graphs: set[str] = set()
        self.issuers: dict[str, dict[str, Any]] = {}
        self.life = LIFE
        self.unknown = self.unlisted = 0.0
        self._key = key

    def token(self, tenant_name: str, request: wire.Request, now: float) -> wire.Reply:
        """Signs an application in, as POST /{tenant}/oauth2/v2.0/token does."""
        try:
            form = dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))
            tenant = self._tenant(tenant_name)
            self._authenticate(tenant, form, now, f"https://{request.headers['host']}{request.path}")
            token = self._sign(tenant, form["client_id"], self._resource(form["scope"]), now)
        except (KeyError, ValueError):
            return refuse(900144)
        except Refusal as refusal:
            return refuse(refusal.number)
        return reply(200, {"token_type": "Bearer", "expires_in": self.life, "access_token": token})

    def discovery(self, tenant_name: str, url: str) -> wire.Reply:
        """Says where a tenant's tokens are given, and where the keys are that verify them."""
        try:
            tenant = self._tenant(tenant_name)
        except Refusal as refusal:
            return refuse(refusal.number)
        document = {
            "issuer": _ISSUER.format(tenant),
            "token_endpoint": f"{url}/{tenant}/oauth2/v2.0/token",
            "jwks_uri": f"{url}/{tenant}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        }
        return reply(200, document)

    def keys(self) -> wire.Reply:
        """Gives the key that verifies tokens."""
        key = json.loads(algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return reply(200, {"keys": [{**key, "use": "sig", "kid": KEY_ID, "alg": "RS256"}]})

    def read(self, token: str, audience: str, now: float) -> dict[str, Any] | None:
        """Gives a token's claims where its signature, audience, tenant and time are right."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                audience=audience,
                options=_CLOCKLESS,
            )
        except jwt.InvalidTokenError:
            return None
        timely = claims["nbf"] <= now < claims["exp"]
        return claims if timely and claims["iss"] == _ISSUER.format(claims["tid"]) else None

    def _tenant(self, name: str) -> str:
        if not _TENANT.fullmatch(name):
            raise Refusal(900023)
        if name.lower() not in self.tenants:
            raise Refusal(90002)
        return self.tenants[name.lower()]

    def _authenticate(self, tenant: str, form: dict[str, str], now: float, url: str) -> None:
        if form["grant_type"] != "client_credentials":
            raise Refusal(70003)
        application = self.applications.get(form["client_id"].lower())
        if application is None or application.tenant != tenant:
            raise Refusal(700016)
        if application.disabled:
            raise Refusal(7000112)
        if form.get("client_assertion_type") == ASSERTION:
            self._require_assertion(application, form, now, url)
        else:
            _require_secret(application, form["client_secret"], now, self.unknown)
        if application.blocked:
            raise Refusal(53003)

    def _require_assertion(
        self, application: Application, form: dict[str, str], now: float, url: str
    ) -> None:
        try:
            header = jwt.get_unverified_header(form["client_assertion"])
        except jwt.InvalidTokenError:
            raise Refusal(50027) from None
        if "x5t#S256" in header:
            _require_certificate(application, form, now, url)
        else:
            _require_federated(application, form["client_assertion"], self.issuers, now)

    def _resource(self, scope: str) -> str:
        resource, _, permission = scope.rpartition("/")
        if permission != ".default" or not resource.startswith("https://"):
            raise Refusal(70011)
        if resource not in self.resources:
            raise Refusal(500011)
        return resource

    def _sign(self, tenant: str, client: str, audience: str, now: float) -> str:
        claims = {
            "aud": audience,
            "iss": _ISSUER.format(tenant),
            "iat": int(now),
            "nbf": int(now) - 1,
            "exp": int(now) + self.life,
            "appid": client.lower(),
            "tid": tenant,
            "uti": uuid.uuid4().hex,
        }
        roles = self.applications[client.lower()].roles
        if audience in self.graphs and roles:
            claims["roles"] = roles
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": KEY_ID})


def _require_secret(application: Application, sent: str, now: float, unknown: float) -> None:
    """Finds the secret that was sent; none is known before it is so many seconds old."""
    found = (one for one in application.secrets if hmac.compare_digest(one.value.encode(), sent.encode()))
    secret = next(found, None)
    if secret is None or time.time() - secret.made_at < unknown:
        raise Refusal(7000215)
    if secret.expires_at <= now:
        raise Refusal(7000222)


def _require_certificate(application: Application, form: dict[str, str], now: float, url: str) -> None:
    assertion = form["client_assertion"]
    try:
        certificate: Any = application.certificates[jwt.get_unverified_header(assertion)["x5t#S256"]]
        claims = jwt.decode(
            assertion,
            certificate.public_key(),
            algorithms=["PS256", "RS256"],
            audience=url,
            issuer=form["client_id"],
            options=_CLOCKLESS | {"require": ["iss", "sub", "aud", "exp", "nbf", "jti"]},
        )
    except (KeyError, jwt.InvalidTokenError):
        raise Refusal(700027) from None
    if claims["sub"] != form["client_id"]:
        raise Refusal(700027)
    if not claims["nbf"] - _LEEWAY <= now <= claims["exp"] + _LEEWAY:
        raise Refusal(700024)


def _require_federated(
    application: Application, assertion: str, issuers: Mapping[str, dict[str, Any]], now: float
) -> None:
    """Finds the federated credential that a token is for, and verifies it with its issuer's keys."""
    said = jwt.decode(assertion, options={"verify_signature": False})
    audiences = said["aud"] if isinstance(said["aud"], list) else [said["aud"]]
    left = application.federated
    steps: list[tuple[int, Callable[[Federated], bool]]] = [
        (70021, lambda _: True),
        (700211, lambda one: one.issuer == said["iss"]),
        (700213, lambda one: one.subject == said["sub"]),
        (700212, lambda one: one.audience in audiences),
    ]
    for number, fits in steps:
        left = [one for one in left if fits(one)]
        if not left:
            raise Refusal(number)
    if said["iss"] not in issuers:
        raise Refusal(501661)
    try:
        keys = jwt.PyJWKSet.from_dict(issuers[said["iss"]])
        key = keys[jwt.get_unverified_header(assertion)["kid"]]
        options: Any = {**_CLOCKLESS, "require": ["iss", "sub", "aud", "exp"]}
        jwt.decode(assertion, key, algorithms=["RS256", "ES256"], audience=left[0].audience, options=options)
    except (KeyError, jwt.InvalidTokenError, jwt.PyJWKSetError):
        raise Refusal(50013) from None
    if not said.get("nbf", said.get("iat", 0)) - _LEEWAY <= now <= said["exp"] + _LEEWAY:
        raise Refusal(700024)


def refuse(number: int, message: str = "", status: int = 0) -> wire.Reply:
    """Words a refusal by its number."""
    usual, word, text = _REFUSALS.get(number, (400, "invalid_request", "An error."))
    return reply(status or usual, error(word, message or text, number))


def error(word: str, message: str, *numbers: int) -> dict[str, Any]:
    """Gives the document of an error."""
    prefix = f"AADSTS{numbers[0]}: " if numbers else ""
    return {
        "error": word,
        "error_description": f"{prefix}{message} Trace ID: {uuid.uuid4()}",
        "error_codes": list(numbers),
        "trace_id": str(uuid.uuid4()),
        "correlation_id": str(uuid.uuid4()),
    }


def reply(status: int, document: dict[str, Any]) -> wire.Reply:
    """Gives a JSON answer."""
    headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
    return wire.Reply(status=status, headers=headers, body=json.dumps(document).encode())

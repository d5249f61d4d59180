"""Google's token endpoint: what an assertion says (RFC 7523), and what its answers mean; where the APIs are.

Google's words for `invalid_grant`: developers.google.com/identity/protocols/oauth2/service-account#error-codes
"""

import datetime
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from credential_operator import errors
from credential_operator.providers import _issued, _json, network

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
UNIVERSE = "googleapis.com"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE = datetime.timedelta(minutes=5)
"""How long an assertion is good for; Google takes up to an hour."""
"""How far Google lets our clock be from its own."""
OK = 200
REFUSED = frozenset({400, 401, 403})
"""The statuses under which Google says why."""

Refusals = Mapping[str, tuple[type[errors.CredentialError], str]]

DISABLED = "the service account or its project is switched off: switch it on, or write another account's key"
REFUSALS: Refusals = {
    "deleted_client": (errors.Rejected, "the service account was deleted: write another account's key"),
    "invalid_client": (errors.Rejected, "the service account is not known: write another account's key"),
    "disabled_client": (errors.KeyDisabled, DISABLED),
    "unauthorized_client": (
        errors.PermissionDenied,
        "the key is good, and the service account may not have tokens for these scopes",
    ),
    "access_denied": (
        errors.PermissionDenied,
        "the key is good, and a policy of the organization keeps the service account from having tokens",
    ),
    "invalid_scope": (errors.Misconfigured, "scopes holds one that does not exist"),
    "unsupported_grant_type": (
        errors.Misconfigured,
        "the endpoint takes no service account's keys: look at tokenURL",
    ),
}
GRANTS: Refusals = {
    "invalid jwt signature": (
        errors.Rejected,
        "the key was deleted or disabled, or private_key is not the one of private_key_id and client_email",
    ),
    "account not found": (
        errors.Rejected,
        "the service account does not exist any more, or is switched off",
    ),
    "robot is disabled": (errors.KeyDisabled, DISABLED),
    "audience check": (errors.Misconfigured, "the endpoint is not who tokenURL says it is"),
    "short-lived token": (errors.ClockSkew, ""),
    "reasonable timeframe": (errors.ClockSkew, ""),
}
"""What `error_description` holds where `error` is invalid_grant: matched in lower case, and never repeated."""


def assertion(
    key: "rsa.RSAPrivateKey",
    *,
    email: str,
    key_id: str,
    scopes: Sequence[str],
    url: str,
    now: datetime.datetime,
) -> str:
    """Signs what asks for a token: half a millisecond of CPU."""
    crypt, jwt = library()
    issued = int(now.timestamp())
    claims = {
        "iss": email,
        "scope": " ".join(scopes),
        "aud": _audience(url),
        "iat": issued,
        "exp": issued + int(LIFE.total_seconds()),
    }
    return str(jwt.encode(crypt.RSASigner(key, key_id), claims).decode())


def _audience(url: str) -> str:
    """Names who may take an assertion: only Google's own endpoints are shown one that Google takes."""
    host = network.parse(url).host
    return TOKEN_URL if host == UNIVERSE or host.endswith(f".{UNIVERSE}") else url


def project_of(email: str) -> str:
    """Names the project of a service account; empty where its email does not tell."""
    name, _, domain = email.partition("@")[2].removesuffix(".iam.gserviceaccount.com").partition(".")
    if not email.endswith(".iam.gserviceaccount.com"):
        return ""
    return f"{domain}:{name}" if domain else name


def api_url(instead: str | None, api: str) -> str:
    """Names where an API is; `instead` stands for all of them, and holds {api} where each has its own name."""
    return (instead or f"https://{{api}}.{UNIVERSE}").rstrip("/").replace("{api}", api)


@functools.cache
def library() -> tuple[Any, Any]:
    """Loads Google's library, at the first call: listing the types must not pay for it."""
    from google.auth import crypt, jwt  # noqa: PLC0415

    return crypt, jwt


def token_in(response: network.Response, *, where: str, email: str, now: datetime.datetime) -> _issued.Token:
    """Gives the token in an answer; raises the CredentialError that any other means."""
    answer = _json.read(response)
    token, ends = answer.get("access_token"), _json.until(answer.get("expires_in"), now)
    if response.status == OK and "error" not in answer and isinstance(token, str) and token and ends:
        return _issued.Token(text=token, expires_at=ends)
    if response.too_many:
        raise response.throttled(where)
    code = answer.get("error") if response.status in REFUSED else None
    kind, words = meaning(
        code,
        answer.get("error_description"),
        refusals=REFUSALS,
        grants=GRANTS,
        otherwise="it did not accept what the key signed",
        skewed=response.skewed(now),
    )
    if kind is errors.ClockSkew:
        raise response.mistimed(where)
    if words:
        raise kind(f"{where} refused the key of {email}: {words} ({code}).")
    raise response.unusable(where)


def meaning(
    code: object,
    description: object,
    *,
    refusals: Refusals,
    grants: Refusals,
    otherwise: str,
    skewed: bool,
) -> tuple[type[errors.CredentialError], str]:
    """Tells what a code means; no words: nothing that is known.

    `otherwise` is said of an invalid_grant whose cause is not told, unless the clocks are `skewed`.
    """
    if code != "invalid_grant":
        return refusals.get(str(code), (errors.ProviderUnreachable, ""))
    said = str(description).lower()
    for text, known in grants.items():
        if text in said:
            return known
    if skewed:
        return errors.ClockSkew, ""
    return errors.Rejected, otherwise

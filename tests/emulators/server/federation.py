"""Web identities: the issuers that accounts know, and what their tokens say."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import jwt

from emulators.server import answers, wire

_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_ROLE = re.compile(r"arn:([\w-]+):iam::(\d{12}):role/.+")
_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]


@dataclasses.dataclass(frozen=True, slots=True)
class Bearer:
    """Who a token was made for, as a trust policy names them: the provider's ARN, and condition keys."""

    provider: str
    context: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class _Issuer:
    keys: jwt.PyJWKSet
    audiences: list[str]


class Federation:
    """The OpenID Connect providers of all accounts."""

    def __init__(self) -> None:
        self._issuers: dict[tuple[str, str], _Issuer] = {}

    def trust(self, issuer: str, jwks: dict[str, Any], audiences: list[str], account: str) -> None:
        """Makes an issuer a provider of an account."""
        self._issuers[account, issuer] = _Issuer(jwt.PyJWKSet.from_dict(jwks), audiences)

    def clear(self) -> None:
        """Forgets all issuers."""
        self._issuers.clear()

    def bearer(self, form: Mapping[str, str], now: float) -> Bearer:
        """Verifies a token for the account of the role; raises the Refusal that AWS would send."""
        token = form.get("WebIdentityToken", "")
        partition, account = _home(form.get("RoleArn", ""))
        try:
            stated = jwt.decode(token, options={"verify_signature": False})
            key_id = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError:
            raise _invalid("The ID Token provided is not a valid JWT.") from None
        name = str(stated.get("iss"))
        issuer = self._issuers.get((account, name))
        if issuer is None:
            raise _invalid(f"No OpenIDConnect provider found in your account for {name}")
        claims = _verified(token, key_id, issuer, now)
        provider = name.removeprefix("https://")
        context = {f"{provider}:sub": claims["sub"], f"{provider}:aud": _audience(claims, issuer)}
        return Bearer(f"arn:{partition}:iam::{account}:oidc-provider/{provider}", context)


def regional(request: wire.Request, form: Mapping[str, str]) -> wire.Request:
    """Names the region of the role's partition where moto reads it, in the scope of a signature."""
    scope = f"web-identity/20000101/{_REGIONS[_home(form['RoleArn'])[0]]}/sts/aws4_request"
    signature = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
    return dataclasses.replace(request, headers={**request.headers, "authorization": signature})


def _home(arn: str) -> tuple[str, str]:
    """Returns the partition and the account of a role."""
    match = _ROLE.fullmatch(arn)
    if match is None or match[1] not in _REGIONS:
        raise answers.Refusal(400, "ValidationError", f"{arn} is invalid")
    return match[1], match[2]


def _verified(token: str, key_id: str | None, issuer: _Issuer, now: float) -> dict[str, Any]:
    key = next((each for each in issuer.keys.keys if each.key_id == key_id), None)
    if key is None:
        raise _invalid("Couldn't retrieve verification key from your identity provider")
    options: Any = {
        "verify_exp": False,
        "verify_nbf": False,
        "verify_aud": False,
        "require": ["exp", "sub", "aud"],
    }
    try:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=_ALGORITHMS, options=options)
    except jwt.InvalidTokenError:
        raise _invalid("The token's signature is not valid") from None
    if now >= claims["exp"]:
        raise answers.Refusal(400, "ExpiredTokenException", "Token expired")
    return claims


def _audience(claims: Mapping[str, Any], issuer: _Issuer) -> str:
    stated = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    found = next((each for each in stated if each in issuer.audiences), None)
    if found is None:
        raise _invalid("Incorrect token audience")
    return str(found)


def _invalid(message: str) -> answers.Refusal:
    return answers.Refusal(400, "InvalidIdentityToken", message)

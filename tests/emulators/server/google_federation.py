"""Google's Security Token Service: takes tokens of issuers that a provider of a pool trusts, and no others.

cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from emulators.server import google_apis, wire
from emulators.server.google_answers import Refusal

PATH = "/v1/token"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
LEEWAY = 300
ALGORITHMS = ["RS256", "ES256"]
_PROVIDER = re.compile(
    r"(//iam\.googleapis\.com/projects/([0-9]+)/locations/global/workloadIdentityPools/[a-z0-9-]+)/providers/[a-z0-9-]+"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Provider:
    """Whose tokens are taken: `subjects` is its attribute condition, where it has one."""

    issuer: str
    jwks: Mapping[str, Any]
    audiences: tuple[str, ...]
    subjects: tuple[str, ...]


class Federation:
    """Providers by their full names."""

    def __init__(self, apis: google_apis.Apis) -> None:
        self._apis = apis
        self._providers: dict[str, Provider] = {}

    def clear(self) -> None:
        """Forgets everything."""
        self._providers.clear()

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {"trust_issuer": self.trust_issuer}

    def trust_issuer(
        self, issuer: str, jwks: Mapping[str, Any], provider: str, audiences: list[str], subjects: list[str]
    ) -> None:
        """Makes a provider that takes an issuer's tokens."""
        expected = tuple(audiences) or (provider, f"https:{provider}")
        self._providers[provider] = Provider(issuer, jwks, expected, tuple(subjects))

    def exchange(self, request: wire.Request, now: float) -> Mapping[str, Any]:
        """Gives a token of the principal whose token is shown."""
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        if form.get("grant_type") != GRANT:
            raise Refusal(400, "unsupported_grant_type", "Unsupported grant type.")
        if form.get("requested_token_type") != ACCESS_TOKEN or form.get("subject_token_type") != JWT:
            raise Refusal(400, "invalid_request", "Invalid token type.")
        named = _PROVIDER.fullmatch(form.get("audience", ""))
        if named is None:
            words = (
                'Invalid value for "audience". This value should be the full resource name of the provider.'
            )
            raise Refusal(400, "invalid_request", words)
        provider = self._providers.get(named[0])
        if provider is None:
            words = 'The target service indicated by the "audience" parameters is invalid.'
            raise Refusal(400, "invalid_target", words)
        subject = _subject(provider, form.get("subject_token", ""), now)
        scopes = form.get("scope", "").split()
        if not scopes or not all(one.startswith("https://www.googleapis.com/auth/") for one in scopes):
            raise Refusal(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        token = self._apis.issue(f"principal:{named[1]}/subject/{subject}", named[2], scopes, now)
        kind = {
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": 3599 if self._apis.life is None else self._apis.life,
        }
        return {"access_token": token, **kind}


def _subject(provider: Provider, token: str, now: float) -> str:
    """Verifies a token and gives its subject."""
    try:
        header = jwt.get_unverified_header(token)
        told = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise Refusal(400, "invalid_grant", "Unable to parse the ID Token.") from None
    if told.get("iss") != provider.issuer:
        words = (
            f"The issuer in ID Token {told.get('iss')} does not match the expected ones: {provider.issuer}."
        )
        raise Refusal(400, "invalid_grant", words)
    keys = {key["kid"]: jwt.PyJWK.from_dict(key) for key in provider.jwks["keys"]}
    # The time is looked at apart, by a clock that faults may turn.
    options: Any = {
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
        "require": ["sub", "iat", "exp"],
    }
    try:
        claims = jwt.decode(
            token, keys[header["kid"]], algorithms=ALGORITHMS, audience=provider.audiences, options=options
        )
    except jwt.InvalidAudienceError:
        words = f"The audience in ID Token [{told.get('aud')}] does not match the expected audience."
        raise Refusal(400, "invalid_grant", words) from None
    except (KeyError, jwt.InvalidTokenError):
        words = "Unable to verify the signature of the ID Token."
        raise Refusal(400, "invalid_grant", words) from None
    if not claims["iat"] - LEEWAY <= now <= claims["exp"] + LEEWAY:
        raise Refusal(400, "invalid_grant", f"ID Token issued at {claims['iat']} is stale to sign-in.")
    if provider.subjects and claims["sub"] not in provider.subjects:
        words = "The given credential is rejected by the attribute condition."
        raise Refusal(401, "unauthorized_client", words)
    return str(claims["sub"])

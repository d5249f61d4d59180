"""The process of Google: its token endpoint, its APIs and its workload identity federation.

Assertions and tokens are verified with another library than signs them.
"""

from __future__ import annotations

import json
import pathlib
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from emulators.server import (
    channel,
    desk,
    google_accounts,
    google_answers,
    google_apis,
    google_federation,
    wire,
)
from emulators.server.google_answers import Refusal

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = "https://www.googleapis.com/auth/"
LONGEST = 3600
LEEWAY = 300
TOO_MANY = 429


class Endpoint(desk.Desk):
    """Service accounts by email, and what stands behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.apis = google_apis.Apis()
        self.federation = google_federation.Federation(self.apis)

    @property
    def accounts(self) -> dict[str, google_accounts.Account]:
        """The service accounts."""
        return self.apis.accounts

    def create_account(self, email: str, project: str) -> None:
        """Makes a service account, and its project where there is none."""
        self.accounts[email] = google_accounts.Account(project)
        self.apis.projects.setdefault(project, google_apis.Project(project))

    def set_disabled(self, email: str, *, disabled: bool) -> None:
        """Switches a service account off or on."""
        self.accounts[email].disabled = disabled

    def delete_account(self, email: str) -> None:
        """Deletes a service account."""
        del self.accounts[email]

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {
            **super().commands(),
            "create_account": self.create_account,
            "set_disabled": self.set_disabled,
            "delete_account": self.delete_account,
            **self.apis.commands(),
            **self.federation.commands(),
        }

    def reset(self) -> None:
        """Forgets everything."""
        self.apis.clear()
        self.federation.clear()
        self.clear()

    def entry(self, request: wire.Request, reply: wire.Reply, status: int) -> tuple[Any, ...]:
        """Notes path, status and the error that was told."""
        return (request.path, status, _error_in(reply))

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers one request."""
        try:
            if (request.method, request.path) == ("POST", "/token"):
                return google_answers.document(200, self._token(request, now))
            if (request.method, request.path) == ("POST", google_federation.PATH):
                return google_answers.document(200, self.federation.exchange(request, now))
            return google_answers.document(200, self.apis.answer(request, now))
        except (Refusal, google_answers.Denial) as refusal:
            return refusal.reply()

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal; of an API, a code may be followed by a reason: PERMISSION_DENIED/SERVICE_DISABLED."""
        if action in {"/token", google_federation.PATH}:
            usual = "rate_limit_exceeded" if status == TOO_MANY else "internal_failure"
            return Refusal(status, code or usual, message).reply()
        usual = "RESOURCE_EXHAUSTED" if status == TOO_MANY else "INTERNAL"
        word, _, reason = (code or usual).partition("/")
        return google_answers.Denial(status, word, message, reason).reply()

    def _token(self, request: wire.Request, now: float) -> dict[str, Any]:
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        if form.get("grant_type") != GRANT:
            raise Refusal(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")
        claims = self._verified(form.get("assertion", ""), f"https://{request.headers['host']}/token", now)
        _timely(claims, now)
        _scoped(claims)
        email = claims["iss"]
        member, project = f"serviceAccount:{email}", self.accounts[email].project
        token = self.apis.issue(member, project, claims["scope"].split(), now)
        return {
            "access_token": token,
            "expires_in": 3599 if self.apis.life is None else self.apis.life,
            "token_type": "Bearer",
        }

    def _verified(self, assertion: str, url: str, now: float) -> dict[str, Any]:
        """Gives the claims of an assertion that one of the account's keys signed for this endpoint."""
        try:
            header = jwt.get_unverified_header(assertion)
            issuer = jwt.decode(assertion, options={"verify_signature": False}).get("iss")
        except jwt.PyJWTError:
            raise Refusal(400, "invalid_request", "Bad Request") from None
        account = self.accounts.get(issuer or "")
        if account is None:
            raise Refusal(400, "invalid_grant", "Invalid grant: account not found")
        if account.disabled:
            raise Refusal(400, "invalid_grant", "Robot is disabled.")
        key = self.apis.own.key(str(issuer), header.get("kid", ""))
        if key is None or google_answers.seconds(key.expires) < now:
            raise Refusal(400, "invalid_grant", "Invalid JWT Signature.")
        # The time is looked at apart, by a clock that faults may turn.
        options: Any = {"verify_exp": False, "verify_iat": False, "require": ["iss", "aud", "iat", "exp"]}
        try:
            claims = jwt.decode(
                assertion,
                key.public,
                algorithms=["RS256"],
                audience=[google_accounts.OWN, url],
                options=options,
            )
        except jwt.InvalidAudienceError:
            raise Refusal(400, "invalid_grant", "Invalid JWT: Failed audience check.") from None
        except jwt.InvalidTokenError:
            raise Refusal(400, "invalid_grant", "Invalid JWT Signature.") from None
        return dict(claims)


def _timely(claims: Mapping[str, Any], now: float) -> None:
    issued, expires = claims["iat"], claims["exp"]
    if not (issued - LEEWAY <= now <= expires + LEEWAY and 0 < expires - issued <= LONGEST):
        raise Refusal(
            400,
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
            "Check your iat and exp values in the JWT claim.",
        )


def _scoped(claims: Mapping[str, Any]) -> None:
    scopes = claims.get("scope", "").split()
    if not scopes or not all(scope.startswith(SCOPES) for scope in scopes):
        raise Refusal(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")


def _error_in(reply: wire.Reply) -> str:
    """Gives the error of an answer; empty where there is none."""
    try:
        error = json.loads(reply.body).get("error", "")
    except (ValueError, AttributeError):
        return ""
    return str(error.get("status", "")) if isinstance(error, dict) else str(error)


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Endpoint(), config, folder)

"""The process of Google's token endpoint: assertions are verified with another library than signs them."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import secrets
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulators.server import channel, desk, wire

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
OWN = "https://oauth2.googleapis.com/token"
SCOPES = "https://www.googleapis.com/auth/"
LONGEST = 3600
LEEWAY = 300
TOO_MANY = 429


@dataclasses.dataclass(slots=True)
class Account:
    """A service account, with the public halves of its keys."""

    project: str
    keys: dict[str, rsa.RSAPublicKey] = dataclasses.field(default_factory=dict)
    disabled: bool = False


@dataclasses.dataclass(eq=False)
class Refusal(Exception):
    """What is told in place of a token."""

    status: int
    error: str
    description: str


class Endpoint(desk.Desk):
    """Service accounts by email."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts: dict[str, Account] = {}

    def create_account(self, email: str, project: str) -> None:
        """Makes a service account."""
        self.accounts[email] = Account(project)

    def create_key(self, email: str, bits: int) -> dict[str, str]:
        """Makes a key and gives its file."""
        account, key_id = self.accounts[email], secrets.token_hex(20)
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        account.keys[key_id] = key.public_key()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": account.project,
            "private_key_id": key_id,
            "private_key": pem.decode(),
            "client_email": email,
            "client_id": "104857600000000000000",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": OWN,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{email}",
            "universe_domain": "googleapis.com",
        }

    def delete_key(self, email: str, key_id: str) -> None:
        """Deletes a key."""
        del self.accounts[email].keys[key_id]

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
            "create_key": self.create_key,
            "delete_key": self.delete_key,
            "set_disabled": self.set_disabled,
            "delete_account": self.delete_account,
        }

    def reset(self) -> None:
        """Forgets everything."""
        self.accounts.clear()
        self.clear()

    def entry(self, request: wire.Request, reply: wire.Reply, status: int) -> tuple[Any, ...]:
        """Notes path, status and the error that was told."""
        return (request.path, status, _error_in(reply))

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers one request."""
        try:
            return self._token(request, now)
        except Refusal as refusal:
            return _json(refusal.status, {"error": refusal.error, "error_description": refusal.description})

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        usual = "rate_limit_exceeded" if status == TOO_MANY else "internal_failure"
        return _json(status, {"error": code or usual, "error_description": message})

    def _token(self, request: wire.Request, now: float) -> wire.Reply:
        if request.method != "POST" or request.path != "/token":
            return _json(404, {"error": {"code": 404, "message": "Not Found", "status": "NOT_FOUND"}})
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        if form.get("grant_type") != GRANT:
            raise Refusal(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")
        claims = self._verified(form.get("assertion", ""), f"https://{request.headers['host']}/token")
        _timely(claims, now)
        _scoped(claims)
        token = {"access_token": f"ya29.c.{secrets.token_urlsafe(48)}", "expires_in": 3599}
        return _json(200, {**token, "token_type": "Bearer"})

    def _verified(self, assertion: str, url: str) -> dict[str, Any]:
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
        key = account.keys.get(header.get("kid", ""))
        if key is None:
            raise Refusal(400, "invalid_grant", "Invalid JWT Signature.")
        # The time is looked at apart, by a clock that faults may turn.
        options: Any = {"verify_exp": False, "verify_iat": False, "require": ["iss", "aud", "iat", "exp"]}
        try:
            claims = jwt.decode(assertion, key, algorithms=["RS256"], audience=[OWN, url], options=options)
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


def _json(status: int, document: Mapping[str, Any]) -> wire.Reply:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return wire.Reply(status=status, headers=kind, body=json.dumps(document).encode())


def _error_in(reply: wire.Reply) -> str:
    """Gives the error of an answer; empty where there is none."""
    try:
        error = json.loads(reply.body).get("error", "")
    except (ValueError, AttributeError):
        return ""
    return error if isinstance(error, str) else ""


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Endpoint(), config, folder)

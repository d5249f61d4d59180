"""Azure's container registries: what they give for a token of an application, and whom they let in with it.

azure.github.io/acr/AAD-OAuth.html
"""

from __future__ import annotations

import base64
import binascii
import urllib.parse
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from emulators.server import entra, wire

AUDIENCE = "https://containerregistry.azure.net"
USER = "00000000-0000-0000-0000-000000000000"
LIFE = 3 * 3600
PATHS = frozenset({"/oauth2/exchange", "/oauth2/token", "/v2/"})
_CLOCKLESS: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}


class Registries:
    """Registries by host, and the applications that have a role there."""

    def __init__(self, authority: entra.Authority, key: rsa.RSAPrivateKey) -> None:
        self.roles: dict[str, set[str]] = {}
        self.life = LIFE
        self._authority = authority
        self._key = key

    def answer(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers as the registry of the host that is asked."""
        host = request.headers.get("host", "").partition(":")[0]
        if request.path == "/oauth2/exchange":
            return self._exchange(host, dict(urllib.parse.parse_qsl(request.body.decode())), now)
        if request.path == "/oauth2/token":
            return self._give(host, request, now)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and self._read(token, host, "access_token", now):
            return entra.reply(200, {})
        challenge = f'Bearer realm="https://{host}/oauth2/token",service="{host}"'
        return _refuse(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})

    def _exchange(self, host: str, form: dict[str, str], now: float) -> wire.Reply:
        """Gives a refresh token for an application's token."""
        claims = self._authority.read(form.get("access_token", ""), AUDIENCE, now)
        asked = form.get("grant_type") == "access_token" and form.get("service") == host
        if not asked or claims is None or form.get("tenant", claims["tid"]) != claims["tid"]:
            return _refuse(401, "UNAUTHORIZED")
        if claims["appid"] not in self.roles.get(host, ()):
            return _refuse(401, "UNAUTHORIZED")
        return entra.reply(200, {"refresh_token": self._sign(host, "refresh_token", now, self.life)})

    def _give(self, host: str, request: wire.Request, now: float) -> wire.Reply:
        """Gives an access token to who logs in with a refresh token."""
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(sent, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return _refuse(401, "UNAUTHORIZED")
        if (scheme, user) != ("Basic", USER) or not self._read(password, host, "refresh_token", now):
            return _refuse(401, "UNAUTHORIZED")
        return entra.reply(200, {"access_token": self._sign(host, "access_token", now, 3600)})

    def _sign(self, host: str, kind: str, now: float, life: float) -> str:
        claims = {"aud": host, "iss": "Azure Container Registry", "grant_type": kind, "sub": USER}
        times = {"iat": int(now), "nbf": int(now) - 900, "exp": int(now + life)}
        return jwt.encode({**claims, **times}, self._key, algorithm="RS256")

    def _read(self, token: str, host: str, kind: str, now: float) -> bool:
        try:
            claims = jwt.decode(
                token, self._key.public_key(), algorithms=["RS256"], audience=host, options=_CLOCKLESS
            )
        except jwt.InvalidTokenError:
            return False
        return bool(claims["grant_type"] == kind and claims["nbf"] <= now < claims["exp"])


def _refuse(status: int, code: str, headers: dict[str, str] | None = None) -> wire.Reply:
    error = {"code": code, "message": "authentication required", "detail": None}
    reply = entra.reply(status, {"errors": [error]})
    return wire.Reply(status=status, headers={**reply.headers, **(headers or {})}, body=reply.body)

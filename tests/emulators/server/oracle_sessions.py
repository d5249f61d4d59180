"""Oracle's sessions: tokens that hold the public half of a key, which signs for as long as the session lasts."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulators.server import wire

PATH = "/v1/token/upst/actions/GenerateUpst"
SHORTEST, LONGEST = 5, 60
MARK = "ST$"
BODY = frozenset({"content-length", "content-type", "x-content-sha256"})
_CLOCKLESS: Any = {"verify_exp": False, "verify_iat": False}


class InvalidError(ValueError):
    """What was asked for is not what a session can be."""


class Sessions:
    """The key that signs tokens."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.seconds: int | None = None

    def open(self, user: str, tenancy: str, body: bytes, now: float) -> str:
        """Gives a token for a user and the key that is sent."""
        try:
            asked = json.loads(body)
            public = serialization.load_pem_public_key(asked["publicKey"].encode())
            minutes = int(asked.get("sessionExpirationInMinutes", LONGEST))
        except (KeyError, ValueError, AttributeError, UnsupportedAlgorithm):
            raise InvalidError from None
        if not isinstance(public, rsa.RSAPublicKey) or not SHORTEST <= minutes <= LONGEST:
            raise InvalidError
        seconds = minutes * 60 if self.seconds is None else self.seconds
        claims = {
            "sub": user,
            "tenant": tenancy,
            "ptype": "user",
            "sess_exp": int(now) + seconds,
            "iat": int(now),
            "exp": int(now) + seconds,
            "jwk": jwt.algorithms.RSAAlgorithm.to_jwk(public),
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "asw"})

    def holder(self, token: str, now: float) -> tuple[str, rsa.RSAPublicKey] | None:
        """Gives whose session a token is of, and what verifies its requests; None where it is none, or over."""
        try:
            claims = jwt.decode(token, self._key.public_key(), algorithms=["RS256"], options=_CLOCKLESS)
        except jwt.InvalidTokenError:
            return None
        public = jwt.algorithms.RSAAlgorithm.from_jwk(claims["jwk"])
        assert isinstance(public, rsa.RSAPublicKey)
        return (claims["sub"], public) if now < claims["exp"] else None


def covered(request: wire.Request, signed: list[str]) -> bool:
    """Tells whether a signature covers the body, where there must be one."""
    if request.method != "POST":
        return True
    digest = hashlib.sha256(request.body).digest()
    stated = request.headers.get("x-content-sha256", "")
    return set(signed) >= BODY and stated == base64.b64encode(digest).decode()

"""An issuer of ServiceAccounts' tokens of the tests' own."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from jwt.algorithms import RSAAlgorithm

from providers import signing

SUBJECT = "system:serviceaccount:backups:backup"


class Issuer:
    """Signs tokens as an API server does; `number` chooses the key."""

    def __init__(self, url: str = "https://oidc.example.com/cluster", *, number: int = 0) -> None:
        self.url = url
        self._number = number

    @property
    def jwks(self) -> dict[str, Any]:
        """The public keys, as an API server publishes them."""
        public = json.loads(RSAAlgorithm.to_jwk(signing.key("RS256", self._number).public_key()))
        return {"keys": [{**public, "kid": "cluster", "alg": "RS256", "use": "sig"}]}

    def token(self, audience: str, *, subject: str = SUBJECT, seconds: float = 600, **claims: Any) -> str:
        """Makes a token for an audience that is good for some seconds."""
        now = int(time.time())
        stated = {
            "iss": self.url,
            "sub": subject,
            "aud": [audience],
            "iat": now - 3600,
            "exp": now + int(seconds),
            **claims,
        }
        private = signing.key("RS256", self._number)
        return jwt.encode(stated, private, algorithm="RS256", headers={"kid": "cluster"})

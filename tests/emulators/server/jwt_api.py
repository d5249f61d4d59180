"""The token API's process: joserfc verifies tokens, and shares no code with us."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import errors, jwk, jws, jwt

from emulators.server import channel, desk, wire

OPEN = "/open"
_KINDS: dict[str, Any] = {
    "RS": jwk.RSAKey,
    "PS": jwk.RSAKey,
    "ES": jwk.ECKey,
    "Ed": jwk.OKPKey,
    "HS": jwk.OctKey,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Trusted:
    """Whose tokens are accepted, and what they must be."""

    key: Any
    algorithm: str
    audience: str | None
    subjects: list[str]
    headers: Mapping[str, str]
    claims: Mapping[str, str]

    def verify(self, token: str, now: float) -> Mapping[str, Any]:
        """Gives what a token says; raises JoseError or ValueError where it is not to be believed."""
        found = jwt.decode(token, self.key, algorithms=[self.algorithm], registry=_registry(self.algorithm))
        expected: dict[str, Any] = (
            {"aud": {"essential": True, "value": self.audience}} if self.audience else {}
        )
        jwt.JWTClaimsRegistry(now=int(now), exp={"essential": True}, **expected).validate(found.claims)
        if (
            not self.headers.items() <= found.header.items()
            or not self.claims.items() <= found.claims.items()
        ):
            raise ValueError
        return found.claims


def _registry(algorithm: str) -> jws.JWSRegistry:
    return jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)


class Api(desk.Desk):
    """Issuers by name; everything but /open needs a token of one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.trusted: dict[str, Trusted] = {}
        self.seen: list[str] = []

    def trust(self, issuer: str, key: str, algorithm: str, **facts: Any) -> None:
        """Accepts an issuer's tokens."""
        self.trusted[issuer] = Trusted(_KINDS[algorithm[:2]].import_key(key), algorithm, **facts)

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {
            **super().commands(),
            "trust": self.trust,
            "seen": lambda: self.seen,
        }

    def reset(self) -> None:
        """Forgets everything."""
        self.trusted.clear()
        self.seen.clear()
        self.clear()

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        return _word(status, code, message)

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers one request."""
        if request.path == OPEN:
            return _word(200, "", "everybody may read this")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        trusted = self._issuer(token) if scheme == "Bearer" else None
        if trusted is None:
            return _word(401, "", "who are you?")
        try:
            said = trusted.verify(token, now)
        except (errors.JoseError, ValueError):
            return _word(401, "", "not a token of mine")
        if trusted.subjects and said.get("sub") not in trusted.subjects:
            return _word(403, "", "not you")
        self.seen.append(token)
        return _word(200, "", "welcome")

    def _issuer(self, token: str) -> Trusted | None:
        try:
            said = json.loads(jws.extract_compact(token.encode()).payload)
        except (errors.JoseError, ValueError):
            return None
        return self.trusted.get(said.get("iss", "")) if isinstance(said, dict) else None


def _word(status: int, _: str, message: str) -> wire.Reply:
    return wire.Reply(status=status, headers={"Content-Type": "text/plain"}, body=message.encode())


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Api(), config, folder)

"""An HTTP API that verifies signed tokens, and refuses what is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

from emulators import service


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trusted:
    """Whose tokens are accepted, and what they must be.

    `key` is the public key (PEM), or for HS the secret; `headers` and `claims` are what tokens must say
    besides; of `subjects`, where there are any, everybody else gets 403.
    """

    issuer: str
    key: str
    algorithm: str = "RS256"
    audience: str | None = None
    subjects: Sequence[str] = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    claims: Mapping[str, str] = dataclasses.field(default_factory=dict)


class JwtApi(service.Service):
    """An HTTPS server on 127.0.0.1, in a process of its own: /open is for everybody, all else needs a token."""

    kind: ClassVar[str] = "jwt_api"

    @property
    def seen(self) -> list[str]:
        """The tokens that were accepted so far."""
        return list(self.child.call("seen"))

    def trust(self, trusted: Trusted) -> None:
        """Accepts an issuer's tokens from now on."""
        self.child.call("trust", **dataclasses.asdict(trusted))

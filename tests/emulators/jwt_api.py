"""An HTTP API that verifies signed tokens, and refuses what is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

from emulators import child, faults
from emulators.http_api import Call


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


class JwtApi(child.Emulator):
    """An HTTPS server on 127.0.0.1, in a process of its own: /open is for everybody, all else needs a token."""

    kind: ClassVar[str] = "jwt_api"

    def __init__(self, *, hosts: Sequence[str] = (), port: int = 0) -> None:
        super().__init__(hosts=list(hosts), port=port)

    @property
    def faults(self) -> faults.Faults:
        """The trouble that requests meet; `action` is a path."""
        return faults.Faults(self.child.call)

    @property
    def calls(self) -> list[Call]:
        """The requests so far, oldest first."""
        return [Call(*call) for call in self.child.call("calls")]

    @property
    def seen(self) -> list[str]:
        """The tokens that were accepted so far."""
        return list(self.child.call("seen"))

    def reset_calls(self) -> None:
        """Forgets the requests so far."""
        self.child.call("reset_calls")

    def reset(self) -> None:
        """Makes it as new: nobody trusted, no faults or calls."""
        self.child.call("reset")

    def trust(self, trusted: Trusted) -> None:
        """Accepts an issuer's tokens from now on."""
        self.child.call("trust", **dataclasses.asdict(trusted))

"""An OAuth 2 server that looks at secrets and assertions before it gives a token."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from emulators import service


@dataclasses.dataclass(frozen=True, kw_only=True)
class Issuer:
    """Who signs assertions, and what they must be.

    `key` is the public key (PEM), or for HS the secret; `audience` is whom assertions must be for, /token
    where it is left out; `claims` are what they must say besides. One with a `secret` must show that too.
    """

    name: str
    key: str
    algorithm: str = "RS256"
    key_id: str | None = None
    audience: str | None = None
    subjects: Sequence[str] = ()
    claims: Mapping[str, str] = dataclasses.field(default_factory=dict)
    secret: str | None = None
    scopes: Sequence[str] = ()
    allowed: bool = True


class OAuth2Server(service.Service):
    """A token endpoint, /token, on 127.0.0.1 with TLS, in a process of its own: Authlib decides.

    What it gave is good for /me as long as it said.
    """

    kind: ClassVar[str] = "oauth2"

    @property
    def token_url(self) -> str:
        """Where tokens are given."""
        return f"{self.url}/token"

    @property
    def tokens(self) -> list[str]:
        """The tokens given so far."""
        return list(self.child.call("tokens"))

    def limit_tokens(self, seconds: int | None) -> None:
        """Makes new tokens good for so many seconds, until it is reset; with None it does not say how long."""
        self.child.call("set_life", seconds=seconds)

    def add_client(
        self,
        name: str,
        secret: str,
        *,
        auth: Literal["Basic", "Post"] = "Basic",
        scopes: Sequence[str] = (),
        parameters: Mapping[str, str] | None = None,
        allowed: bool = True,
    ) -> None:
        """Makes a client that shows its secret in one way only.

        It may ask for these scopes, must ask with these parameters, and gets tokens if it is `allowed`.
        """
        self.child.call(
            "add_client",
            name=name,
            secret=secret,
            auth=auth,
            scopes=list(scopes),
            parameters=dict(parameters or {}),
            allowed=allowed,
        )

    def add_issuer(self, issuer: Issuer) -> None:
        """Makes an issuer of assertions."""
        self.child.call("add_issuer", **dataclasses.asdict(issuer))

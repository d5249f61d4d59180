"""Google's token endpoint: takes what service accounts sign, and refuses what they did not."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from emulators import service


class Call(NamedTuple):
    """A request that arrived: `error` is its answer's; status 0 where the connection was cut."""

    path: str
    status: int
    error: str


class Google(service.Service):
    """An HTTPS server on 127.0.0.1, in a process of its own, whose token endpoint is /token.

    It verifies signature, issuer, audience, time and scopes of what it is sent.
    """

    kind: ClassVar[str] = "google"
    call = Call

    @property
    def token_url(self) -> str:
        """Where tokens are given."""
        return f"{self.url}/token"

    def create_account(self, email: str, *, project: str) -> None:
        """Makes a service account without keys."""
        self.child.call("create_account", email=email, project=project)

    def create_key(self, email: str, *, bits: int = 2048) -> dict[str, str]:
        """Makes a key and gives its file; only the public half is kept."""
        made: dict[str, str] = self.child.call("create_key", email=email, bits=bits)
        return made

    def delete_key(self, email: str, key_id: str) -> None:
        """Deletes a key."""
        self.child.call("delete_key", email=email, key_id=key_id)

    def set_disabled(self, email: str, *, disabled: bool = True) -> None:
        """Switches a service account off, or on again."""
        self.child.call("set_disabled", email=email, disabled=disabled)

    def delete_account(self, email: str) -> None:
        """Deletes a service account with its keys."""
        self.child.call("delete_account", email=email)

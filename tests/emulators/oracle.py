"""Oracle's identity service: verifies who signed a request, and shows users to those who may see them."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from emulators import service


class Call(NamedTuple):
    """A request that arrived: `code` is its answer's; status 0 where the connection was cut."""

    path: str
    status: int
    code: str


class Oracle(service.Service):
    """An HTTPS server on 127.0.0.1, in a process of its own.

    It verifies signature, signed headers, host, time, body, and key or session of each request. A user is
    shown to itself, unless a policy forbids it.
    """

    kind: ClassVar[str] = "oracle"
    call = Call

    def create_user(self, tenancy: str, user: str) -> None:
        """Makes a user without keys, who may see itself."""
        self.child.call("create_user", tenancy=tenancy, user=user)

    def create_compartment(self, tenancy: str, compartment: str, *, name: str, state: str = "ACTIVE") -> None:
        """Makes a compartment somewhere below a tenancy."""
        self.child.call(
            "create_compartment", tenancy=tenancy, compartment=compartment, name=name, state=state
        )

    def set_inspects(self, user: str, *compartments: str) -> None:
        """Says what a user's policies let it inspect."""
        self.child.call("set_inspects", user=user, compartments=compartments)

    def upload_key(self, user: str, public_pem: str, *, created: str = "2026-01-02T03:04:05.678Z") -> str:
        """Takes the public half of a key, and gives its fingerprint."""
        return str(self.child.call("upload_key", user=user, public_pem=public_pem, created=created))

    def delete_key(self, user: str, fingerprint: str) -> None:
        """Deletes a key."""
        self.child.call("delete_key", user=user, fingerprint=fingerprint)

    def set_allowed(self, user: str, *, allowed: bool) -> None:
        """Says whether a user may see itself."""
        self.child.call("set_allowed", user=user, allowed=allowed)

    def limit_sessions(self, seconds: int | None) -> None:
        """Makes new sessions this long, whatever is asked for; None ends it."""
        self.child.call("set_session_seconds", seconds=seconds)

    def set_open(self, *, opened: bool) -> None:
        """Lets it answer before it looks at signatures, as no real one does."""
        self.child.call("set_open", opened=opened)

"""An HTTP API that asks for a password or a key, and refuses what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from emulators import child, faults


class Call(NamedTuple):
    """A request that arrived; status 0 where the connection was cut."""

    method: str
    path: str
    status: int


class HttpApi(child.Emulator):
    """An HTTPS server on 127.0.0.1, in a process of its own: /open is for everybody, all else needs a key.

    A user is locked after three wrong passwords in a row, for good.
    """

    kind: ClassVar[str] = "http_api"

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

    def reset_calls(self) -> None:
        """Forgets the requests so far."""
        self.child.call("reset_calls")

    def reset(self) -> None:
        """Makes it as new: no users, keys, faults or calls."""
        self.child.call("reset")

    def set_user(self, name: str, password: str, *, allowed: bool = True) -> None:
        """Makes a user, or unlocks one and gives them another password; one who is not `allowed` gets 403."""
        self.child.call("set_user", name=name, password=password, allowed=allowed)

    def add_key(self, text: str, *, location: str = "Header", field: str, allowed: bool = True) -> None:
        """Makes a key that is sent in a Header or in the Query; `text` is all that is sent, prefix included."""
        self.child.call("add_key", location=location, field=field, text=text, allowed=allowed)

"""An HTTP API that asks for a password or a key, and refuses what is wrong."""

from __future__ import annotations

from typing import ClassVar

from emulators import service


class HttpApi(service.Service):
    """An HTTPS server on 127.0.0.1, in a process of its own: /open is for everybody, all else needs a key.

    A user is locked after three wrong passwords in a row, for good.
    """

    kind: ClassVar[str] = "http_api"

    def set_user(self, name: str, password: str, *, allowed: bool = True) -> None:
        """Makes a user, or unlocks one and gives them another password; one who is not `allowed` gets 403."""
        self.child.call("set_user", name=name, password=password, allowed=allowed)

    def add_key(self, text: str, *, location: str = "Header", field: str, allowed: bool = True) -> None:
        """Makes a key that is sent in a Header or in the Query; `text` is all that is sent, prefix included."""
        self.child.call("add_key", location=location, field=field, text=text, allowed=allowed)

"""The HTTP API's process: resources that ask for a user's password or for a key, and look at it."""

from __future__ import annotations

import base64
import binascii
import collections
import dataclasses
import hmac
import pathlib
import urllib.parse
from collections.abc import Callable
from typing import Any

from emulators.server import channel, desk, wire

OPEN = "/open"
LOCKED_AFTER = 3


@dataclasses.dataclass(slots=True)
class Secret:
    """What opens a resource: `allowed` says whether its owner may see it."""

    value: str
    allowed: bool
    wrong: int = 0


class Api(desk.Desk):
    """Users by name, and keys by where they are sent; everything but /open needs one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[str, Secret] = {}
        self.keys: dict[tuple[str, str], list[Secret]] = collections.defaultdict(list)

    def set_user(self, name: str, password: str, *, allowed: bool) -> None:
        """Makes a user, or unlocks one and gives them another password."""
        self.users[name] = Secret(password, allowed)

    def add_key(self, location: str, field: str, text: str, *, allowed: bool) -> None:
        """Makes a key: `text` is all that is sent, with its prefix."""
        self.keys[location, field.lower()].append(Secret(text, allowed))

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {
            **super().commands(),
            "set_user": self.set_user,
            "add_key": self.add_key,
        }

    def reset(self) -> None:
        """Forgets everything."""
        self.users.clear()
        self.keys.clear()
        self.clear()

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        return _word(status, code, message)

    def serve(self, request: wire.Request, _: float) -> wire.Reply:
        """Answers one request."""
        if request.path == OPEN:
            return _reply(200, "everybody may read this")
        found = self._user(request) or self._key(request)
        if found is None:
            return _reply(401, "who are you?", {"WWW-Authenticate": 'Basic realm="tests"'})
        return _reply(200, "welcome") if found.allowed else _reply(403, "not you")

    def _user(self, request: wire.Request) -> Secret | None:
        """Gives the user who is shown with the right password, unless too many wrong ones were tried."""
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            return None
        try:
            name, _, password = base64.b64decode(sent, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        user = self.users.get(name)
        if user is None or user.wrong >= LOCKED_AFTER:
            return None
        if not hmac.compare_digest(user.value.encode(), password.encode()):
            user.wrong += 1
            return None
        user.wrong = 0
        return user

    def _key(self, request: wire.Request) -> Secret | None:
        sent = {("Header", name): value for name, value in request.headers.items()}
        sent |= {("Query", name.lower()): value for name, value in urllib.parse.parse_qsl(request.query)}
        return next(
            (
                secret
                for place, value in sent.items()
                for secret in self.keys.get(place, ())
                if hmac.compare_digest(secret.value.encode(), value.encode())
            ),
            None,
        )


def _reply(status: int, text: str, headers: dict[str, str] | None = None) -> wire.Reply:
    return wire.Reply(
        status=status, headers={"Content-Type": "text/plain", **(headers or {})}, body=text.encode()
    )


def _word(status: int, _: str, message: str) -> wire.Reply:
    """Words an error; this service has no codes."""
    return _reply(status, message)


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Api(), config, folder)

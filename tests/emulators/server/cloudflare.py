"""The process of Cloudflare's API: it looks tokens up, and answers as its documentation shows.

developers.cloudflare.com/api/resources/user/subresources/tokens/methods/verify
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import re
from collections.abc import Callable
from typing import Any

from emulators.server import channel, desk, wire

VERIFY = re.compile(r"/client/v4/(?:user|accounts/(?P<account>[0-9a-f]{32}))/tokens/verify")
FORM = re.compile(r"Bearer [A-Za-z0-9_-]{40,80}")
TOO_MANY = 429


@dataclasses.dataclass(slots=True, kw_only=True)
class Token:
    """A token: the account that owns it is empty where a user does."""

    account: str
    status: str
    expires_on: str | None
    fenced: bool


class Api(desk.Desk):
    """Tokens by what is shown of them."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, Token] = {}

    def set_token(self, token: str, **what: Any) -> str:
        """Makes a token, or changes it; gives its id."""
        self.tokens[token] = Token(**what)
        return _id(token)

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {**super().commands(), "set_token": self.set_token}

    def reset(self) -> None:
        """Forgets everything."""
        self.tokens.clear()
        self.clear()

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        problem = {"code": int(code or ("971" if status == TOO_MANY else "10000")), "message": message}
        return _reply(status, {"success": False, "errors": [problem], "messages": [], "result": None})

    def serve(self, request: wire.Request, _: float) -> wire.Reply:
        """Answers one request."""
        asked = VERIFY.fullmatch(request.path)
        if asked is None or request.method != "GET":
            return self.refuse(
                "", 404, "7003", "Could not route to the path, perhaps your object identifier is invalid?"
            )
        shown = request.headers.get("authorization", "")
        if FORM.fullmatch(shown) is None:
            return self.refuse("", 400, "6003", "Invalid request headers")
        text = shown.removeprefix("Bearer ")
        token = self.tokens.get(text)
        if token is None or token.account != (asked["account"] or ""):
            return self.refuse("", 401, "1000", "Invalid API Token")
        if token.fenced:
            return self.refuse("", 403, "9109", "Cannot use the access token from location: 127.0.0.1")
        return _found(text, token)


def _id(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:32]


def _found(text: str, token: Token) -> wire.Reply:
    result = {"id": _id(text), "status": token.status}
    if token.expires_on:
        result["expires_on"] = token.expires_on
    said = {"code": 10000, "message": "This API Token is valid and active", "type": None}
    return _reply(200, {"result": result, "success": True, "errors": [], "messages": [said]})


def _reply(status: int, document: dict[str, Any]) -> wire.Reply:
    return wire.Reply(
        status=status, headers={"Content-Type": "application/json"}, body=json.dumps(document).encode()
    )


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Api(), config, folder)

"""The process of Oracle's identity service: reads signatures with a parser of its own, and verifies them.

docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import email.utils
import hashlib
import json
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import exceptions
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulators.server import channel, desk, wire

USERS = "/20160918/users/"
SKEW = 300
NEEDED = {"date", "(request-target)", "host"}
TOO_MANY = 429
_PARAMETER = re.compile(r'([a-zA-Z]+)="([^"]*)"(?:,|$)')


@dataclasses.dataclass(slots=True)
class User:
    """A user, with the public halves of its keys by fingerprint."""

    tenancy: str
    keys: dict[str, rsa.RSAPublicKey] = dataclasses.field(default_factory=dict)
    allowed: bool = True


@dataclasses.dataclass(eq=False)
class Refusal(Exception):
    """What is told in place of a user."""

    status: int
    code: str
    message: str


class Identity(desk.Desk):
    """Users by OCID."""

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[str, User] = {}
        self.opened = False

    def create_user(self, tenancy: str, user: str) -> None:
        """Makes a user."""
        self.users[user] = User(tenancy)

    def upload_key(self, user: str, public_pem: str) -> str:
        """Takes the public half of a key."""
        key = serialization.load_pem_public_key(public_pem.encode())
        assert isinstance(key, rsa.RSAPublicKey)
        code = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        digest = hashlib.md5(code, usedforsecurity=False).hexdigest()
        fingerprint = ":".join(digest[place : place + 2] for place in range(0, 32, 2))
        self.users[user].keys[fingerprint] = key
        return fingerprint

    def delete_key(self, user: str, fingerprint: str) -> None:
        """Deletes a key."""
        del self.users[user].keys[fingerprint]

    def set_allowed(self, user: str, *, allowed: bool) -> None:
        """Says whether a user may see itself."""
        self.users[user].allowed = allowed

    def set_open(self, *, opened: bool) -> None:
        """Says whether signatures are left unread."""
        self.opened = opened

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {
            **super().commands(),
            "create_user": self.create_user,
            "upload_key": self.upload_key,
            "delete_key": self.delete_key,
            "set_allowed": self.set_allowed,
            "set_open": self.set_open,
        }

    def reset(self) -> None:
        """Forgets everything."""
        self.users.clear()
        self.opened = False
        self.clear()

    def entry(self, request: wire.Request, reply: wire.Reply, status: int) -> tuple[Any, ...]:
        """Notes path, status and the code that was told."""
        return (request.path, status, _code_in(reply))

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers one request."""
        try:
            return self._show(request, now)
        except Refusal as refusal:
            return _json(refusal.status, {"code": refusal.code, "message": refusal.message})

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        usual = "TooManyRequests" if status == TOO_MANY else "InternalServerError"
        return _json(status, {"code": code or usual, "message": message})

    def _show(self, request: wire.Request, now: float) -> wire.Reply:
        """Shows a user to itself."""
        caller = None if self.opened else self._caller(request, now)
        asked = request.path.removeprefix(USERS)
        user = self.users.get(asked)
        if request.method != "GET" or user is None or asked != caller or not user.allowed:
            raise Refusal(
                404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found."
            )
        return _json(200, {"id": asked, "compartmentId": user.tenancy, "lifecycleState": "ACTIVE"})

    def _caller(self, request: wire.Request, now: float) -> str:
        """Gives the OCID of the user who signed a request."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        sent = dict(_PARAMETER.findall(rest))
        signed = sent.get("headers", "").split()
        proper = (
            scheme == "Signature" and sent.get("version") == "1" and sent.get("algorithm") == "rsa-sha256"
        )
        if not proper or not set(signed) >= NEEDED or not _timely(request, now):
            raise _unauthenticated()
        tenancy, _, named = sent.get("keyId", "").partition("/")
        name, _, fingerprint = named.partition("/")
        user = self.users.get(name)
        key = user.keys.get(fingerprint) if user and user.tenancy == tenancy else None
        if key is None or not _verifies(key, sent.get("signature", ""), _text(request, signed)):
            raise _unauthenticated()
        return name


def _unauthenticated() -> Refusal:
    words = "The required information to complete authentication was not provided or was incorrect."
    return Refusal(401, "NotAuthenticated", words)


def _timely(request: wire.Request, now: float) -> bool:
    try:
        date = email.utils.parsedate_to_datetime(request.headers.get("date", ""))
    except ValueError:
        return False
    return abs(date.timestamp() - now) <= SKEW


def _text(request: wire.Request, signed: list[str]) -> str:
    own = {"(request-target)": f"{request.method.lower()} {request.target}"}
    return "\n".join(f"{name}: {own.get(name) or request.headers.get(name, '')}" for name in signed)


def _verifies(key: rsa.RSAPublicKey, signature: str, text: str) -> bool:
    try:
        key.verify(
            base64.b64decode(signature, validate=True), text.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
    except (binascii.Error, exceptions.InvalidSignature):
        return False
    return True


def _json(status: int, document: Mapping[str, Any]) -> wire.Reply:
    return wire.Reply(
        status=status, headers={"Content-Type": "application/json"}, body=json.dumps(document).encode()
    )


def _code_in(reply: wire.Reply) -> str:
    """Gives the code of an answer; empty where there is none."""
    try:
        return str(json.loads(reply.body).get("code", ""))
    except (ValueError, AttributeError):
        return ""


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Identity(), config, folder)

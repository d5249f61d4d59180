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
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import exceptions
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulators.server import channel, desk, oracle_sessions, wire

USERS = "/20160918/users/"
KEYS = "/apiKeys"
COMPARTMENTS = "/20160918/compartments"
PAGE = 3
"""Compartments on a page, however many are asked for: a page may always hold fewer."""
SKEW = 300
NEEDED = {"date", "(request-target)", "host"}
TOO_MANY = 429
_PARAMETER = re.compile(r'([a-zA-Z]+)="([^"]*)"(?:,|$)')


@dataclasses.dataclass(slots=True)
class Key:
    """The public half of a key, and when it was uploaded."""

    public: rsa.RSAPublicKey
    created: str


@dataclasses.dataclass(slots=True)
class User:
    """A user, with its keys by fingerprint, and the compartments in which its policies show it something."""

    tenancy: str
    keys: dict[str, Key] = dataclasses.field(default_factory=dict)
    allowed: bool = True
    inspects: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Compartment:
    """A compartment somewhere below a tenancy."""

    tenancy: str
    name: str
    state: str


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
        self.compartments: dict[str, Compartment] = {}
        self.sessions = oracle_sessions.Sessions()
        self.opened = False

    def create_user(self, tenancy: str, user: str) -> None:
        """Makes a user."""
        self.users[user] = User(tenancy)

    def create_compartment(self, tenancy: str, compartment: str, name: str, state: str) -> None:
        """Makes a compartment."""
        self.compartments[compartment] = Compartment(tenancy, name, state)

    def set_inspects(self, user: str, compartments: list[str]) -> None:
        """Says what a user's policies let it inspect."""
        self.users[user].inspects = frozenset(compartments)

    def upload_key(self, user: str, public_pem: str, created: str) -> str:
        """Takes the public half of a key."""
        key = serialization.load_pem_public_key(public_pem.encode())
        assert isinstance(key, rsa.RSAPublicKey)
        code = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        digest = hashlib.md5(code, usedforsecurity=False).hexdigest()
        fingerprint = ":".join(digest[place : place + 2] for place in range(0, 32, 2))
        self.users[user].keys[fingerprint] = Key(key, created)
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
            "create_compartment": self.create_compartment,
            "set_inspects": self.set_inspects,
            "upload_key": self.upload_key,
            "delete_key": self.delete_key,
            "set_allowed": self.set_allowed,
            "set_open": self.set_open,
            "set_session_seconds": lambda seconds: setattr(self.sessions, "seconds", seconds),
        }

    def reset(self) -> None:
        """Forgets everything."""
        self.users.clear()
        self.compartments.clear()
        self.sessions.seconds = None
        self.opened = False
        self.clear()

    def entry(self, request: wire.Request, reply: wire.Reply, status: int) -> tuple[Any, ...]:
        """Notes path, status and the code that was told."""
        return (request.path, status, _code_in(reply))

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers one request."""
        try:
            caller = None if self.opened else self._caller(request, now)
            if (request.method, request.path) == ("POST", oracle_sessions.PATH):
                return self._open(request, caller, now)
            if (request.method, request.path) == ("GET", COMPARTMENTS):
                return self._compartments(request, caller)
            if (request.method, request.path) == ("GET", f"{USERS}{caller}{KEYS}"):
                return self._keys(caller)
            return self._show(request, caller)
        except Refusal as refusal:
            return _json(refusal.status, {"code": refusal.code, "message": refusal.message})

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        usual = "TooManyRequests" if status == TOO_MANY else "InternalServerError"
        return _json(status, {"code": code or usual, "message": message})

    def _keys(self, caller: str | None) -> wire.Reply:
        """Lists a user's keys to itself, which needs no policy."""
        keys = self.users[caller or ""].keys
        return _json(
            200,
            [
                {"userId": caller, "fingerprint": one, "timeCreated": key.created, "lifecycleState": "ACTIVE"}
                for one, key in keys.items()
            ],
        )

    def _open(self, request: wire.Request, caller: str | None, now: float) -> wire.Reply:
        """Opens a session of the user."""
        user = self.users.get(caller or "")
        if user is None:
            raise _unauthenticated()
        try:
            token = self.sessions.open(caller or "", user.tenancy, request.body, now)
        except oracle_sessions.InvalidError:
            raise Refusal(400, "InvalidParameter", "The request is not valid.") from None
        return _json(200, {"token": token})

    def _compartments(self, request: wire.Request, caller: str | None) -> wire.Reply:
        """Lists the compartments of the user's tenancy in which it may inspect something, page by page."""
        query = dict(urllib.parse.parse_qsl(request.query))
        user = self.users.get(caller or "")
        below = query.get("compartmentIdInSubtree") == "true" and query.get("accessLevel") == "ACCESSIBLE"
        if user is None or query.get("compartmentId") != user.tenancy or not below:
            raise _unseen()
        seen = [
            {"id": one, "compartmentId": user.tenancy, "name": known.name, "lifecycleState": known.state}
            for one, known in self.compartments.items()
            if known.tenancy == user.tenancy
            and one in user.inspects
            and query.get("lifecycleState", known.state) == known.state
        ]
        first = int(query.get("page", "0=").removesuffix("="))
        last = first + min(PAGE, int(query.get("limit", PAGE)))
        # The sign has to be escaped in a query, as in Oracle's own marks.
        headers = {"opc-next-page": f"{last}="} if last < len(seen) else {}
        return _json(200, seen[first:last], headers)

    def _show(self, request: wire.Request, caller: str | None) -> wire.Reply:
        """Shows a user to itself."""
        asked = request.path.removeprefix(USERS)
        user = self.users.get(asked)
        if request.method != "GET" or user is None or asked != caller or not user.allowed:
            raise _unseen()
        return _json(200, {"id": asked, "compartmentId": user.tenancy, "lifecycleState": "ACTIVE"})

    def _caller(self, request: wire.Request, now: float) -> str:
        """Gives the OCID of the user who signed a request."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        sent = dict(_PARAMETER.findall(rest))
        signed = sent.get("headers", "").split()
        proper = (
            scheme == "Signature" and sent.get("version") == "1" and sent.get("algorithm") == "rsa-sha256"
        )
        covered = set(signed) >= NEEDED and oracle_sessions.covered(request, signed)
        if not proper or not covered or not _timely(request, now):
            raise _unauthenticated()
        name, public = self._signer(sent.get("keyId", ""), now)
        if public is None or not _verifies(public, sent.get("signature", ""), _text(request, signed)):
            raise _unauthenticated()
        return name

    def _signer(self, key_id: str, now: float) -> tuple[str, rsa.RSAPublicKey | None]:
        """Gives whose key or session it is, and what verifies its requests."""
        if key_id.startswith(oracle_sessions.MARK):
            return self.sessions.holder(key_id.removeprefix(oracle_sessions.MARK), now) or ("", None)
        tenancy, _, named = key_id.partition("/")
        name, _, fingerprint = named.partition("/")
        user = self.users.get(name)
        key = user.keys.get(fingerprint) if user and user.tenancy == tenancy else None
        return name, key.public if key else None


def _unauthenticated() -> Refusal:
    words = "The required information to complete authentication was not provided or was incorrect."
    return Refusal(401, "NotAuthenticated", words)


def _unseen() -> Refusal:
    return Refusal(404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found.")


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


def _json(
    status: int, document: Mapping[str, Any] | list[Any], headers: Mapping[str, str] | None = None
) -> wire.Reply:
    kind = {"Content-Type": "application/json"}
    return wire.Reply(status=status, headers={**kind, **(headers or {})}, body=json.dumps(document).encode())


def _code_in(reply: wire.Reply) -> str:
    """Gives the code of an answer; empty where there is none."""
    try:
        return str(json.loads(reply.body).get("code", ""))
    except (ValueError, AttributeError):
        return ""


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Identity(), config, folder)

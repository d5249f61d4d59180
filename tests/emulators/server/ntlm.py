"""The process of the server that logs in by NTLM: passwords are verified by pyspnego's other half."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import hashlib
import os
import pathlib
import ssl
from collections.abc import Callable
from typing import Any

import spnego
from spnego import channel_bindings
from spnego._ntlm_raw import messages
from spnego.exceptions import SpnegoError

from emulators.server import channel, desk, wire

OPEN = "/open"
LOCKED_AFTER = 3
LATITUDE = datetime.timedelta(minutes=30)
SIGNATURE = b"NTLMSSP\x00"
STEPS: dict[type[Any], str] = {messages.Negotiate: "negotiate", messages.Authenticate: "authenticate"}


@dataclasses.dataclass(slots=True)
class User:
    """A user: `allowed` says whether they may see what they ask for."""

    password: str
    allowed: bool
    wrong: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How it logs in."""

    offers: str = "NTLM"
    bound: bool = False
    stamped: bool = True
    keeps: bool = True


class Server(desk.Desk):
    r"""Users by name, DOMAIN\USER."""

    def __init__(self, store: pathlib.Path) -> None:
        super().__init__()
        self.store = store
        self.users: dict[str, User] = {}
        self.rules = Rules()

    def set_user(self, name: str, password: str, *, allowed: bool) -> None:
        """Makes a user, or unlocks one and gives them another password."""
        self.users[name.upper()] = User(password, allowed)
        lines = [f"{known.replace(chr(92), ':')}:{user.password}\n" for known, user in self.users.items()]
        self.store.write_text("".join(lines))

    def set_rules(self, **rules: Any) -> None:
        """Says how it logs in."""
        self.rules = Rules(**rules)

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {**super().commands(), "set_user": self.set_user, "set_rules": self.set_rules}

    def reset(self) -> None:
        """Forgets everything."""
        self.users.clear()
        self.store.write_text("")
        self.rules = Rules()
        self.clear()

    def action(self, request: wire.Request) -> str:
        """Names the step of the handshake."""
        return STEPS.get(type(_message(request)), "anonymous")

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        return _reply(status, message)

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers one request."""
        if request.path == OPEN:
            return _reply(200, "everybody may read this")
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme != self._scheme() or not sent or self.rules.offers == "Kerberos":
            return self._ask()
        try:
            return self._step(request, base64.b64decode(sent, validate=True), now)
        except (SpnegoError, binascii.Error, ValueError):
            request.connection.clear()
            self._count(request)
            return self._ask()

    def _step(self, request: wire.Request, token: bytes, now: float) -> wire.Reply:
        """Takes the handshake of a connection one step on."""
        context = request.connection.get("context")
        if context is None:
            context = request.connection["context"] = self._context()
        answer = context.step(token, channel_bindings=self._bindings())
        if not context.complete:
            return self._ask(self._unstamped(context) or answer)
        user = self.users.get((context.client_principal or "").upper())
        if user is None or user.wrong >= LOCKED_AFTER or not self._timely(request, now):
            raise ValueError
        user.wrong = 0
        return _reply(200, "welcome") if user.allowed else _reply(403, "not you")

    def _context(self) -> spnego.ContextProxy:
        """Begins a login; it needs somebody who could."""
        if not self.users:
            raise ValueError
        negotiate = self._scheme() == "Negotiate"
        options = spnego.NegotiateOptions
        return spnego.server(
            protocol="negotiate" if negotiate else "ntlm",
            options=options.use_negotiate if negotiate else options.use_ntlm,
        )

    def _bindings(self) -> channel_bindings.GssChannelBindings | None:
        if not self.rules.bound:
            return None
        shown = ssl.PEM_cert_to_DER_cert(self.certificate.decode())
        bound = b"tls-server-end-point:" + hashlib.sha256(shown).digest()
        return channel_bindings.GssChannelBindings(application_data=bound)

    def _unstamped(self, context: Any) -> bytes:
        """Gives the challenge without the server's time, where that is the rule; for NTLM's own scheme only."""
        if self.rules.stamped:
            return b""
        whole = context._temp_challenge
        info = whole.target_info.copy()
        del info[messages.AvId.timestamp]
        # The flag goes with the version, which would have to be there then.
        flags = whole.flags & ~messages.NegotiateFlags.version
        context._temp_challenge = messages.Challenge(
            flags, whole.server_challenge, target_name=whole.target_name, target_info=info
        )
        return bytes(context._temp_challenge.pack())

    def _timely(self, request: wire.Request, now: float) -> bool:
        if self.rules.stamped:
            return True
        proof = _message(request).nt_challenge_response
        shown: datetime.datetime = messages.NTClientChallengeV2.unpack(proof[16:]).time_stamp
        return (
            abs(shown.replace(tzinfo=datetime.UTC) - datetime.datetime.fromtimestamp(now, tz=datetime.UTC))
            <= LATITUDE
        )

    def _count(self, request: wire.Request) -> None:
        """Counts a wrong password against its user."""
        message = _message(request)
        if isinstance(message, messages.Authenticate):
            user = self.users.get(f"{message.domain_name or ''}\\{message.user_name or ''}".upper())
            if user:
                user.wrong += 1

    def _scheme(self) -> str:
        return "Negotiate" if self.rules.offers == "Kerberos" else self.rules.offers.rpartition(", ")[2]

    def _ask(self, token: bytes | None = None) -> wire.Reply:
        offers = "Negotiate" if self.rules.offers == "Kerberos" else self.rules.offers
        if token:
            offers = f"{self._scheme()} {base64.b64encode(token).decode()}"
        closing = {} if self.rules.keeps else {"Connection": "close"}
        return _reply(401, "who are you?", {"WWW-Authenticate": offers, **closing})


def _message(request: wire.Request) -> Any:
    """Gives the NTLM message that a request holds; None if there is none."""
    _, _, sent = request.headers.get("authorization", "").partition(" ")
    try:
        token = base64.b64decode(sent)
        return messages.NTLMMessage.unpack(token[token.index(SIGNATURE) :])
    except (binascii.Error, ValueError):
        return None


def _reply(status: int, text: str, headers: dict[str, str] | None = None) -> wire.Reply:
    kind = {"Content-Type": "text/plain", **(headers or {})}
    return wire.Reply(status=status, headers=kind, body=text.encode())


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    store = folder / "users"
    os.environ["NTLM_USER_FILE"] = str(store)
    return await desk.begin(Server(store), config, folder)

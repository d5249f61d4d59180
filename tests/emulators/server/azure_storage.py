"""Azure Storage's process: the blob service's list of containers, for requests signed with an account's key.

The signature: learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
"""

from __future__ import annotations

import base64
import dataclasses
import email.utils
import hashlib
import hmac
import pathlib
import urllib.parse
import uuid
from collections.abc import Callable
from typing import Any
from xml.sax import saxutils

from emulators.server import channel, desk, wire

SKEW = 15 * 60
# What is signed of a request's own headers, in this order; a length of 0 counts as none.
_STANDARD = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)
_BOM = b"\xef\xbb\xbf"
_XML = '<?xml version="1.0" encoding="utf-8"?>'


@dataclasses.dataclass(slots=True)
class Account:
    """A storage account: its keys in base64, its containers, and what keeps its keys out."""

    keys: list[str]
    containers: list[str] = dataclasses.field(default_factory=list)
    disabled: bool = False
    keyless: bool = False
    walled: bool = False


class Storage(desk.Desk):
    """Accounts by their names, which stand in the Authorization header."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts: dict[str, Account] = {}

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {
            **super().commands(),
            "set_account": self.set_account,
        }

    def reset(self) -> None:
        """Forgets everything."""
        self.accounts.clear()
        self.faults.clear()
        self.calls.clear()

    def entry(self, request: wire.Request, reply: wire.Reply, status: int) -> tuple[Any, ...]:
        """Notes the action and the status."""
        return (self.action(request), status)

    def action(self, request: wire.Request) -> str:
        """Names what is asked for."""
        return dict(urllib.parse.parse_qsl(request.query)).get("comp", request.path)

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers a request."""
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        name, _, signature = shown.partition(":")
        account = self.accounts.get(name)
        if scheme != "SharedKey" or account is None:
            return self.refuse("", 403, "AuthenticationFailed", "Server failed to authenticate the request.")
        refusal = self._barred(account)
        if refusal:
            return refusal
        if not _timely(request, now) or not _signed(request, name, account, signature):
            return self.refuse("", 403, "AuthenticationFailed", "Server failed to authenticate the request.")
        if request.method != "GET" or self.action(request) != "list":
            return self.refuse("", 400, "InvalidQueryParameterValue", "Not emulated.")
        return _list(name, account, request)

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        code = code or "InternalError"
        text = f"{message}\nRequestId:{uuid.uuid4()}"
        body = (
            f"<Error><Code>{saxutils.escape(code)}</Code><Message>{saxutils.escape(text)}</Message></Error>"
        )
        return _reply(status, body, {"x-ms-error-code": code})

    def throttled(self, action: str) -> wire.Reply:
        """Words that there were too many calls."""
        return self.refuse(action, 503, "ServerBusy", "The server is busy.")

    def set_account(self, name: str, **what: Any) -> None:
        """Makes an account, in place of one of its name."""
        self.accounts[name] = Account(**what)

    def _barred(self, account: Account) -> wire.Reply | None:
        if account.disabled:
            return self.refuse("", 403, "AccountIsDisabled", "The specified account is disabled.")
        if account.walled:
            return self.refuse("", 403, "AuthorizationFailure", "This request is not authorized.")
        if account.keyless:
            code = "KeyBasedAuthenticationNotPermitted"
            return self.refuse("", 403, code, "Key based authentication is not permitted.")
        return None


def _timely(request: wire.Request, now: float) -> bool:
    sent = request.headers.get("x-ms-date") or request.headers.get("date", "")
    try:
        return abs(email.utils.parsedate_to_datetime(sent).timestamp() - now) <= SKEW
    except ValueError:
        return False


def _signed(request: wire.Request, name: str, account: Account, signature: str) -> bool:
    text = to_sign(request, name).encode()
    return any(
        hmac.compare_digest(
            base64.b64encode(hmac.new(base64.b64decode(key), text, hashlib.sha256).digest()),
            signature.encode(),
        )
        for key in account.keys
    )


def to_sign(request: wire.Request, account: str) -> str:
    """Gives what must have been signed of a request as it arrived."""
    text = request.method + "\n"
    for name in _STANDARD:
        value = request.headers.get(name, "")
        if (name, value) == ("content-length", "0") or (name == "date" and "x-ms-date" in request.headers):
            value = ""
        text += value + "\n"
    for name in sorted(request.headers):
        if name.startswith("x-ms-"):
            text += f"{name}:{' '.join(request.headers[name].split())}\n"
    text += f"/{account}{request.path}"
    parameters: dict[str, list[str]] = {}
    for name, value in urllib.parse.parse_qsl(request.query, keep_blank_values=True):
        parameters.setdefault(name.lower(), []).append(value)
    for name in sorted(parameters):
        text += f"\n{name}:{','.join(sorted(parameters[name]))}"
    return text


def _list(name: str, account: Account, request: wire.Request) -> wire.Reply:
    most = int(dict(urllib.parse.parse_qsl(request.query)).get("maxresults", "5000"))
    items = "".join(f"<Container><Name>{one}</Name></Container>" for one in account.containers[:most])
    body = (
        f'<EnumerationResults ServiceEndpoint="https://{name}.blob.core.windows.net/">'
        f"<MaxResults>{most}</MaxResults><Containers>{items}</Containers><NextMarker /></EnumerationResults>"
    )
    return _reply(200, body, {})


def _reply(status: int, body: str, headers: dict[str, str]) -> wire.Reply:
    # The service begins its documents with a byte order mark.
    return wire.Reply(
        status=status,
        headers={"Content-Type": "application/xml", "x-ms-request-id": str(uuid.uuid4()), **headers},
        body=_BOM + f"{_XML}{body}".encode(),
    )


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Storage(), config, folder)

"""The fast STS's process: a raw protocol, cached signing keys, a template for each action."""

from __future__ import annotations

import asyncio
import collections
import datetime
import functools
import hashlib
import hmac
import pathlib
import time
import urllib.parse
from collections.abc import Callable
from typing import Any, cast

from emulators import certificates, derived_keys
from emulators.server import answers, channel, clock, sigv4
from emulators.server.answers import Reason

_KEPT_KEYS = 32_768
_USUAL_SECONDS = 43_200
_OUTAGES = {"none": None, "throttled": Reason.THROTTLED, "unavailable": Reason.UNAVAILABLE}


class Sts:
    """Knows which keys are good and answers for them."""

    def __init__(self, keys: int, account: str, latency: float) -> None:
        self._keys = keys
        self._account = account
        self._inactive: set[str] = set()
        self._opened_so_far = 0
        self._signing_key = functools.lru_cache(maxsize=_KEPT_KEYS)(_derive)
        self.latency = latency
        self.session_seconds: float | None = None
        self.outage: Reason | None = None
        self.calls: collections.Counter[int] = collections.Counter()
        self.asked: collections.Counter[int] = collections.Counter()

    def reset_calls(self) -> None:
        """Forgets the requests so far."""
        self.calls.clear()
        self.asked.clear()

    def set_key_status(self, key_id: str, status: str) -> None:
        """Makes a key Active or Inactive."""
        (self._inactive.discard if status == "Active" else self._inactive.add)(key_id)

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
        """Answers one request with the bytes of a response."""
        try:
            if self.outage:
                raise answers.refuse("sts", self.outage)
            index = self._verify(method, target, headers, body)
            status, text = 200, self._done(index, dict(urllib.parse.parse_qsl(body.decode("latin-1"))))
            self.asked[index] += 1
        except answers.Refusal as refusal:
            status, text = refusal.status, answers.render("sts", refusal).body.decode()
        self.calls[status] += 1
        return _RESPONSE.format(status, _date(int(time.time())), len(text), text).encode()

    def _verify(self, method: str, target: str, headers: dict[str, str], body: bytes) -> int:
        try:
            claim = sigv4.parse(headers)
            clock.require(claim, time.time())
        except sigv4.MalformedError:
            reason = Reason.MALFORMED if "authorization" in headers else Reason.UNSIGNED
            raise answers.refuse("sts", reason) from None
        index = self._index(claim.key_id, headers)
        expected = sigv4.signature(
            claim,
            self._signing_key(claim.key_id, claim.date, claim.region, claim.service),
            method=method,
            target=target,
            headers=headers,
            payload=hashlib.sha256(body).hexdigest(),
        )
        if claim.service != "sts" or not hmac.compare_digest(expected, claim.signature):
            raise answers.refuse("sts", Reason.BAD_SIGNATURE)
        return index

    def _done(self, index: int, form: dict[str, str]) -> str:
        match form.get("Action"):
            case "GetCallerIdentity":
                return _IDENTITY.format(account=self._account, index=index)
            case "GetSessionToken":
                return self._opened(float(form.get("DurationSeconds", _USUAL_SECONDS)))
        raise answers.Refusal(400, "InvalidAction", "only GetCallerIdentity and GetSessionToken are served")

    def _opened(self, asked: float) -> str:
        """Opens a session with a key that no other one has."""
        self._opened_so_far += 1
        key_id = derived_keys.key_id(self._account, self._opened_so_far).replace("AKIA", "ASIA")
        lasts = datetime.timedelta(seconds=self.session_seconds or asked)
        return _SESSION.format(
            key_id=key_id,
            secret=derived_keys.secret(key_id),
            token=derived_keys.secret(f"token {key_id}"),
            ends=datetime.datetime.now(datetime.UTC) + lasts,
        )

    def _index(self, key_id: str, headers: dict[str, str]) -> int:
        account, index = derived_keys.parse(key_id) or ("", 0)
        known = account == self._account and index < self._keys and key_id not in self._inactive
        if not known or "x-amz-security-token" in headers:
            raise answers.refuse("sts", Reason.UNKNOWN_KEY)
        return index


class _Connection(asyncio.Protocol):
    def __init__(self, sts: Sts) -> None:
        self._sts = sts
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            first, *lines = self._data[:end].decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            stop = end + 4 + int(headers.get("content-length", "0"))
            if len(self._data) < stop:
                return
            body, self._data = self._data[end + 4 : stop], self._data[stop:]
            method, target, _ = first.split(" ")
            self._reply(self._sts.answer(method, target, headers, body))

    def _reply(self, response: bytes) -> None:
        if self._sts.latency:
            asyncio.get_running_loop().call_later(self._sts.latency, self._write, response)
        else:
            self._write(response)

    def _write(self, response: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(response)


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving STS on loopback."""
    authority = certificates.issue(folder, config["hosts"]) if config["tls"] else None
    sts = Sts(config["keys"], config["account"], config["latency"])
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(sts),
        "127.0.0.1",
        config["port"],
        ssl=authority.context() if authority else None,
        # Thousands of clients may knock at once.
        backlog=1024,
    )
    port = server.sockets[0].getsockname()[1]

    async def close() -> None:
        server.close()

    commands: dict[str, Callable[..., Any]] = {
        "calls": lambda: dict(sts.calls),
        "asked": lambda: list(sts.asked.items()),
        "reset_calls": sts.reset_calls,
        "set_key_status": sts.set_key_status,
        "set_latency": lambda seconds: setattr(sts, "latency", seconds),
        "limit_sessions": lambda seconds: setattr(sts, "session_seconds", seconds),
        "set_outage": lambda outage: setattr(sts, "outage", _OUTAGES[outage]),
    }
    return channel.Service(certificates.facts(authority, port), commands, close)


def _derive(key_id: str, date: str, region: str, service: str) -> bytes:
    return sigv4.signing_key(derived_keys.secret(key_id), date, region, service)


@functools.lru_cache(maxsize=4)
def _date(second: int) -> str:
    return answers.http_date(second)


_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::{account}:user/user-{index}</Arn><UserId>AIDA{index:017}</UserId>"
    "<Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata>"
    "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)
_SESSION = (
    '<GetSessionTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetSessionTokenResult><Credentials>'
    "<AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
    "<SessionToken>{token}</SessionToken><Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
    "</GetSessionTokenResult><ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId>"
    "</ResponseMetadata></GetSessionTokenResponse>"
)
_RESPONSE = "HTTP/1.1 {} -\r\nContent-Type: text/xml\r\nDate: {}\r\nContent-Length: {}\r\n\r\n{}"

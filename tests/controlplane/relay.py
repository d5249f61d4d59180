"""Passes HTTP requests on to an API server as they come, and its answers back as they come."""

import asyncio
import dataclasses
import json
import re
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import aiohttp
import multidict
import trustme
import yarl
from aiohttp import web

from controlplane import ports

HOP_BY_HOP = frozenset({"connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}
READS = frozenset({"GET", "HEAD"})
LARGEST_BODY = 16 * 1024 * 1024
CUT = 0
CAME = web.RequestKey("came", float)
"""When a request came, in seconds since 1970."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What happens to one request."""

    delay: float = 0.0
    answer_delay: float = 0.0
    status: int | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    cut: bool = False
    applied: bool = False

    @property
    def passes(self) -> bool:
        """Whether the API server's own answer comes back."""
        return self.status is None and not self.cut


class Decide(Protocol):
    """Says what happens to a request."""

    def __call__(self, method: str, path: str, *, watch: bool) -> Verdict:
        """Return the verdict."""


class Record(Protocol):
    """Notes what a request was answered with."""

    def __call__(self, request: web.Request, status: int) -> None:
        """Note it."""


@dataclasses.dataclass(eq=False)
class Watch:
    """A watch that is being passed on."""

    request: web.Request
    answer: aiohttp.ClientResponse
    expired: bool = False


class Relay:
    """The server and the client of a proxy; all its methods run in one event loop."""

    def __init__(self, upstream: str, ca: Path, *, decide: Decide, record: Record) -> None:
        self.authority = trustme.CA()
        self.port = 0
        self.open_writes = 0
        """How many requests that are no reads wait for their answers."""
        self._upstream = yarl.URL(upstream)
        self._trust = ssl.create_default_context(cafile=ca)
        self._decide = decide
        self._record = record
        self._watches: set[Watch] = set()
        self._held: re.Pattern[str] | None = None
        self._flows = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> None:
        """Serve on the port; raises OSError where it is taken."""
        self.port = port
        self._session = self._session or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._trust, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        await self.accept()

    async def accept(self) -> None:
        """Serve on the port of before."""
        if self._runner is not None:
            return
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", self._handle)
        # Cancellation: a watch whose reader left is to be left by this proxy too.
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0)
        await runner.setup()
        try:
            await web.TCPSite(runner, ports.ADDRESS, self.port, ssl_context=self._server_context()).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def refuse(self) -> None:
        """Stop serving: no open connection, and nobody listens."""
        if self._runner is not None:
            for connection in self._runner.server.connections if self._runner.server else ():
                if isinstance(connection.transport, asyncio.Transport):
                    connection.transport.abort()
            await self._runner.cleanup()
            self._runner = None

    async def stop(self) -> None:
        """Stop serving, and close the connections to the API server."""
        await self.refuse()
        if self._session is not None:
            await self._session.close()

    @property
    def open_watches(self) -> int:
        """How many watches are open."""
        return len(self._watches)

    async def cut_watches(self) -> int:
        """Cut every open watch without a word, and return how many those were."""
        watches = list(self._watches)
        for watch in watches:
            _cut(watch.request)
        return len(watches)

    async def hold_watches(self, path: re.Pattern[str]) -> None:
        """Keep what watches of matching paths say, these and new ones, until they are let go."""
        self._held = path
        self._flows.clear()

    async def release_watches(self) -> None:
        """Let all watches say what was kept, in order."""
        self._held = None
        self._flows.set()

    async def expire_watches(self) -> int:
        """End every open watch because its resourceVersion is too old, and return how many those were."""
        watches = list(self._watches)
        for watch in watches:
            watch.expired = True
            watch.answer.close()
        return len(watches)

    def _server_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(ports.ADDRESS, "localhost").configure_cert(context)
        return context

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        writes = int(request.method not in READS)
        self.open_writes += writes
        try:
            return await self._answer(request)
        finally:
            self.open_writes -= writes

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        request[CAME] = time.time()
        watching = request.query.get("watch") in {"1", "true"}
        verdict = self._decide(request.method, request.path, watch=watching)
        await asyncio.sleep(verdict.delay)
        if not verdict.passes:
            return await self._fail(request, verdict)
        async with await self._ask(request) as answer:
            await asyncio.sleep(verdict.answer_delay)
            try:
                return await self._pass(request, answer, watching=watching)
            except ConnectionResetError:
                return web.Response()  # whoever asked has left

    async def _fail(self, request: web.Request, verdict: Verdict) -> web.StreamResponse:
        if verdict.applied:
            async with await self._ask(request) as answer:
                await answer.read()
        self._record(request, CUT if verdict.status is None else verdict.status)
        if verdict.status is None:
            _cut(request)
            return web.Response()  # reaches nobody
        document = _status(verdict.status, "injected by the fault proxy")
        return web.json_response(document, status=verdict.status, headers=verdict.headers)

    async def _ask(self, request: web.Request) -> aiohttp.ClientResponse:
        """Send the request on, and return the answer when its head is there."""
        if self._session is None:
            raise web.HTTPServiceUnavailable
        target = yarl.URL(f"{self._upstream}{request.path_qs}", encoded=True)
        body = await request.read() if request.can_read_body else None
        try:
            return await self._session.request(
                request.method, target, headers=_end_to_end(request.headers), data=body, allow_redirects=False
            )
        except aiohttp.ClientConnectionError as error:
            self._record(request, CUT)
            _cut(request)  # what the operator would see without a proxy
            raise web.HTTPBadGateway from error

    async def _pass(
        self, request: web.Request, answer: aiohttp.ClientResponse, *, watching: bool
    ) -> web.StreamResponse:
        self._record(request, answer.status)
        response = web.StreamResponse(status=answer.status, headers=_end_to_end(answer.headers))
        await response.prepare(request)
        watch = Watch(request, answer)
        if watching:
            self._watches.add(watch)
        try:
            await self._stream(watch, response)
        finally:
            self._watches.discard(watch)
        return response

    async def _stream(self, watch: Watch, response: web.StreamResponse) -> None:
        """Write what comes as it comes, then the end the API server gave it, or the one that was asked for."""
        last = b"\n"
        try:
            async for chunk in watch.answer.content.iter_any():
                await self._flow(watch)
                await response.write(chunk)
                last = chunk
        except aiohttp.ClientError:
            if not watch.expired:
                _cut(watch.request)
        if watch.expired:
            if not last.endswith(b"\n"):
                _cut(watch.request)  # in the middle of an event; nothing can follow it
            event = {"type": "ERROR", "object": _status(410, "too old resource version")}
            await response.write(json.dumps(event).encode() + b"\n")
        await response.write_eof()

    async def _flow(self, watch: Watch) -> None:
        """Wait for as long as what the watch says is kept."""
        while self._held is not None and watch in self._watches and self._held.search(watch.request.path):
            await self._flows.wait()


def _end_to_end(headers: Mapping[str, str]) -> multidict.CIMultiDict[str]:
    """Return the headers that are not between two neighbours only."""
    return multidict.CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP
    )


def _cut(request: web.Request) -> None:
    """Reset the connection of a request."""
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()


def _status(code: int, message: str) -> dict[str, object]:
    """Return the document with which an API server says that something failed."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": REASONS.get(code, "Unknown"),
        "code": code,
    }

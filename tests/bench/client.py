"""The bench's own user of the API server: so many connections, and every request counted."""

import asyncio
import collections
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Self

import aiohttp
import orjson

import beside
import controlplane
from bench import ledger

CONNECTIONS = 16
"""Requests of the bench under way at the same time."""

Json = dict[str, Any]
Call = tuple[str, str, Json]
"""Verb, path and body."""


class Client:
    """Writes objects and watches them, as a member of the cluster's administrators."""

    def __init__(self, plane: controlplane.ControlPlane, token: str) -> None:
        self._url = plane.url
        self._authority = plane.authority
        self._token = token
        self._session: aiohttp.ClientSession | None = None
        self.own: collections.Counter[ledger.Request] = collections.Counter()
        """Requests of the bench itself."""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            base_url=self._url,
            connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=self._authority), limit=0),
            headers={"Authorization": f"Bearer {self._token}"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, verb: str, path: str, body: Json | None = None) -> Json:
        """Makes one request; what the API server refuses is an error of the bench."""
        kind = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        self.own[ledger.of_path(verb, path)] += 1
        async with self._open.request(
            verb,
            path,
            data=None if body is None else orjson.dumps(body),
            headers={"Content-Type": kind},
        ) as response:
            answer = await response.read()
            if response.status >= 400:
                raise RuntimeError(f"{verb} {path}: {response.status} {answer.decode()}")
            document: Json = orjson.loads(answer)
            return document

    async def send_all(self, calls: Iterable[Call], done: Callable[[Json], None] = lambda _: None) -> None:
        """Makes requests over a fixed number of connections; `done` gets each answer."""
        waiting = iter(calls)

        async def work() -> None:
            for verb, path, body in waiting:
                done(await self.send(verb, path, body))

        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(work())

    async def requests(self) -> ledger.Ledger:
        """Reads from the API server's own metrics what was asked of it, by whomever but the bench."""
        return ledger.read(await self._metrics()) - ledger.Ledger(self.own)

    async def watches(self, resource: str) -> int:
        """Tells how many watches of a resource there are."""
        return ledger.watches(await self._metrics(), resource)

    @contextlib.asynccontextmanager
    async def watching(
        self, path: str, see: Callable[[Json, float], None], selector: str = ""
    ) -> AsyncIterator[None]:
        """Shows what changes in a collection from now on, with the time at which it was seen."""
        version = (await self.send("GET", f"{path}?limit=1"))["metadata"]["resourceVersion"]
        opened = asyncio.Event()
        async with beside.doing(self._watch(path, version, selector, opened=opened, see=see)):
            await opened.wait()
            yield

    async def _watch(
        self,
        path: str,
        version: str,
        selector: str,
        *,
        opened: asyncio.Event,
        see: Callable[[Json, float], None],
    ) -> None:
        """Follows a collection; the API server may end a watch at any time."""
        while True:
            query = {"watch": "1", "resourceVersion": version, "labelSelector": selector}
            timeout = aiohttp.ClientTimeout(total=None)
            async with self._open.get(path, params=query, timeout=timeout) as response:
                opened.set()
                async for document, now in _documents(response):
                    version = document["metadata"]["resourceVersion"]
                    see(document, now)

    async def _metrics(self) -> str:
        async with self._open.get("/metrics") as response:
            return await response.text()

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is not open")
        return self._session


async def _documents(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[Json, float]]:
    """Yields what a watch shows, and when it arrived."""
    buffer = b""
    async for chunk in response.content.iter_any():
        now = time.monotonic()
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            event = orjson.loads(line)
            if event["type"] == "ERROR":
                raise RuntimeError(f"a watch broke: {event['object'].get('message')}")
            yield event["object"], now

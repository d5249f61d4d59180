"""The races' own user of the API server: straight HTTP, past every fault, and watches that miss nothing."""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator
from typing import NamedTuple, Self

import aiohttp

import controlplane
from cluster import sites
from races.history import CLAIMS, CREDENTIALS, JOBS, LEASES, NAMESPACES, PODS, SECRETS, Event, History, Json

GROUP = "/apis/credential-operator.io/v1beta1"
GROUPS = {SECRETS: "/api/v1", PODS: "/api/v1", JOBS: "/apis/batch/v1", CREDENTIALS: GROUP, CLAIMS: GROUP}
WATCHED = (
    (NAMESPACES, "/api/v1/namespaces", ""),
    *((kind, f"{GROUPS[kind]}/{kind}", "") for kind in (CREDENTIALS, CLAIMS, JOBS, PODS)),
    (SECRETS, "/api/v1/secrets", "type!=helm.sh/release.v1"),
    (LEASES, f"/apis/coordination.k8s.io/v1/namespaces/{sites.NAMESPACE}/leases", ""),
)
"""What is followed: a kind, where it is, and which fields its objects have."""
PATCH = "application/merge-patch+json"
LINE = 16 * 1024 * 1024
"""Bytes of the longest line of a watch."""


class Answer(NamedTuple):
    """What the API server says to a request."""

    status: int
    document: Json

    @property
    def reason(self) -> str:
        """Why it was refused; empty if it was not."""
        return str(self.document.get("reason", "")) if self.status >= 400 else ""


def path(namespace: str, plural: str, name: str = "") -> str:
    """Gives where objects of a namespace are."""
    return f"{GROUPS[plural]}/namespaces/{namespace}/{plural}/{name}".rstrip("/")


class Api:
    """A member of the cluster's administrators."""

    def __init__(self, plane: controlplane.ControlPlane, token: str) -> None:
        self._url = plane.url
        self._authority = plane.authority
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None
        self._watches: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            base_url=self._url,
            connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=self._authority), limit=0),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=60),
            read_bufsize=LINE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._watches:
            task.cancel()
        # Before the watches let go of their connections: those would wait for an API server that is slow to part.
        if self._session is not None:
            await self._session.close()
        await asyncio.gather(*self._watches, return_exceptions=True)

    async def send(self, verb: str, where: str, body: Json | None = None) -> Answer:
        """Makes one request; a refusal is an answer."""
        kind = PATCH if verb == "PATCH" else "application/json"
        data = None if body is None else json.dumps(body)
        async with self._open.request(verb, where, data=data, headers={"Content-Type": kind}) as response:
            return Answer(response.status, json.loads(await response.text()))

    async def remember(self, history: History) -> None:
        """Has everything that happens from now on taken into a history."""
        for kind, where, fields in WATCHED:
            found = await self.send("GET", f"{where}?limit=1")
            version = found.document["metadata"]["resourceVersion"]
            self._watches.append(asyncio.create_task(self._follow(kind, where, fields, version, history)))

    def check(self) -> None:
        """Raises what a watch ended with: a history with a gap proves nothing."""
        for task in self._watches:
            if task.done():
                task.result()

    async def _follow(self, kind: str, where: str, fields: str, version: str, history: History) -> None:
        """Follows a collection; the API server may end a watch at any time, and it goes on where it was."""
        while True:
            query = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
            query |= {"fieldSelector": fields} if fields else {}
            timeout = aiohttp.ClientTimeout(total=None)
            with contextlib.suppress(aiohttp.ClientPayloadError):
                async with self._open.get(where, params=query, timeout=timeout) as response:
                    async for event in _events(kind, response):
                        version = event.metadata["resourceVersion"]
                        if event.type != "BOOKMARK":
                            history.add(event)

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("not connected")
        return self._session


async def _events(kind: str, response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    async for line in response.content:
        found = json.loads(line)
        if found["type"] == "ERROR":
            raise RuntimeError(f"the history of {kind} has a gap: {found['object'].get('message')}")
        found["object"]["metadata"].pop("managedFields", None)
        yield Event(kind, found["type"], found["object"], time.time())

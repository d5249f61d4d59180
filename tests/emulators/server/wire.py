"""HTTP/1.1 with keep-alive, and with connections that tear where a fault asks for it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import enum
import http
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

_TORN = (OSError, asyncio.IncompleteReadError)
_BODYLESS = (http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED)


class Cut(enum.StrEnum):
    """Where a connection tears."""

    BEFORE = "before"
    MIDDLE = "middle"


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)
    secure: bool
    connection: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    """What a service knows of the connection, the same in all its requests."""

    @property
    def path(self) -> str:
        """The path as sent, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query string as sent."""
        return self.target.partition("?")[2]


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer; with `cut` the connection tears, with `pace` each byte takes that many seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    cut: Cut | None = None
    pace: float = 0.0


async def listen(
    handle: Callable[[Request], Awaitable[Reply]], port: int, context: ssl.SSLContext | None
) -> asyncio.Server:
    """Serves on 127.0.0.1; port 0 takes a free one."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: dict[str, Any] = {}
        # Cancelled is how the emulator's end reaches an idle connection: nothing to report.
        with contextlib.suppress(*_TORN, asyncio.CancelledError), contextlib.closing(writer):
            while request := await _read(reader, writer, secure=context is not None):
                request = dataclasses.replace(request, connection=connection)
                if not await _write(writer, request, await handle(request)):
                    break

    return await asyncio.start_server(converse, "127.0.0.1", port, ssl=context)


async def _read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, secure: bool
) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = _headers(lines)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method=method, target=target, headers=headers, body=body, secure=secure)


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        known = headers.get(name.lower())
        headers[name.lower()] = f"{known},{value.strip()}" if known else value.strip()
    return headers


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    while (await reader.readline()).strip():
        pass
    return body


async def _write(writer: asyncio.StreamWriter, request: Request, reply: Reply) -> bool:
    """Sends `reply` and says whether the connection lives on."""
    data = _head(reply)
    if request.method != "HEAD":
        data += reply.body
    if reply.cut:
        await _tear(writer, data if reply.cut is Cut.MIDDLE else b"", len(reply.body))
        return False
    if reply.pace:
        await _drip(writer, data, reply.pace)
    writer.write(b"" if reply.pace else data)
    await writer.drain()
    return request.headers.get("connection", "").lower() != "close"


async def _tear(writer: asyncio.StreamWriter, data: bytes, body_length: int) -> None:
    if data:
        writer.write(data[: len(data) - body_length // 2 - 1])
        await writer.drain()
    writer.transport.abort()


async def _drip(writer: asyncio.StreamWriter, data: bytes, pace: float) -> None:
    for position in range(len(data)):
        writer.write(data[position : position + 1])
        await writer.drain()
        await asyncio.sleep(pace)


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    named = {name.lower() for name in reply.headers}
    if "content-length" not in named and reply.status not in _BODYLESS:
        lines.append(f"Content-Length: {len(reply.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"

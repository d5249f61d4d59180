"""The child's end: commands arrive as JSON lines on stdin, results leave on stdout."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
import json
import os
import pathlib
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

_LONGEST_LINE = 64 * 1024 * 1024
_ORPHAN_SECONDS = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """What an emulator offers its parent: facts once, commands while it runs, and an end."""

    facts: dict[str, Any]
    commands: Mapping[str, Callable[..., Any]]
    close: Callable[[], Awaitable[None]]


async def serve(begin: Callable[[dict[str, Any], pathlib.Path], Awaitable[Service]]) -> None:
    """Runs one emulator until stdin ends, the parent is gone or SIGTERM arrives."""
    output = _claim_stdout()
    lines = await _stdin()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lines.feed_eof)
    orphaned = asyncio.create_task(_end_when_orphaned(lines))
    with tempfile.TemporaryDirectory(prefix="emulator-") as folder, contextlib.suppress(BrokenPipeError):
        config = json.loads(await lines.readline() or b'{"id": 0}')
        number = config.pop("id")
        service = await begin(config, pathlib.Path(folder))
        try:
            _send(output, {"id": number, "result": service.facts})
            await _obey(lines, output, {**service.commands, "cpu_seconds": time.process_time})
        finally:
            await service.close()
    orphaned.cancel()


async def _obey(
    lines: asyncio.StreamReader,
    output: int,
    commands: Mapping[str, Callable[..., Any]],
) -> None:
    while line := await lines.readline():
        message = json.loads(line)
        try:
            result = commands[message["call"]](**message["with"])
            if inspect.isawaitable(result):
                result = await result
            reply = {"result": result}
        except Exception as error:  # noqa: BLE001 - the parent raises it again
            reply = {"error": f"{type(error).__name__}: {error}"}
        _send(output, {"id": message["id"], **reply})


def _send(output: int, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(output, data) :]


def _claim_stdout() -> int:
    """Keeps stdout for replies: what a library prints goes to stderr."""
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return output


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


async def _end_when_orphaned(lines: asyncio.StreamReader) -> None:
    """Notices a dead parent even when a process it forked still holds our stdin open."""
    parent = os.getppid()
    # Nothing tells a process that its parent died; it has to look.
    while os.getppid() == parent:
        await asyncio.sleep(_ORPHAN_SECONDS)
    lines.feed_eof()

"""Spans for an OpenTelemetry collector: passes, calls to providers, requests to the API server.

Off unless a collector is named. Spans have kinds, names, hosts and outcomes, and never what an error says.
"""

import contextlib
import dataclasses
import types
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp

Say = Callable[[str, str], object]
"""Adds a word to a span."""


@dataclasses.dataclass
class _Process:
    """What this process does with spans: nothing, or what starts one."""

    starts: Callable[..., Any] | None = None


_process = _Process()


def begin(endpoint: str, *, identity: str) -> Callable[[], None]:
    """Has spans sent to a collector's address; gives what sends the last of them and ends it."""
    from credential_operator import collector  # noqa: PLC0415  nobody pays for it who has none

    _process.starts, end = collector.connect(endpoint, identity=identity)
    return end


@contextlib.contextmanager
def span(name: str, /, **attributes: str) -> Iterator[Say]:
    """Spans the block, and what is begun in it; an error is told of by the name of its class."""
    if _process.starts is None:
        yield _nobody
        return
    quietly = {"record_exception": False, "set_status_on_exception": False}
    with _process.starts(name, attributes=attributes, **quietly) as begun:
        try:
            yield begun.set_attribute
        except Exception as error:
            begun.set_attribute("error.type", type(error).__name__)
            raise


def requests() -> list[aiohttp.TraceConfig]:
    """Gives what spans each request of a client session, up to the head of its answer."""
    if _process.starts is None:
        return []
    config = aiohttp.TraceConfig()
    config.on_request_start.append(_starts)
    config.on_request_end.append(_ends)
    config.on_request_exception.append(_ends)
    return [config]


async def _starts(
    _: aiohttp.ClientSession, request: types.SimpleNamespace, started: aiohttp.TraceRequestStartParams
) -> None:
    request.ends = contextlib.ExitStack()
    say = request.ends.enter_context(span(started.method))
    say("url.path", started.url.path)


async def _ends(_: aiohttp.ClientSession, request: types.SimpleNamespace, __: object) -> None:
    request.ends.close()


def _nobody(_: str, __: str) -> None:
    """Hears it."""

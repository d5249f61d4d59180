"""The process that the operator runs in: what it loads, its event loop and its garbage collector."""

import asyncio
import contextlib
import gc
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

HEAVY = "google.auth.transport.requests"
"""What `kubernetes` loads where it is installed, for a login to GKE that kubectl has given up: a tenth of what the
operator holds. The type google loads it when it needs it."""


@contextlib.contextmanager
def without(module: str) -> Iterator[None]:
    """Has a module missing for whoever can do without it, unless it is loaded already.

    `sys.modules` may say None of a module: importing it raises ModuleNotFoundError then (Python's reference, 5.3.1).
    """
    modules: dict[str, Any] = sys.modules
    missing = modules.setdefault(module, None) is None
    try:
        yield
    finally:
        if missing:
            del modules[module]


def loop() -> asyncio.AbstractEventLoop:
    """Gives the fastest event loop that is installed."""
    try:
        import uvloop  # noqa: PLC0415  there is none for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Does the work in such a loop."""
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)


def spare_collections() -> None:
    """Has the garbage collector come rarely, and never look at what is loaded by now.

    That stays; otherwise every full collection walks through all of it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)

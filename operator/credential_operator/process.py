"""The process that the operator runs in: its event loop and its garbage collector."""

import asyncio
import gc


def loop() -> asyncio.AbstractEventLoop:
    """Gives the fastest event loop that is installed."""
    try:
        import uvloop  # noqa: PLC0415  there is none for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def spare_collections() -> None:
    """Has the garbage collector come rarely, and never look at what is loaded by now.

    That stays; otherwise every full collection walks through all of it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)

"""`python -m emulators.server KIND`: one emulator, driven over stdin and stdout."""

import asyncio
import importlib
import os
import sys
from collections.abc import Callable

from emulators.server import channel

new_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop as new_loop
except ImportError:
    new_loop = asyncio.new_event_loop


def main() -> None:
    """Serves until the parent closes its end of stdin."""
    # Private keys are written to the temporary folder.
    os.umask(0o077)
    kind = importlib.import_module(f"emulators.server.{sys.argv[1]}")
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(channel.serve(kind.begin))


main()

"""A way for Pods to a server that listens on loopback: the same port, on an address that they reach."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from controlplane import ports

CHUNK = 65_536
START_SECONDS = 10.0


@contextlib.contextmanager
def opened(address: str, port: int) -> Iterator[None]:
    """Pass connections on until the block ends, as they come: what is encrypted stays so."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        serving = asyncio.run_coroutine_threadsafe(_serve(address, port), loop)
        server = serving.result(START_SECONDS)
        yield
        loop.call_soon_threadsafe(server.close)
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result(START_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(address: str, port: int) -> asyncio.Server:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            there, back = await asyncio.open_connection(ports.ADDRESS, port)
            with contextlib.closing(back):
                await asyncio.gather(_copy(reader, back), _copy(there, writer))

    return await asyncio.start_server(converse, address, port)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _end() -> None:
    """Cut what is still connected."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

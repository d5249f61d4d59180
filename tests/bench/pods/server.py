"""`python -m bench.pods.server`: an API server's list and watch of Pods, until its standard input ends.

The API server itself would need minutes and gigabytes for as many. Pages are compressed as it does it.
"""

import argparse
import asyncio
import contextlib
import sys
import zlib
from collections.abc import Iterator

import orjson
from aiohttp import web

from bench.pods import documents

GZIP = 16 + zlib.MAX_WBITS
MOMENT = 1.0
"""Seconds between bookmarks."""
BOOKMARK = b'{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"%d"}}}\n'
GONE = b'{"type":"ERROR","object":{"kind":"Status","status":"Failure","reason":"Expired","code":410}}\n'
"""What an API server says that has forgotten where a watch was."""


class Server:
    """So many Pods that use Secrets, or none.

    The first to watch them sees some Deployments rolled out, and has to list again.
    """

    def __init__(self, *, pods: int, rolled: int, using: bool) -> None:
        self._pods = pods
        self._rolled = rolled
        self._using = using
        self._version = pods

    def routes(self) -> list[web.RouteDef]:
        """Says what is served."""
        return [web.get("/api/v1/pods", self._pods_asked)]

    async def _pods_asked(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") == "true":
            return await self._watched(request)
        return self._page(request)

    def _page(self, request: web.Request) -> web.Response:
        first = int(request.query.get("continue", 0))
        after = min(first + int(request.query["limit"]), self._pods)
        going_on = str(after) if after < self._pods else ""
        metadata = orjson.dumps({"resourceVersion": str(self._version), "continue": going_on})
        items = b",".join(map(self._pod, range(first, after)))
        body = b'{"kind":"PodList","apiVersion":"v1","metadata":%s,"items":[%s]}' % (metadata, items)
        packer = zlib.compressobj(1, zlib.DEFLATED, GZIP)
        return web.Response(
            body=packer.compress(body) + packer.flush(),
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
        )

    def _pod(self, number: int) -> bytes:
        rolled = self._version > self._pods and number < self._rolled * documents.PODS_EACH
        return documents.pod(number, rollout=int(rolled), version=number + 1, using=self._using)

    async def _watched(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionResetError):
            if self._version == self._pods:
                for lines in self._storm():
                    await response.write(lines)
                await response.write(GONE)
                return response
            while True:
                await response.write(BOOKMARK % self._version)
                await asyncio.sleep(MOMENT)
        return response

    def _storm(self) -> Iterator[bytes]:
        for number in range(self._rolled * documents.PODS_EACH):
            yield b"".join(documents.rollout(number, version=self._version + 1, using=self._using))
            self._version += documents.ROLLED


async def serve(server: Server) -> None:
    """Serves on a port that it prints."""
    application = web.Application()
    application.add_routes(server.routes())
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        sys.stdout.write(f"{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, required=True)
    parser.add_argument("--rolled", type=int, required=True, help="how many Deployments are rolled out")
    parser.add_argument("--using", action="store_true", help="every Pod uses a Secret")
    asyncio.run(serve(Server(**vars(parser.parse_args()))))

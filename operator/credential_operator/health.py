"""The HTTP endpoints for kubelet and Prometheus: /healthz, /readyz, /metrics."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

Problems = Callable[[], list[str]]
"""Gives what is wrong, a line each; empty if nothing is."""

Metrics = Callable[[], Callable[[], bytes]]
"""Takes what is to be told at this moment, and gives what writes it: that takes its time, and a thread."""


class Server:
    """Serves the endpoints until closed."""

    def __init__(self, *, host: str, port: int, healthy: Problems, ready: Problems, metrics: Metrics) -> None:
        self._host = host
        self._port = port
        self._healthy = healthy
        self._ready = ready
        self._metrics = metrics
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Begins to listen; gives the port."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._answer(self._healthy)),
                web.get("/readyz", self._answer(self._ready)),
                web.get("/metrics", self._expose),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host or None, self._port)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Ends all connections."""
        if self._runner is not None:
            await self._runner.cleanup()

    @staticmethod
    def _answer(problems: Problems) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(_: web.Request) -> web.StreamResponse:
            found = problems()
            return web.Response(status=503 if found else 200, text="\n".join(found or ["ok"]) + "\n")

        return answer

    async def _expose(self, _: web.Request) -> web.StreamResponse:
        text = await asyncio.to_thread(self._metrics())
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

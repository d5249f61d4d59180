"""What answers requests for a service: it meets the faults first, and keeps a record."""

from __future__ import annotations

import abc
import asyncio
import dataclasses
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from emulators import certificates
from emulators.server import answers, channel, faults, wire
from emulators.server.faults import Effect

_CUT_STATUS = 0


class Desk(abc.ABC):
    """A service's front: what it serves and how it words refusals is the service's own."""

    def __init__(self) -> None:
        self.faults = faults.Faults()
        self.calls: list[tuple[Any, ...]] = []
        self.url = ""
        self.certificate = b""

    def action(self, request: wire.Request) -> str:
        """Names what is asked for, by which faults are meant."""
        return request.path

    def entry(self, request: wire.Request, reply: wire.Reply, status: int) -> tuple[Any, ...]:
        """Gives what the record says of a request; the status is 0 where the connection was cut."""
        return (request.method, request.path, status)

    @abc.abstractmethod
    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers a request that meets no fault; `now` is what the service's clock says."""

    @abc.abstractmethod
    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal; an empty code is the one that goes with the status."""

    def throttled(self, action: str) -> wire.Reply:
        """Words that there were too many calls."""
        return self.refuse(action, 429, "", "too many")

    def reset(self) -> None:
        """Forgets everything."""
        self.clear()

    def clear(self) -> None:
        """Forgets faults and calls."""
        self.faults.clear()
        self.reset_calls()

    def reset_calls(self) -> None:
        """Begins another record: who was delayed, and has not been answered by now, is in none."""
        self.calls = []

    async def handle(self, request: wire.Request) -> wire.Reply:
        """Answers one request."""
        calls = self.calls
        action = self.action(request)
        plan = self.faults.plan(action)
        if plan.delay:
            await asyncio.sleep(plan.delay)
        now = time.time() + plan.skew
        reply = dataclasses.replace(self._answer(request, action, plan.end, now), pace=plan.pace)
        calls.append(self.entry(request, reply, _CUT_STATUS if reply.cut else reply.status))
        return dataclasses.replace(reply, headers={"Date": answers.http_date(now), **reply.headers})

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what every parent may call."""
        return {
            "calls": lambda: self.calls,
            "reset_calls": self.reset_calls,
            "add_fault": lambda effect, action, **rest: self.faults.add(effect, action=action, **rest),
            "clear_faults": self.faults.clear,
            "reset": self.reset,
        }

    def _answer(self, request: wire.Request, action: str, end: faults.Fault | None, now: float) -> wire.Reply:
        if end and end.effect is Effect.CUT and end.options["where"] == wire.Cut.BEFORE:
            return wire.Reply(status=_CUT_STATUS, headers={}, cut=wire.Cut.BEFORE)
        if end and end.effect is not Effect.CUT:
            return self._faulty(action, end)
        reply = self.serve(request, now)
        return dataclasses.replace(reply, cut=wire.Cut.MIDDLE) if end else reply

    def _faulty(self, action: str, fault: faults.Fault) -> wire.Reply:
        options = fault.options
        match fault.effect:
            case Effect.THROTTLE:
                return _with(self.throttled(action), options["headers"])
            case Effect.ERROR:
                reply = self.refuse(action, options["status"], options["code"], options["message"])
                return _with(reply, options["headers"])
        return wire.Reply(
            status=options["status"],
            headers={"Content-Type": options["content_type"], **options["headers"]},
            body=options["body"].encode(),
        )


def _with(reply: wire.Reply, headers: Mapping[str, str]) -> wire.Reply:
    return dataclasses.replace(reply, headers={**reply.headers, **headers})


async def begin(served: Desk, config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Serves on loopback, with TLS."""
    authority = certificates.issue(folder, config["hosts"])
    server = await wire.listen(served.handle, config["port"], authority.context())

    async def close() -> None:
        server.close()

    facts = certificates.facts(authority, server.sockets[0].getsockname()[1])
    served.url = facts["url"]
    served.certificate = authority.certificate.cert_chain_pems[0].bytes()
    served.reset()
    return channel.Service(facts, served.commands(), close)

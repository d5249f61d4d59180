"""Where a program is played: a namespace, and that of a neighbour who borrows."""

import asyncio
import datetime
import time
from typing import Any

from races.api import Answer, Api, path
from races.history import CREDENTIALS, DOMAIN, SECRETS, Json
from races.programs import Step

API_VERSION = f"{DOMAIN}/v1beta1"
THEIRS = "races.example/hold"
"""The finalizer of somebody else."""
PATIENCE = 1.5
"""Seconds for which somebody tries to make again what is still being deleted."""
AGAIN = 0.03


class Scene:
    """One namespace, and its neighbour; `said` is what was done when, and how it was answered."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self.namespace = namespace
        self.neighbour = f"{namespace}-b"
        self.said: list[str] = []

    @property
    def namespaces(self) -> tuple[str, str]:
        """Both namespaces."""
        return self.namespace, self.neighbour

    async def send(self, verb: str, where: str, body: Json | None = None) -> Answer:
        """Makes a request."""
        return await self._api.send(verb, where, body)

    def at(self, plural: str, step: Step) -> str:
        """Gives where a step's object is."""
        return path(self.namespace, plural, step.name)

    async def settle(self, namespace: str) -> Answer:
        """Makes a namespace; one of that name may be on its way out."""
        return await self.until_done("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})

    async def set_key(self, key: str) -> Answer:
        """Has the source Secret hold this key."""
        where = path(self.namespace, SECRETS, "keys")
        return await self.send("PATCH", where, {"stringData": {"KEY": key}})

    async def share(self, step: Step, grant: Json | None) -> Answer:
        """Has a Credential be shared so, or with nobody."""
        change = {"spec": {"allowedNamespaces": grant}}
        return await self.send("PATCH", self.at(CREDENTIALS, step), change)

    async def until_done(self, verb: str, where: str, body: Json) -> Answer:
        """Makes a request again until it is not refused, or patience ends."""
        end = time.monotonic() + PATIENCE
        while (answer := await self.send(verb, where, body)).status >= 400 and time.monotonic() < end:
            await asyncio.sleep(AGAIN)
        return answer


def document(kind: str, name: str, spec: Json, **metadata: Any) -> Json:
    """Gives an object of either kind."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def now(ahead: int) -> str:
    """Gives the time by a clock that is so many seconds ahead."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

"""Plays programs: one function for each verb, straight to the API server, whose refusals are part of the play.

A verb is added by a function here, and its weight in `programs.THEMES`.
"""

import asyncio
import datetime
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from races.api import Answer, Api, path
from races.history import CLAIMS, CREDENTIALS, DOMAIN, SECRETS, Json
from races.programs import Program, Step

API_VERSION = f"{DOMAIN}/v1beta1"
HOLDERS_OWN = "races.example/hold"
"""The finalizer of a holder on its own reference."""
PATIENCE = 1.5
"""Seconds for which somebody tries to make again what is still being deleted."""
AGAIN = 0.03


class Scene:
    """One namespace, in which a program is played; `said` is what was done when, and how it was answered."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self.namespace = namespace
        self.said: list[str] = []

    async def play(self, program: Program) -> None:
        """Plays a program to its end."""
        await asyncio.sleep(program.begins)
        await self.send("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        source = {"metadata": {"name": "keys"}, "stringData": {"KEY": "value"}}
        await self.send("POST", path(self.namespace, SECRETS), source)
        for step in program.first:
            await self._take(step, "first")
        await asyncio.gather(
            *(self._act(steps, f"actor {number}") for number, steps in enumerate(program.actors))
        )

    async def _act(self, steps: tuple[Step, ...], who: str) -> None:
        for step in steps:
            await asyncio.sleep(step.pause)
            await self._take(step, who)

    async def _take(self, step: Step, who: str) -> None:
        began = time.time()
        answer = await VERBS[step.verb](self, step)
        self.said.append(
            f"{began:.3f} to {time.time():.3f} {who}: {step}: {answer.status} {answer.reason}".rstrip()
        )

    async def send(self, verb: str, where: str, body: Json | None = None) -> Answer:
        """Makes a request."""
        return await self._api.send(verb, where, body)

    def at(self, plural: str, step: Step) -> str:
        """Gives where a step's object is."""
        return path(self.namespace, plural, step.name)

    async def until_done(self, verb: str, where: str, body: Json) -> Answer:
        """Makes a request again until it is not refused, or patience ends."""
        end = time.monotonic() + PATIENCE
        while (answer := await self.send(verb, where, body)).status >= 400 and time.monotonic() < end:
            await asyncio.sleep(AGAIN)
        return answer


async def _create(scene: Scene, step: Step) -> Answer:
    return await scene.send("POST", path(scene.namespace, CREDENTIALS), _credential(step))


async def _delete(scene: Scene, step: Step) -> Answer:
    options = {"propagationPolicy": step.fields["propagation"]}
    return await scene.send("DELETE", scene.at(CREDENTIALS, step), options)


async def _replace(scene: Scene, step: Step) -> Answer:
    await scene.send("DELETE", scene.at(CREDENTIALS, step))
    return await scene.until_done("POST", path(scene.namespace, CREDENTIALS), _credential(step))


async def _cordon(scene: Scene, step: Step) -> Answer:
    change = {"spec": {"acceptReferences": step.verb == "uncordon"}}
    return await scene.send("PATCH", scene.at(CREDENTIALS, step), change)


async def _force(scene: Scene, step: Step) -> Answer:
    change = {"metadata": {"annotations": {f"{DOMAIN}/force-delete": "a race"}}}
    return await scene.send("PATCH", scene.at(CREDENTIALS, step), change)


async def _claim(scene: Scene, step: Step) -> Answer:
    return await scene.send("POST", path(scene.namespace, CLAIMS), _reference(step))


async def _unclaim(scene: Scene, step: Step) -> Answer:
    return await scene.send("DELETE", scene.at(CLAIMS, step))


async def _reclaim(scene: Scene, step: Step) -> Answer:
    found = await scene.send("DELETE", scene.at(CLAIMS, step))
    # A deletion is answered with the object itself where it has to wait, else with a Status.
    name = {"credential": "a"}
    if found.status < 400 and "spec" in found.document:
        name = {"credential": found.document["spec"]["credentialRef"]["name"]}
    again = Step(pause=0.0, verb="claim", name=step.name, fields=name)
    return await scene.until_done("POST", path(scene.namespace, CLAIMS), _reference(again))


async def _renew(scene: Scene, step: Step) -> Answer:
    change = {"spec": {"renewTime": _now(step.fields["skew"])}}
    return await scene.send("PATCH", scene.at(CLAIMS, step), change)


async def _free(scene: Scene, step: Step) -> Answer:
    return await scene.send("PATCH", scene.at(CLAIMS, step), {"metadata": {"finalizers": None}})


async def _leave(scene: Scene, step: Step) -> Answer:
    return await scene.send("DELETE", f"/api/v1/namespaces/{scene.namespace}")


VERBS: Mapping[str, Callable[[Scene, Step], Awaitable[Answer]]] = {
    "create": _create,
    "delete": _delete,
    "replace": _replace,
    "cordon": _cordon,
    "uncordon": _cordon,
    "force": _force,
    "claim": _claim,
    "lease": _claim,
    "finalize": _claim,
    "unclaim": _unclaim,
    "reclaim": _reclaim,
    "renew": _renew,
    "free": _free,
    "leave": _leave,
}


def _credential(step: Step) -> Json:
    spec = {
        "opaque": {},
        "secretRef": {"name": "keys"},
        "targets": [{"name": f"{step.name}-env", "format": "env"}],
        "whenReferenced": step.fields["whenReferenced"],
    }
    return _document("Credential", step.name, spec)


def _reference(step: Step) -> Json:
    spec: Json = {"credentialRef": {"name": step.fields["credential"]}}
    if step.verb == "lease":
        spec |= {"leaseDurationSeconds": step.fields["seconds"], "renewTime": _now(step.fields["skew"])}
    metadata = {"finalizers": [HOLDERS_OWN]} if step.verb == "finalize" else {}
    return _document("CredentialReference", step.name, spec, **metadata)


def _document(kind: str, name: str, spec: Json, **metadata: Any) -> Json:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def _now(ahead: int) -> str:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# The end


async def leave_nothing(api: Api, namespace: str, standing: Mapping[Any, Any]) -> None:
    """Ends all references, then all Credentials, of what stands in a namespace."""
    for plural, verb in ((CLAIMS, "references"), (CREDENTIALS, "Credentials")):
        for name in (one.name for one in standing if one.kind == plural):
            where = path(namespace, plural, name)
            if verb == "references":
                await api.send("PATCH", where, {"metadata": {"finalizers": None}})
            await api.send("DELETE", where)

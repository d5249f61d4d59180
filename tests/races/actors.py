"""Plays programs: one function for each verb, straight to the API server, whose refusals are part of the play.

A verb is added by a function here, and its weight in `programs.THEMES`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from races import borrowers, handouts, history, holders
from races.api import Answer, Api, path
from races.history import CLAIMS, CREDENTIALS, DOMAIN, JOBS, PODS, SECRETS, Json
from races.programs import Program, Step
from races.scene import THEIRS, Scene, document, now


async def play(scene: Scene, program: Program) -> None:
    """Plays a program to its end."""
    await asyncio.sleep(program.begins)
    for namespace in scene.namespaces[: 1 + program.neighbourly]:
        await scene.settle(namespace)
    source = {"metadata": {"name": "keys"}, "stringData": {"KEY": "value"}}
    await scene.send("POST", path(scene.namespace, SECRETS), source)
    for step in program.first:
        await _take(scene, step, "first")
    await asyncio.gather(
        *(_act(scene, steps, f"actor {number}") for number, steps in enumerate(program.actors))
    )


async def _act(scene: Scene, steps: tuple[Step, ...], who: str) -> None:
    for step in steps:
        await asyncio.sleep(step.pause)
        await _take(scene, step, who)


async def _take(scene: Scene, step: Step, who: str) -> None:
    began = time.time()
    answer = await VERBS[step.verb](scene, step)
    scene.said.append(
        f"{began:.3f} to {time.time():.3f} {who}: {step}: {answer.status} {answer.reason}".rstrip()
    )


async def _create(scene: Scene, step: Step) -> Answer:
    return await scene.send("POST", path(scene.namespace, CREDENTIALS), _credential(scene, step))


async def _delete(scene: Scene, step: Step) -> Answer:
    options = {"propagationPolicy": step.fields["propagation"]}
    return await scene.send("DELETE", scene.at(CREDENTIALS, step), options)


async def _replace(scene: Scene, step: Step) -> Answer:
    await scene.send("DELETE", scene.at(CREDENTIALS, step))
    return await scene.until_done("POST", path(scene.namespace, CREDENTIALS), _credential(scene, step))


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
    change = {"spec": {"renewTime": now(step.fields["skew"])}}
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
    "share": borrowers.share,
    "label": borrowers.label,
    "unlabel": borrowers.label,
    "borrow": borrowers.borrow,
    "give back": borrowers.give_back,
    "depart": borrowers.depart,
    "arrive": borrowers.arrive,
    "rotate": borrowers.rotate,
    "distribute": handouts.distribute,
    "reject": handouts.reject,
    "ask": handouts.ask,
    "keep": handouts.keep,
    "plant": handouts.plant,
    "seize": handouts.seize,
    "uproot": handouts.uproot,
    "employ": handouts.employ,
    "dismiss": handouts.dismiss,
    "await": holders.await_holder,
    "start": holders.start,
    "finish": holders.finish,
    "end": holders.end,
    "restart": holders.restart,
    "let go": holders.let_go,
}


def _credential(scene: Scene, step: Step) -> Json:
    spec: Json = {
        "opaque": {},
        "secretRef": {"name": "keys"},
        "targets": [{"name": f"{step.name}-env", "format": "env"}],
        "whenReferenced": step.fields["whenReferenced"],
    }
    granted = borrowers.grant(scene, step.fields["with"], step.fields["grace"])
    if granted is not None:
        spec["allowedNamespaces"] = {name: value for name, value in granted.items() if value is not None}
    return document("Credential", step.name, spec)


def _reference(step: Step) -> Json:
    spec: Json = {"credentialRef": {"name": step.fields["credential"]}}
    if step.verb == "lease":
        spec |= {"leaseDurationSeconds": step.fields["seconds"], "renewTime": now(step.fields["skew"])}
    metadata = {"finalizers": [THEIRS]} if step.verb == "finalize" else {}
    return document("CredentialReference", step.name, spec, **metadata)


# The end


async def leave_nothing(api: Api, standing: Mapping[history.Name, Any]) -> None:
    """Ends all references, then all Credentials, then all holders, of what stands."""
    for plural in (CLAIMS, CREDENTIALS, JOBS, PODS):
        for one in standing:
            if one.kind != plural:
                continue
            where = path(one.namespace, plural, one.name)
            if plural != CREDENTIALS:
                let_go = {"finalizers": None, "annotations": {history.GIVEN_UP: "true"}}
                await api.send("PATCH", where, {"metadata": let_go})
            await api.send("DELETE", where)

"""What owners and the neighbour do about a distribution: begin and end it, and do what they like with what was made.

What the operator makes is waited for. Whatever a person does to an object they mark on it: what changes without
another mark, the operator has changed.
"""

import uuid

from cluster import workloads
from races.api import Answer, path
from races.history import BY, CLAIMS, CREDENTIALS, DISTRIBUTED, GIVEN_UP, JOBS, SECRETS, Json
from races.programs import Step
from races.scene import Scene, document


async def distribute(scene: Scene, step: Step) -> Answer:
    """Distributes a Credential with a Secret, or as an offer, or not any more."""
    how = step.fields["how"]
    wanted = {
        "target": _target(step.fields["target"]) if how == "target" else None,
        "advertise": True if how == "offer" else None,
    }
    change = {"spec": {"distribute": None if how == "nothing" else wanted}}
    return await scene.send("PATCH", scene.at(CREDENTIALS, step), change)


async def reject(scene: Scene, step: Step) -> Answer:
    """Deletes the neighbour's reference of a Credential's name, whoever made it."""
    where = path(scene.neighbour, CLAIMS, step.name)
    given_up = await scene.until_done("PATCH", where, _given_up())
    return await _delete(scene, where, given_up)


async def ask(scene: Scene, step: Step) -> Answer:
    """Has that reference ask for another Secret, or for none: an offer is taken up by this."""
    name = step.fields["target"]
    change = {"metadata": _marked(), "spec": {"target": _target(name) if name else None}}
    return await scene.until_done("PATCH", path(scene.neighbour, CLAIMS, step.name), change)


async def keep(scene: Scene, step: Step) -> Answer:
    """Takes the operator's label off that reference: it is the neighbour's own from then on."""
    change = {"metadata": {**_marked(), "labels": {DISTRIBUTED: None}}}
    return await scene.until_done("PATCH", path(scene.neighbour, CLAIMS, step.name), change)


async def plant(scene: Scene, step: Step) -> Answer:
    """Puts a reference of one's own in the place of one that the operator makes, with its label or without."""
    form = step.fields["label"]
    spec: Json = {"credentialRef": {"name": step.fields["credential"], "namespace": scene.namespace}}
    labels = {DISTRIBUTED: form} if form else {}
    planted = document("CredentialReference", step.name, spec, labels=labels, **_marked())
    await _remove(scene, path(scene.neighbour, CLAIMS, step.name))
    return await scene.until_done("POST", path(scene.neighbour, CLAIMS), planted)


async def seize(scene: Scene, step: Step) -> Answer:
    """Puts a Secret of one's own in the place of one that the operator writes."""
    planted = {"metadata": {"name": step.name, **_marked()}, "stringData": {"their": "own"}}
    await _remove(scene, path(scene.neighbour, SECRETS, step.name))
    return await scene.until_done("POST", path(scene.neighbour, SECRETS), planted)


async def uproot(scene: Scene, step: Step) -> Answer:
    """Deletes a Secret of the neighbour, whoever wrote it."""
    return await _remove(scene, path(scene.neighbour, SECRETS, step.name))


async def employ(scene: Scene, step: Step) -> Answer:
    """Has a Job of the neighbour use a Secret."""
    job = workloads.job(f"uses-{step.name}", step.name, suspend=True)
    return await scene.send("POST", path(scene.neighbour, JOBS), job)


async def dismiss(scene: Scene, step: Step) -> Answer:
    """Deletes that Job."""
    where = path(scene.neighbour, JOBS, f"uses-{step.name}")
    return await scene.send("DELETE", where, {"propagationPolicy": "Background"})


def _target(name: str) -> Json:
    return {"name": name, "format": "env"}


def _marked() -> Json:
    return {"annotations": {BY: str(uuid.uuid4())}}


def _given_up() -> Json:
    return {"metadata": {"annotations": {GIVEN_UP: "true"}}}


async def _remove(scene: Scene, where: str) -> Answer:
    """Deletes an object, if it is there."""
    return await _delete(scene, where, await scene.send("PATCH", where, _given_up()))


async def _delete(scene: Scene, where: str, marked: Answer) -> Answer:
    """Deletes the object that was marked as given up, and no other of its name."""
    if marked.status >= 400:
        return marked
    return await scene.send("DELETE", where, {"preconditions": {"uid": marked.document["metadata"]["uid"]}})

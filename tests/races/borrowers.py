"""What owners and the neighbour do: share, claim from elsewhere, take back, and go."""

from races.api import Answer, path
from races.history import CLAIMS, Json
from races.programs import Step
from races.scene import Scene, document

LABEL = "races.example/trusted"
"""Of namespaces: which one's owners trust it."""


def selector(namespace: str) -> Json:
    """Gives what chooses the namespaces that the owners in one trust."""
    return {"matchLabels": {LABEL: namespace}}


def grant(scene: Scene, how: str, grace: str) -> Json | None:
    """Gives who may borrow: the neighbour by name or by label, somebody else, or nobody."""
    if how == "nobody":
        return None
    names = {"name": [scene.neighbour], "another": ["somebody-else"]}.get(how)
    trusted = selector(scene.namespace) if how == "label" else None
    # A merge patch takes away what is null.
    return {"names": names, "selector": trusted, "revocationGracePeriod": grace}


async def share(scene: Scene, step: Step) -> Answer:
    """Grants, or takes back."""
    return await scene.share(step, grant(scene, step.fields["with"], step.fields["grace"]))


async def label(scene: Scene, step: Step) -> Answer:
    """Gives the neighbour the label that grants may ask for, or takes it off."""
    change = {"metadata": {"labels": {LABEL: scene.namespace if step.verb == "label" else None}}}
    return await scene.send("PATCH", f"/api/v1/namespaces/{scene.neighbour}", change)


async def borrow(scene: Scene, step: Step) -> Answer:
    """Claims from the neighbour's namespace."""
    spec: Json = {"credentialRef": {"name": step.fields["credential"], "namespace": scene.namespace}}
    if step.fields["target"]:
        spec["target"] = {"name": f"{step.name}-env", "format": "env"}
    claim = document("CredentialReference", step.name, spec)
    return await scene.send("POST", path(scene.neighbour, CLAIMS), claim)


async def give_back(scene: Scene, step: Step) -> Answer:
    """Deletes a claim of the neighbour."""
    return await scene.send("DELETE", path(scene.neighbour, CLAIMS, step.name))


async def depart(scene: Scene, _: Step) -> Answer:
    """Deletes the neighbour's namespace."""
    return await scene.send("DELETE", f"/api/v1/namespaces/{scene.neighbour}")


async def arrive(scene: Scene, _: Step) -> Answer:
    """Makes the neighbour's namespace anew."""
    return await scene.settle(scene.neighbour)


async def rotate(scene: Scene, step: Step) -> Answer:
    """Puts another key in."""
    return await scene.set_key(step.fields["key"])

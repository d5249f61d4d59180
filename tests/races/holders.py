"""What holders do: Jobs and Pods that come, finish, fail, go and come again, and the references that await them."""

from cluster import workloads
from races import programs
from races.api import Answer, path
from races.history import CLAIMS, JOBS, PODS, Json
from races.programs import Step
from races.scene import THEIRS, Scene, document

KINDS = {"Job": (JOBS, "batch/v1"), "Pod": (PODS, "v1")}


async def await_holder(scene: Scene, step: Step) -> Answer:
    """Claims until the holder has finished, whether or not it is there."""
    name = step.fields["holder"]
    kind = programs.HOLDERS[name]
    spec: Json = {
        "credentialRef": {"name": step.fields["credential"]},
        "holder": {"apiVersion": KINDS[kind][1], "kind": kind, "name": name},
        "until": "HolderFinished",
    }
    if step.fields["removed"]:
        spec["ttlSecondsAfterFinished"] = 0
    claim = document("CredentialReference", step.name, spec)
    return await scene.send("POST", path(scene.namespace, CLAIMS), claim)


async def start(scene: Scene, step: Step) -> Answer:
    """Makes a holder; Pods need an account that the namespace gets in its own time."""
    plural, _ = KINDS[programs.HOLDERS[step.name]]
    return await scene.until_done("POST", path(scene.namespace, plural), _holder(step))


async def finish(scene: Scene, step: Step) -> Answer:
    """Has a holder be complete, or failed."""
    job, well = programs.HOLDERS[step.name] == "Job", step.fields["well"]
    done = workloads.ended("Complete" if well else "Failed")
    change = done if job else {"status": {"phase": "Succeeded" if well else "Failed"}}
    return await scene.send("PATCH", f"{_at(scene, step)}/status", change)


async def end(scene: Scene, step: Step) -> Answer:
    """Deletes a holder."""
    return await scene.send("DELETE", _at(scene, step), {"propagationPolicy": step.fields["propagation"]})


async def restart(scene: Scene, step: Step) -> Answer:
    """Deletes a holder, and makes another of its name."""
    await scene.send("DELETE", _at(scene, step), {"propagationPolicy": "Background"})
    return await start(scene, step)


async def let_go(scene: Scene, step: Step) -> Answer:
    """Takes what keeps a holder about off it."""
    return await scene.send("PATCH", _at(scene, step), {"metadata": {"finalizers": None}})


def _at(scene: Scene, step: Step) -> str:
    return scene.at(KINDS[programs.HOLDERS[step.name]][0], step)


def _holder(step: Step) -> Json:
    if programs.HOLDERS[step.name] == "Job":
        made = workloads.job(step.name, "unrelated", suspend=True)
    else:
        made = workloads.pod(step.name, "unrelated")
    if step.fields["stays"]:
        made["metadata"]["finalizers"] = [THEIRS]
    return made

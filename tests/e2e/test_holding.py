"""Jobs that run, and hold their Credential for as long as they do."""

from typing import Any

from cluster import holders
from cluster.space import Json, Space
from e2e import pods
from e2e.world import SECONDS, World

WORKS = ["sh", "-c", "touch /work/started; until [ -e /work/end ]; do sleep 0.2; done"]
"""The work itself, which goes on until somebody says that it is done."""
SNAPSHOTS = """
import pathlib, time

def expired():
    return ["one"]

def delete(snapshot):
    pathlib.Path("/work/started").touch()
    while not pathlib.Path("/work/end").exists():
        time.sleep(0.2)
"""


def _job(name: str, image: str, command: list[str], *volumes: Json, **fields: Any) -> Json:
    mounts = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in volumes]
    container = {
        "image": image,
        "command": command,
        "volumeMounts": [{"name": "work", "mountPath": "/work"}, *mounts],
    }
    return pods.job(name, pods.spec(container, ({"name": "work", "emptyDir": {}}, *volumes), **fields))


def _at_work(space: Space, job: str) -> None:
    def started() -> bool:
        return pods.execute(space, f"job/{job}", "test", "-e", "/work/started").returncode == 0

    space.until(started, f"{job} is at work", seconds=SECONDS)


def _is_held(space: Space, claim: str) -> None:
    refused = space.run("delete", "credential", "backups", check=False)
    assert refused.returncode != 0
    assert claim in refused.stderr


def _finish(space: Space, job: str) -> None:
    pods.execute(space, f"job/{job}", "touch", "/work/end")
    space.kubectl("wait", f"job/{job}", "--for=condition=Complete", f"--timeout={SECONDS:.0f}s")


def test_a_credential_is_held_until_its_job_is_complete(space: Space, world: World) -> None:
    space.published()
    claim = space.reference()
    claim["spec"] |= {
        "holder": {"apiVersion": "batch/v1", "kind": "Job", "name": "nightly"},
        "until": "HolderFinished",
    }
    space.apply(_job("nightly", world.image, WORKS), claim)
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    _at_work(space, "nightly")
    _is_held(space, "nightly")

    _finish(space, "nightly")
    space.delete_when_free()
    assert space.find("secret", "backups-env") is None


def test_a_job_in_python_holds_the_credential_by_its_own_account(space: Space, world: World) -> None:
    space.published()
    holders.admit(space, "job", *holders.PYTHON_NEEDS)
    program = {"nightly.py": holders.RECIPES["nightly.py"], "snapshots.py": SNAPSHOTS}
    files = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "program"}, "data": program}
    volume = {"name": "program", "configMap": {"name": "program"}}
    account = {"serviceAccountName": "job", "automountServiceAccountToken": True}
    space.apply(files, _job("py", world.image, ["python", "/program/nightly.py"], volume, **account))
    _at_work(space, "py")
    (held,) = holders.claims(space)
    space.becomes(held["metadata"]["name"], "credentialreference", Bound="True Bound")
    _is_held(space, held["metadata"]["name"])

    _finish(space, "py")
    assert holders.claims(space) == []
    space.delete_when_free()

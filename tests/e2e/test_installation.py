"""The image as the chart's Deployment runs it."""

import json
import subprocess
import sys

import pytest

from e2e.world import HERE, LABEL, World
from replica.install import NAMESPACE

MEGABYTE = 1_000_000
MOST = 200
"""Megabytes, of the 512 MiB that the chart allows."""
INSIDE = """
import json, os, pathlib
status = dict(line.split(":\\t", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
account = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
try:
    pathlib.Path("/opt/written").touch()
    root = "written"
except OSError as error:
    root = error.strerror
print(json.dumps({
    "user": os.getuid(),
    "root": root,
    "capabilities": int(status["CapEff"], 16) | int(status["CapBnd"], 16),
    "no new privileges": status["NoNewPrivs"],
    "seccomp": status["Seccomp"],
    "token": sorted(path.name for path in account.iterdir() if not path.name.startswith(".")),
    "kubeconfig": "KUBECONFIG" in os.environ,
}))
"""


def test_its_pods_are_ready_and_restricted_and_have_the_token_of_their_account(world: World) -> None:
    pods = world.pods()
    assert len(pods) == 2
    for pod in pods:
        (status,) = pod["status"]["containerStatuses"]
        assert (status["ready"], status["restartCount"]) == (True, 0)
        name = pod["metadata"]["name"]
        printed = world.cluster.kubectl("exec", name, HERE, "--", "python", "-c", INSIDE).stdout
        assert json.loads(printed) == {
            "user": 65532,
            "root": "Read-only file system",
            "capabilities": 0,
            "no new privileges": "1",
            "seccomp": "2",
            "token": ["ca.crt", "namespace", "token"],
            "kubeconfig": False,
        }
    assert world.leader() in {pod["metadata"]["name"] for pod in pods}


def test_its_pods_need_little_memory(world: World, measured: list[str]) -> None:
    pods = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in world.pods()}

    def used() -> dict[str, float]:
        found = {}
        for node in set(pods.values()):
            summary = world.cluster.kubectl(
                "get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"
            ).stdout
            for one in json.loads(summary)["pods"]:
                if one.get("memory", {}).get("workingSetBytes", 0) > MEGABYTE:  # 0: not looked at yet
                    found[one["podRef"]["name"]] = one["memory"]["workingSetBytes"] / MEGABYTE
        return {name: found[name] for name in pods if name in found}

    world.home().until(lambda: len(used()) == len(pods), "the kubelet knows what they use")
    memory = {name: used()[name] for name in pods}
    for name, megabytes in memory.items():
        role = "leads" if name == world.leader() else "waits"
        measured.append(f"memory of the operator's Pod that {role}: {megabytes:.0f} MB")
    assert max(memory.values()) < MOST


@pytest.mark.own_node
def test_a_cluster_that_has_an_operator_of_somebody_else_is_left_alone(world: World) -> None:
    given = (f"--kubeconfig={world.cluster.kubeconfig}", f"--address={world.cloud.address}")
    command = [sys.executable, "-m", "e2e", *given, f"--image={world.image}", "-p", "no:cacheprovider"]
    before = [pod["metadata"]["uid"] for pod in world.pods()]
    # What these tests have made themselves would be taken for left over, and removed.
    world.cluster.kubectl("label", "namespace", NAMESPACE, f"{LABEL}-")
    try:
        done = subprocess.run([*command, "-k", "memory"], check=False, capture_output=True, text=True)
    finally:
        world.cluster.kubectl("label", "namespace", NAMESPACE, f"{LABEL}=true")
    assert done.returncode != 0
    assert "the tests leave that alone" in done.stdout
    assert [pod["metadata"]["uid"] for pod in world.pods()] == before

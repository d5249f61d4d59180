"""After a rotation: exactly what runs the previous key is restarted, with people's own rights, one after another."""

import dataclasses
import json
import signal
import subprocess
from collections.abc import Iterator

import pytest

from cluster import workloads
from cluster.desk import SECONDS, Desk, variables
from cluster.kubelet import Kubelet
from cluster.sites import Site
from cluster.space import Json, Space

ENV = "backups-env"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "only"}}


@pytest.fixture
def node(desk: Desk) -> Iterator[None]:
    """A node, for a DaemonSet to have a Pod."""
    desk.space.apply(NODE)
    yield
    desk.space.kubectl("delete", "node", "only")


def restarted(space: Space, *names: str) -> list[str]:
    """Return which of these workloads were restarted."""
    found = space.run("get", *names, "--output=json").stdout
    return [
        item["metadata"]["name"]
        for item in json.loads(found)["items"]
        if RESTARTED_AT in (item["spec"]["template"]["metadata"].get("annotations") or {})
    ]


def runs(space: Space, count: int) -> None:
    """Wait until so many Pods run."""

    def ready() -> bool:
        pods = space.all("pods")
        return len(pods) == count and all("containerStatuses" in pod["status"] for pod in pods)

    space.until(ready, f"{count} Pods run")


def rotate(desk: Desk, count: int) -> None:
    """Put a new key into the source Secret, and wait until so many are named that run the previous one."""
    desk.shown("rotate", "backups", "--from-env", user="alice", **variables(desk.space.new_key()))
    desk.space.until(lambda: _rotation(desk.space).get("staleCount", 0) == count, "they are named")


def _rotation(space: Space) -> Json:
    return dict(space.get("credential", "backups")["status"].get("rotation", {}))


def lend(desk: Desk, site: Site) -> Desk:
    """Have another namespace borrow the key, and return where its people type."""
    borrower = site.space(f"{desk.space.name}-b")
    desk.publish(allowedNamespaces={"names": [borrower.name]})
    claim = borrower.reference()
    claim["spec"] |= {"credentialRef": {"name": "backups", "namespace": desk.space.name}}
    claim["spec"] |= {"target": {"name": ENV, "format": "env"}}
    borrower.apply(claim)
    borrower.becomes("nightly", "credentialreference", Synced="True Published")
    return dataclasses.replace(desk, space=borrower)


def _mounting(name: str) -> Json:
    """Return a Deployment that mounts the Secret as a whole."""
    found = workloads.deployment(name, ENV)
    spec = found["spec"]["template"]["spec"]
    del spec["containers"][0]["envFrom"]
    spec["containers"][0]["volumeMounts"] = [{"name": "keys", "mountPath": "/keys"}]
    spec["volumes"] = [{"name": "keys", "secret": {"secretName": ENV}}]
    return found


def _by_hand(name: str) -> Json:
    """Return a StatefulSet whose Pods somebody has to delete."""
    found = workloads.deployment(name, ENV, kind="StatefulSet")
    found["spec"]["updateStrategy"] = {"type": "OnDelete"}
    return found


@pytest.mark.usefixtures("node")
def test_exactly_what_runs_the_previous_key_and_can_be_restarted_is(desk: Desk, site: Site) -> None:
    space, other = desk.space, lend(desk, site)
    others = [
        _mounting("mounting"),
        _by_hand("by-hand"),
        workloads.pod("bare", ENV),
        workloads.job("once", ENV),
    ]
    space.apply(
        workloads.deployment("api", ENV, replicas=2),
        workloads.deployment("db", ENV, kind="StatefulSet"),
        workloads.deployment("agent", ENV, kind="DaemonSet"),
        workloads.deployment("unconcerned", "another"),
        *others,
    )
    other.space.apply(workloads.deployment("theirs", ENV))
    with Kubelet(space), Kubelet(other.space):
        runs(space, 9)
        runs(other.space, 1)
        rotate(desk, 8)

        _nothing_is_restarted_by_a_rehearsal(desk)
        told = interrupted_once_the_rest_is_left(desk)
        assert [one["name"] for one in told["restarted"]] == CAN
        # What mounts the Secret has followed after two minutes, on a busy machine before it is looked at.
        assert [one["name"] for one in told["left"] if one["name"] != "mounting"] == LEFT[1:]
        assert restarted(space, KINDS) == ["api", "agent", "db"]

        _tidy(desk, other)
        last = desk.json(*DRAIN, user="alice")
    assert [one["name"] for one in last["restarted"]] == ["theirs"]
    assert last["rotation"]["drained"]
    assert restarted(space, KINDS) == ["api", "agent", "db"]


DRAIN = ("drain", "backups", "--restart")
KINDS = "deployments,daemonsets,statefulsets"
CAN = ["agent", "api", "db"]
LEFT = ["mounting", "theirs", "once", "bare", "by-hand"]


def interrupted_once_the_rest_is_left(desk: Desk) -> Json:
    """Drain, interrupt that when nothing is left to be restarted, and return what it says then."""
    words, said = desk.command(*DRAIN, "--output", "json", user="alice"), ""
    with subprocess.Popen(
        words, env=desk.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            while "roll out complete" not in said:
                line = process.stderr.readline()
                assert line, said
                said += line
            desk.space.until(lambda: _stale(desk.space).isdisjoint(CAN), "those are left")
        finally:
            process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    return dict(json.loads(printed))


def _stale(space: Space) -> set[str]:
    return {one["name"] for one in _rotation(space).get("stale", ())}


def _nothing_is_restarted_by_a_rehearsal(desk: Desk) -> None:
    told = desk.json(*DRAIN, "--dry-run", user="alice")
    assert [one["name"] for one in told["restart"]] == CAN
    why = {one["name"]: one["reason"] for one in told["left"]}
    assert list(why) == LEFT
    assert "follows by itself" in why["mounting"]
    assert f"alice may not get deployments in namespace {desk.space.name}-b" in why["theirs"]
    assert "OnDelete" in why["by-hand"]
    assert restarted(desk.space, KINDS) == []


def _tidy(desk: Desk, other: Desk) -> None:
    """Do what the command said: have the rest gone, and get the right to restart what is elsewhere."""
    space = desk.space
    words = ("deployment/mounting", "statefulset/by-hand", "pod/bare", "job/once")
    space.kubectl("delete", *words, "--force", "--grace-period=0")
    other.space.kubectl("create", "rolebinding", "alice", "--clusterrole=edit", "--user=alice")
    names = {"agent", "api", "db", "unconcerned"}
    space.until(lambda: {pod["metadata"]["labels"]["app"] for pod in space.all("pods")} == names, "they go")


def test_a_rollout_that_fails_stops_the_rest(desk: Desk) -> None:
    space = desk.space
    desk.publish()
    broken = workloads.deployment("broken", ENV)
    broken["spec"]["progressDeadlineSeconds"] = 2
    space.apply(broken, workloads.deployment("db", ENV, kind="StatefulSet"))
    with Kubelet(space, fails=lambda pod: RESTARTED_AT in (pod["metadata"].get("annotations") or {})):
        runs(space, 2)
        rotate(desk, 2)

        answer = desk.run(*DRAIN, "--output", "json", user="alice")

    assert answer.returncode == 1, answer.stderr
    assert "exceeded its progress deadline" in answer.stderr
    assert "and no other is restarted" in answer.stderr
    undo = f"kubectl rollout undo deployment/broken -n {space.name}"
    assert undo in answer.stderr
    assert restarted(space, "deployments,statefulsets") == ["broken"]
    told = json.loads(answer.stdout)
    assert (told["failed"]["name"], told["restarted"]) == ("broken", [])
    space.cluster.kubectl(*undo.split()[1:], impersonate="alice")
    assert restarted(space, "deployments,statefulsets") == []


def test_a_new_key_is_rehearsed_and_then_taken_up_by_who_reads_it(desk: Desk) -> None:
    space = desk.space
    desk.publish()
    old, new = space.key_in(), space.new_key()
    space.apply(workloads.deployment("api", ENV), workloads.pod("bare", "another"))
    words = ("rotate", "backups", "--from-env", "--restart")
    with Kubelet(space):
        runs(space, 2)
        rehearsed = desk.run(*words, "--dry-run", user="alice", **variables(new))
        assert rehearsed.returncode == 0, rehearsed.stderr
        assert rehearsed.stdout.splitlines() == [
            "The new key would go into Secret backups-keys; its provider was not asked.",
            "Deployment api would be restarted.",
        ]
        assert (space.key_in(), space.data("backups-keys")) == (old, space.fields(old) if old else {})
        assert "may not" in desk.fails(1, *words, "--dry-run", user="vera", **variables(new))

        answer = desk.run(*words, user="alice", **variables(new))

    assert answer.returncode == 0, answer.stderr
    assert "Deployment api is restarted" in answer.stderr
    assert "backups is drained" in answer.stdout
    assert space.key_in() == new
    assert restarted(space, "deployments") == ["api"]
    assert new[1] not in answer.stdout + answer.stderr + rehearsed.stdout + rehearsed.stderr

"""Waiting until nothing runs the previous key, and starting anew what does."""

import json
from typing import Any

import pytest

from cli import world
from cli.desk import Desk
from credential_operator.cli import restarts
from credential_operator.cli.documents import User

STALE = ("Deployment", "StatefulSet", "Job")


def lay(desk: Desk, *workloads: dict[str, Any], **rotation: Any) -> None:
    """Put a Credential whose key was replaced into the world."""
    spec = {"s3": {}, "secretRef": {"name": "k"}, "targets": [{"name": "env", "format": "env"}]}
    facts = {"publishedAt": world.ago(days=1), "previousKeyID": "AKIAOLD", **rotation}
    backups = world.credential("backups", 1, spec, rotation=facts)
    claim = world.reference("claim", backups, namespace="team-b", target={"name": "env", "format": "env"})
    desk.lay(backups, claim, *workloads)


def stale(*kinds: str) -> list[dict[str, str]]:
    """Return workloads that run the previous key."""
    return [{"kind": kind, "namespace": "team-b", "name": kind.lower()} for kind in kinds]


def workload(kind: str, **spec: Any) -> dict[str, Any]:
    """Return a workload that reads the Secret into its environment, named as its kind."""
    found = world.deployment(kind.lower(), "env", namespace="team-b")
    return {**found, "kind": kind, "spec": {**found["spec"], **spec}}


def rollouts(desk: Desk) -> list[str]:
    """Return what was restarted and watched."""
    return [" ".join(call["argv"][1:3]) for call in desk.calls if call["argv"][0] == "rollout"]


def test_where_nothing_was_replaced_there_is_nothing_to_drain(desk: Desk) -> None:
    answer = desk.run("drain", "archive")

    assert (answer.returncode, answer.stdout.count("nothing to drain")) == (0, 1)


def test_a_credential_that_is_drained_says_which_key_can_go_and_what_nobody_can_see(desk: Desk) -> None:
    lay(desk, drained=True, unknown=[{"kind": "ClusterIssuer", "namespace": "", "name": "acme"}])

    answer = desk.run("drain", "backups")

    assert answer.returncode == 0
    assert answer.stdout == "backups is drained: nothing in this cluster runs the previous key AKIAOLD.\n"
    assert "ClusterIssuer acme" in answer.stderr


def test_who_runs_the_previous_key_still_is_told_and_not_restarted_unasked(desk: Desk) -> None:
    lay(desk, drained=False, stale=stale(*STALE))

    answer = desk.run("drain", "backups", "--timeout", "1s")

    assert answer.returncode == 5
    assert "Deployment team-b/deployment, StatefulSet team-b/statefulset, Job team-b/job" in answer.stderr
    assert "Do not revoke it yet." in answer.stderr
    assert rollouts(desk) == []


def test_exactly_those_are_restarted_one_after_another(desk: Desk) -> None:
    lay(desk, *map(workload, STALE), drained=False, stale=stale(*STALE))

    answer = desk.run("drain", "backups", "--restart", "-o", "json")

    assert answer.returncode == 0, answer.stderr
    assert rollouts(desk) == [
        "restart deployment/deployment",
        "status deployment/deployment",
        "restart statefulset/statefulset",
        "status statefulset/statefulset",
    ]
    places = {
        call["argv"][call["argv"].index("--namespace") + 1]
        for call in desk.calls
        if "rollout" in call["argv"]
    }
    assert places == {"team-b"}
    told = json.loads(answer.stdout)
    assert told["restarted"] == stale("Deployment", "StatefulSet")
    assert [one["kind"] for one in told["left"]] == ["Job"]
    assert "Job team-b/job is left alone: its Pods run to their end" in answer.stderr


@pytest.mark.parametrize("word", ["restart", "status"])
def test_the_first_that_fails_stops_it(desk: Desk, word: str) -> None:
    lay(desk, *map(workload, STALE), drained=False, stale=stale(*STALE))
    desk.refuse(f"rollout {word}", 'error: deployment "deployment" exceeded its progress deadline')

    answer = desk.run("drain", "backups", "--restart", "-o", "json")

    assert answer.returncode == 1
    assert "Deployment team-b/deployment has not come up again, and no other is restarted." in answer.stderr
    assert "kubectl rollout undo deployment/deployment -n team-b" in answer.stderr
    assert not any("statefulset" in line for line in rollouts(desk))
    told = json.loads(answer.stdout)
    assert (told["failed"]["name"], told["restarted"], told["rotation"]) == ("deployment", [], None)


def test_what_the_user_may_not_restart_is_named_and_left_alone(desk: Desk) -> None:
    lay(desk, *map(workload, STALE), drained=False, stale=stale(*STALE))
    refused = 'User "alice" cannot patch resource "deployments" in API group "apps" in the namespace "team-b"'
    desk.refuse(
        "rollout restart deployment/deployment", f"Error from server (Forbidden): x is forbidden: {refused}"
    )

    answer = desk.run("drain", "backups", "--restart")

    assert answer.returncode == 0, answer.stderr
    assert "deployment is left alone: alice may not patch deployments in namespace team-b" in answer.stderr
    assert rollouts(desk)[-1] == "status statefulset/statefulset"


def test_a_rehearsal_restarts_nothing(desk: Desk) -> None:
    lay(desk, *map(workload, STALE), drained=False, stale=stale(*STALE), staleCount=5)

    answer = desk.run("drain", "backups", "--restart", "--dry-run")

    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert lines[:2] == [f"{kind} team-b/{kind.lower()} would be restarted." for kind in STALE[:2]]
    assert lines[2].startswith("Job team-b/job would be left alone: ")
    assert lines[3].startswith("2 more run the previous key")
    patches = [call["argv"] for call in desk.calls if call["argv"][0] == "patch"]
    assert len(patches) == 2
    assert all("--dry-run=server" in words for words in patches)
    assert rollouts(desk) == []
    told = json.loads(desk.run("drain", "backups", "--restart", "--dry-run", "-o", "json").stdout)
    assert (told["restart"], told["left"][0]["kind"]) == (stale(*STALE[:2]), "Job")
    assert "needs --restart" in desk.run("drain", "backups", "--dry-run").stderr


def test_what_does_not_come_up_in_time_says_so(desk: Desk) -> None:
    lay(desk, workload("Deployment"), drained=False, stale=stale("Deployment"))
    script = desk.folder / "answers.py"
    script.write_text(script.read_text().replace("successfully rolled out", "1 old replicas"))

    answer = desk.run("drain", "backups", "--restart", "--timeout", "1s")

    assert answer.returncode == 5
    assert "The time is over." in answer.stderr
    assert "1 old replicas" in answer.stderr


VOLUME = [{"name": "v", "secret": {"secretName": "env"}}]
POD = {"volumes": VOLUME, "containers": [{"name": "main", "volumeMounts": [{"name": "v"}]}]}


@pytest.mark.parametrize(
    ("kind", "spec", "why"),
    [
        ("Deployment", {}, ""),
        ("Deployment", {"paused": True}, "paused: kubectl rollout resume deployment/deployment -n team-b"),
        ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
        ("StatefulSet", {"updateStrategy": {"rollingUpdate": {"partition": 2}}}, "partition"),
        ("StatefulSet", {"updateStrategy": {"rollingUpdate": {"partition": 0}}}, ""),
        ("DaemonSet", {"updateStrategy": {"type": "RollingUpdate"}}, ""),
        ("DaemonSet", {"template": {"spec": POD}}, "follows by itself"),
        ("Pod", POD, "follows by itself"),
        ("CronJob", {"jobTemplate": {"spec": {"template": {"spec": POD}}}}, "follows by itself"),
        ("CronJob", {}, "delete its Job"),
        ("Rollout", {}, "kubectl argo rollouts restart rollout -n team-b"),
        ("Cluster", {}, "what makes its Pods has to restart it"),
    ],
)
def test_what_a_restart_would_not_help_is_left_alone(kind: str, spec: dict[str, Any], why: str) -> None:
    said = restarts.obstacle(User(kind, "team-b", kind.lower()), workload(kind, **spec), {"env"})

    assert why in said
    assert bool(why) == bool(said)


def test_programs_are_told_who_is_left_and_kubectl_when_a_restart_is_over() -> None:
    left = restarts.Left(User("Job", "team-b", "job"), "why")

    assert left.document() == {"kind": "Job", "namespace": "team-b", "name": "job", "reason": "why"}
    assert restarts.done("partitioned roll out complete: 1 new pods have been updated...")
    assert not restarts.done(
        "Waiting for deployment rollout to finish: 1 old replicas are pending termination..."
    )
    template = restarts.change("2026-11-22T12:00:00Z")["spec"]["template"]
    assert template["metadata"]["annotations"] == {restarts.RESTARTED_AT: "2026-11-22T12:00:00Z"}


def test_where_workloads_are_not_looked_at_nobody_can_tell(desk: Desk) -> None:
    lay(desk)

    assert "findUsers" in desk.run("drain", "backups").stderr

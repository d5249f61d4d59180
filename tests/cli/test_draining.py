"""Waiting until nothing runs the previous key, and starting anew what does."""

from typing import Any

import pytest

from cli import world
from cli.desk import Desk

STALE = ("Deployment", "StatefulSet", "Job")


def lay(desk: Desk, **rotation: Any) -> None:
    """Put a Credential whose key was replaced into the world."""
    spec = {"s3": {}, "secretRef": {"name": "k"}}
    facts = {"publishedAt": world.ago(days=1), "previousKeyID": "AKIAOLD", **rotation}
    desk.lay(world.credential("backups", 1, spec, rotation=facts))


def stale(*kinds: str) -> list[dict[str, str]]:
    """Return workloads that run the previous key."""
    return [{"kind": kind, "namespace": "team-b", "name": kind.lower()} for kind in kinds]


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
    lay(desk, drained=False, stale=stale(*STALE))

    answer = desk.run("drain", "backups", "--restart")

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


@pytest.mark.parametrize("word", ["restart", "status"])
def test_the_first_that_does_not_come_up_stops_it(desk: Desk, word: str) -> None:
    lay(desk, drained=False, stale=stale(*STALE))
    desk.refuse(f"rollout {word}", "error: timed out waiting for the condition")

    answer = desk.run("drain", "backups", "--restart")

    assert answer.returncode == 1
    assert "Deployment team-b/deployment has not come up again, and no other is restarted." in answer.stderr
    assert "kubectl rollout undo deployment/deployment -n team-b" in answer.stderr
    assert not any("statefulset" in line for line in rollouts(desk))


def test_where_workloads_are_not_looked_at_nobody_can_tell(desk: Desk) -> None:
    lay(desk)

    assert "findUsers" in desk.run("drain", "backups").stderr

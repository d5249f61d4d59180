"""What workloads use, and when they have done their work."""

from typing import Any

import pytest

from credential_operator import workloads
from credential_operator.findings import User
from credential_operator.objects import Key
from credential_operator.usage import Use

Json = dict[str, Any]
KINDS = {kind.name: kind for kind in workloads.KINDS}
PULLS: Json = {"imagePullSecrets": [{"name": "s"}]}


def document(name: str = "api", *, owner: tuple[str, str] | None = None, **parts: Any) -> Json:
    owners = [] if owner is None else [{"kind": owner[0], "name": owner[1], "controller": True}]
    labels = parts.pop("labels", {})
    deleted = {"deletionTimestamp": "2026-11-22T00:00:00Z"} if parts.pop("deleted", False) else {}
    metadata = {"namespace": "a", "name": name, "ownerReferences": owners, "labels": labels, **deleted}
    return {"metadata": metadata, **parts}


def pod(spec: Json = PULLS, **parts: Any) -> Json:
    return document(**{"name": "api-1", "spec": spec, **parts})


def template(spec: Json = PULLS, **parts: Any) -> Json:
    return document(spec={"template": {"spec": spec}}, **parts)


def user(kind: str, one: Json) -> tuple[str, str] | None:
    use = KINDS[kind].use(one)
    return None if use is None else (use.user.kind, use.user.name)


WAYS: dict[str, Json] = {
    "volume": {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
    "projected volume": {
        "volumes": [{"name": "v", "projected": {"sources": [{"configMap": {}}, {"secret": {"name": "s"}}]}}]
    },
    "CSI volume": {"volumes": [{"name": "v", "csi": {"nodePublishSecretRef": {"name": "s"}}}]},
    "volume of another kind": {"volumes": [{"name": "v", "cephfs": {"secretRef": {"name": "s"}}}]},
    "Azure file": {"volumes": [{"name": "v", "azureFile": {"secretName": "s"}}]},
    "variable": {
        "containers": [{"env": [{"value": "x"}, {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]
    },
    "variables": {
        "containers": [{"envFrom": [{"configMapRef": {"name": "c"}}, {"secretRef": {"name": "s"}}]}]
    },
    "variables of an init container": {"initContainers": [{"envFrom": [{"secretRef": {"name": "s"}}]}]},
    "variables of a debugging container": {
        "ephemeralContainers": [{"envFrom": [{"secretRef": {"name": "s"}}]}]
    },
    "image pull secret": PULLS,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_pod_uses_a_secret_in_every_way_that_there_is(way: str) -> None:
    assert KINDS["Pod"].use(pod(WAYS[way])) == Use(User("Pod", "a", "api-1"), (Key("a", "s"),))


NOTHING: dict[str, Json] = {
    "no volumes": {"volumes": None, "containers": [{"name": "c"}]},
    "other volumes": {"volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": "s"}}]},
    "a name left out": {"imagePullSecrets": [{}]},
    "fields": {"containers": [{"env": [{"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}]},
}


@pytest.mark.parametrize("what", NOTHING)
def test_a_pod_without_secrets_uses_none(what: str) -> None:
    assert KINDS["Pod"].use(pod(NOTHING[what])) is None


def test_secrets_are_named_once_and_sorted() -> None:
    both = {"imagePullSecrets": [{"name": "z"}, {"name": "b"}, {"name": "z"}]}
    use = KINDS["Pod"].use(pod(both))
    assert use is not None
    assert use.secrets == (Key("a", "b"), Key("a", "z"))


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"])
def test_a_template_is_its_workload_s(kind: str) -> None:
    assert user(kind, template()) == (kind, "api")


def test_a_cronjob_has_its_template_below_that_of_its_jobs() -> None:
    assert user("CronJob", document(spec={"jobTemplate": {"spec": {"template": {"spec": PULLS}}}})) == (
        "CronJob",
        "api",
    )


def test_a_service_account_names_secrets_of_its_own_and_for_images() -> None:
    account = document("builder", secrets=[{"name": "t"}], **PULLS)
    assert KINDS["ServiceAccount"].use(account) == Use(
        User("ServiceAccount", "a", "builder"), (Key("a", "s"), Key("a", "t"))
    )


def test_pods_are_named_by_what_a_rollout_leaves_as_it_is() -> None:
    assert user("Pod", pod()) == ("Pod", "api-1")
    assert user("Pod", pod(owner=("StatefulSet", "db"))) == ("StatefulSet", "db")
    hashed = {"pod-template-hash": "5d4"}
    assert user("Pod", pod(owner=("ReplicaSet", "api-5d4"), labels=hashed)) == ("Deployment", "api")
    rolled = {"rollouts-pod-template-hash": "5d4"}
    assert user("Pod", pod(owner=("ReplicaSet", "api-5d4"), labels=rolled)) == ("Rollout", "api")
    assert user("Pod", pod(owner=("ReplicaSet", "api-5d4"))) == ("ReplicaSet", "api-5d4")
    assert user("ReplicaSet", template(owner=("Deployment", "api"))) is None
    assert user("Job", template(owner=("CronJob", "nightly"))) == ("CronJob", "nightly")


def ended(*states: str) -> Json:
    return {"containerStatuses": [{"state": {state: {}}} for state in states]}


def test_a_pod_counts_until_its_containers_have_ended() -> None:
    placed = {**PULLS, "nodeName": "n"}
    assert user("Pod", pod(placed, status={"phase": "Running"}))
    assert user("Pod", pod(placed, status={"phase": "Succeeded"})) is None
    assert user("Pod", pod(placed, status={"phase": "Failed"})) is None
    assert user("Pod", pod(placed, deleted=True, status=ended("terminated", "running")))
    assert user("Pod", pod(placed, deleted=True))
    assert user("Pod", pod(placed, deleted=True, status=ended("terminated", "terminated"))) is None
    assert user("Pod", pod(deleted=True)) is None


CONDITIONS = {"Complete": True, "Failed": True, "Suspended": False}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_job_is_done_when_it_is_complete_or_has_failed(condition: str) -> None:
    job = template(status={"conditions": [{"type": condition, "status": "True"}]})
    assert KINDS["Job"].finished(job) is CONDITIONS[condition]
    assert (user("Job", job) is None) is CONDITIONS[condition]
    assert not KINDS["Job"].finished(
        template(status={"conditions": [{"type": condition, "status": "False"}]})
    )


def test_a_pod_is_done_when_it_has_ended_and_a_service_never() -> None:
    assert KINDS["Pod"].finished(pod(status={"phase": "Failed"}))
    assert not KINDS["Pod"].finished(pod(status={"phase": "Running"}))
    assert not KINDS["Deployment"].finished(template(status={"phase": "Failed"}))

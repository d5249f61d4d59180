"""References that nobody declared: who uses the Secrets of a Credential is found, named and waited for."""

import json
import time

import pytest

from cluster import space as spaces
from cluster import workloads
from cluster.sites import Site
from cluster.space import Space

ENV = "backups-env"


def _users(space: Space, name: str = "backups") -> list[str]:
    """Return who is said to need a Credential: kind and name."""
    found = space.get("credential", name)["status"]["references"]
    return [f"{one['kind']} {one['name']}" for one in found.get("items", ())]


def _becomes_used_by(space: Space, *users: str, seconds: float = spaces.SECONDS) -> None:
    space.until(lambda: _users(space) == sorted(users), f"it is used by {users}", seconds=seconds)


USERS: dict[str, spaces.Json] = {
    "Deployment api": workloads.deployment("api", ENV, replicas=2),
    "Deployment asleep": workloads.deployment("asleep", ENV, replicas=0),
    "StatefulSet db": workloads.deployment("db", ENV, kind="StatefulSet"),
    "DaemonSet agent": workloads.deployment("agent", ENV, kind="DaemonSet"),
    "ReplicaSet bare": workloads.deployment("bare", ENV, replicas=0, kind="ReplicaSet"),
    "Job once": workloads.job("once", ENV),
    "Job waiting": workloads.job("waiting", ENV, suspend=True),
    "CronJob nightly": workloads.cron_job("nightly", ENV),
    "Pod alone": workloads.pod("alone", ENV),
    "ServiceAccount puller": workloads.account("puller", ENV),
}


def test_whoever_uses_a_target_is_found_by_what_controls_it(space: Space) -> None:
    space.published()
    space.apply(*USERS.values(), workloads.deployment("other", "something-else"))

    _becomes_used_by(space, *USERS)
    counted = space.get("credential", "backups")["status"]["references"]
    assert (counted["count"], counted["declared"], counted["found"]) == (10, 0, 10)
    assert space.kubectl("get", "credential", "backups").splitlines()[1].split()[5] == "10"

    for kind, name in (user.split() for user in USERS if user != "Job once"):
        space.kubectl("delete", kind, name, "--wait=false")
    _becomes_used_by(space, "Job once")


def test_users_of_the_source_count_where_nothing_is_published(space: Space) -> None:
    space.published(targets=None)
    space.apply(workloads.deployment("api", "keys"))
    _becomes_used_by(space, "Deployment api")


def test_the_count_is_right_soon_after_a_user_comes_and_goes(space: Space) -> None:
    space.published()
    space.apply(workloads.deployment("api", ENV, replicas=0))
    _becomes_used_by(space, "Deployment api", seconds=spaces.SOON)
    space.kubectl("delete", "deployment", "api")
    _becomes_used_by(space, seconds=spaces.SOON)


def test_a_rollout_changes_nothing_in_the_status(space: Space, site: Site) -> None:
    space.published()
    space.apply(workloads.deployment("api", ENV, replicas=3))
    _becomes_used_by(space, "Deployment api")
    writes = site.settled(space.name)

    space.apply(workloads.deployment("api", ENV, replicas=3, image="registry.invalid/app:2"))
    space.until(lambda: len(space.all("replicasets")) == 2, "it is rolled out")
    space.until(lambda: len(space.all("pods")) >= 3, "there are new Pods")
    space.kubectl("scale", "deployment", "api", "--replicas=0")
    space.until(lambda: not space.all("pods"), "they are gone")

    assert _users(space) == ["Deployment api"]
    assert len(site.writes(space.name)) == writes


def test_a_storm_of_pods_is_a_few_writes(space: Space, site: Site) -> None:
    space.published()
    writes = site.settled(space.name)

    began = time.monotonic()
    space.apply(*(workloads.pod(f"p{number}", ENV) for number in range(1000)))
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"]["count"] == 1000, "all are counted"
    )
    taken = time.monotonic() - began

    # One status when the first is seen, and one in each half second in which there are more.
    assert len(site.writes(space.name)) - writes <= 2 * taken + 2


def test_a_deletion_waits_for_a_workload_and_goes_through_when_that_is_gone(space: Space) -> None:
    space.published()
    space.apply(workloads.deployment("api", ENV))
    _becomes_used_by(space, "Deployment api")

    # Nobody declared it, so nothing is refused: a chart that is uninstalled removes both in one go.
    space.kubectl("delete", "credential", "backups", "--wait=false")
    found = space.becomes(DeletionBlocked="True InUse")
    assert "Deployment api" in spaces.message(found, "DeletionBlocked")
    assert space.key_in() is not None

    space.kubectl("delete", "deployment", "api", "--cascade=foreground")
    space.until(space.gone("credential", "backups"), "the Credential is gone", seconds=spaces.SOON)
    assert space.find("secret", ENV) is None


@pytest.mark.parametrize("first", ["credential", "deployment"])
def test_a_prune_of_everything_in_one_pass_ends_by_itself(space: Space, first: str) -> None:
    space.published()
    space.apply(workloads.deployment("api", ENV))
    _becomes_used_by(space, "Deployment api")

    names = ["credential/backups", "deployment/api"]
    for name in names if first == "credential" else reversed(names):
        space.kubectl("delete", name, "--wait=false")
    space.until(space.gone("credential", "backups"), "the Credential is gone")


def test_the_decision_to_let_go_is_made_on_a_fresh_list(space: Space, site: Site) -> None:
    space.published()
    stuck = site.proxy.delay(10.0, path=r"^/apis/apps/v1/deployments", watch=True)
    site.proxy.cut_watches()
    try:
        space.apply(workloads.deployment("api", ENV, replicas=0))
        space.kubectl("delete", "credential", "backups", "--wait=false")
        found = space.becomes(DeletionBlocked="True InUse")
        assert "Deployment api" in spaces.message(found, "DeletionBlocked")
    finally:
        site.proxy.lift(stuck)
    space.kubectl("delete", "deployment", "api")
    space.until(space.gone("credential", "backups"), "the Credential is gone", seconds=120)


def test_a_pod_that_waits_for_a_target_that_never_came_holds_nothing(space: Space) -> None:
    space.apply(space.credential(), workloads.deployment("api", ENV))
    space.becomes(Ready="False SourceNotFound")
    assert _users(space) == []
    space.kubectl("delete", "credential", "backups", "--timeout=120s")


def test_in_a_namespace_that_goes_only_what_still_runs_holds(space: Space) -> None:
    space.published()
    held = workloads.pod("draining", ENV, nodeName="a-node", terminationGracePeriodSeconds=600)
    held["metadata"]["finalizers"] = ["example.com/not-yet"]
    claim = space.reference()
    claim["metadata"]["finalizers"] = ["example.com/not-yet"]
    space.apply(held, claim, workloads.account("puller", ENV))
    space.until(lambda: len(_users(space)) == 3, "all are counted")

    space.kubectl("delete", "namespace", space.name, "--wait=false")
    # Newer clusters empty a namespace of its Pods first, older ones of everything at once.
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.until(lambda: _users(space) == ["Pod draining"], "only the Pod is left to wait for")
    assert space.key_in() is not None

    space.patch("pod", "draining", {"metadata": {"finalizers": None}})
    space.kubectl("delete", "pod", "draining", "--force", "--grace-period=0")
    space.until(space.gone("credential", "backups"), "the Credential is gone")
    space.patch("credentialreference", "nightly", {"metadata": {"finalizers": None}})


# Custom resources

LOCATIONS: spaces.Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "backupstoragelocations.velero.io",
        "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in with Velero's names"},
    },
    "spec": {
        "group": "velero.io",
        "scope": "Namespaced",
        "names": {
            "kind": "BackupStorageLocation",
            "listKind": "BackupStorageLocationList",
            "plural": "backupstoragelocations",
            "singular": "backupstoragelocation",
        },
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}


def test_custom_resources_are_users_as_soon_as_their_kind_is_installed(space: Space) -> None:
    space.published()
    space.apply(LOCATIONS)
    space.kubectl("wait", "crd", LOCATIONS["metadata"]["name"], "--for=condition=Established")
    location = {
        "apiVersion": "velero.io/v1",
        "kind": "BackupStorageLocation",
        "metadata": {"name": "default"},
        "spec": {"credential": {"name": ENV, "key": "cloud"}},
    }
    space.apply(location)

    # A kind that is not there is looked for once a minute.
    _becomes_used_by(space, "BackupStorageLocation default", seconds=120)
    space.kubectl("delete", "backupstoragelocations", "default")
    _becomes_used_by(space, seconds=spaces.SOON)


# Holders


def _held(space: Space, **fields: object) -> spaces.Json:
    claim = space.reference()
    holder = {"apiVersion": "batch/v1", "kind": "Job", "name": "nightly-delete"}
    claim["spec"] |= {"holder": holder, "until": "HolderFinished", **fields}
    return claim


def _published_and_held(space: Space) -> None:
    space.published(whenReferenced="Hold", targets=None)
    job = workloads.job("nightly-delete", "unrelated", suspend=True)
    space.apply(job, _held(space))
    found = space.becomes("nightly", "credentialreference", Bound="True Bound")
    space.until(
        lambda: "holder" in space.get("credentialreference", "nightly")["status"], "the holder was seen"
    )
    assert found["spec"]["until"] == "HolderFinished"
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.becomes(DeletionBlocked="True InUse")


@pytest.mark.parametrize("end", ["Complete", "Failed"])
def test_a_job_frees_its_credential_when_it_has_ended(space: Space, end: str) -> None:
    _published_and_held(space)
    status = json.dumps(workloads.ended(end))
    space.kubectl(
        "patch", "job", "nightly-delete", "--subresource=status", "--type=merge", f"--patch={status}"
    )
    space.until(space.gone("credential", "backups"), "the Credential is gone", seconds=spaces.SOON)
    space.becomes("nightly", "credentialreference", Bound="False Finished", Ready="False Finished")


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_a_holder_that_is_deleted_frees_its_credential(space: Space, cascade: str) -> None:
    _published_and_held(space)
    space.kubectl("delete", "job", "nightly-delete", f"--cascade={cascade}")
    space.until(space.gone("credential", "backups"), "the Credential is gone", seconds=spaces.SOON)


def test_a_holder_that_has_not_come_yet_is_waited_for(space: Space) -> None:
    space.published(whenReferenced="Hold", targets=None)
    space.apply(_held(space, ttlSecondsAfterFinished=0))
    space.becomes("nightly", "credentialreference", Bound="True Bound")

    space.apply(workloads.job("nightly-delete", "unrelated", suspend=True))
    space.until(
        lambda: "holder" in space.get("credentialreference", "nightly")["status"], "the holder was seen"
    )
    space.kubectl("delete", "job", "nightly-delete")
    space.until(space.gone("credentialreference", "nightly"), "it is removed, as it asks for")
    space.delete_when_free()


def test_a_holder_of_a_kind_that_nobody_watches_is_refused_in_words(space: Space) -> None:
    space.published()
    space.apply(_held(space, holder={"apiVersion": "example.com/v1", "kind": "Thing", "name": "one"}))
    found = space.becomes("nightly", "credentialreference", Bound="False HolderKindNotWatched")
    assert "Thing (example.com/v1)" in spaces.message(found, "Bound")
    space.delete_when_free()

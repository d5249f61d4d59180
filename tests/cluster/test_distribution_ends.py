"""What becomes of what was distributed when its Credential goes, or the namespace that has it."""

from collections.abc import Callable

import pytest

from cluster import handouts, workloads
from cluster import space as spaces
from cluster.handouts import counted, distributed, got
from cluster.sites import Site
from cluster.space import Space

team = handouts.team


def test_a_deletion_takes_back_what_nobody_uses(space: Space, team: Callable[[], Space]) -> None:
    first, second = team(), team()
    distributed(space)
    counted(space, made=2, published=2)
    assert space.get("credential", "backups")["status"]["references"]["count"] == 0

    space.kubectl("delete", "credential", "backups", "--timeout=120s")
    for each in (first, second):
        assert each.find("credentialreference", "backups") is None
        each.until(each.gone("secret", "shared-env"), "its Secret goes with it")


def test_who_uses_a_distributed_secret_holds_the_credential(space: Space, team: Callable[[], Space]) -> None:
    used, idle = team(), team()
    key = distributed(space, whenReferenced="Hold")
    got(used, key)
    got(idle, key)
    used.apply(workloads.deployment("api", "shared-env", replicas=0))
    space.until(
        lambda: (
            space.get("credential", "backups")["status"]["references"].get("items")
            == [
                {"kind": "CredentialReference", "namespace": used.name, "name": "backups"},
                {"kind": "Deployment", "namespace": used.name, "name": "api"},
            ]
        ),
        "both are counted",
    )
    assert space.get("credential", "backups")["status"]["references"]["distributed"] == 1

    space.kubectl("delete", "credential", "backups", "--wait=false")
    found = space.becomes(DeletionBlocked="True InUse")
    assert f"{used.name}/api" in spaces.message(found, "DeletionBlocked")
    assert used.key_in("shared-env") == key
    assert team().find("credentialreference", "backups") is None

    used.kubectl("delete", "deployment", "api")
    space.until(space.gone("credential", "backups"), "it goes")
    for each in (used, idle):
        each.until(each.gone("credentialreference", "backups"), "what was distributed is taken back")


@pytest.mark.needs_policies("validation")
def test_a_deletion_is_refused_for_what_uses_a_distributed_secret(
    space: Space, team: Callable[[], Space]
) -> None:
    used = team()
    got(used, distributed(space))
    used.apply(workloads.deployment("api", "shared-env", replicas=0))
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"]["count"] == 2, "it is counted"
    )
    refused = space.run("delete", "credential", "backups", check=False).stderr
    assert f"CredentialReference {used.name}/backups" in refused
    assert "kubectl delete credentialreference" not in refused
    assert "those that spec.distribute made end when nothing uses their Secrets any more" in refused
    used.kubectl("delete", "deployment", "api")
    space.delete_when_free(seconds=10)


def test_the_owners_namespace_can_go_and_a_used_secret_stays_until_it_is_not(
    space: Space, team: Callable[[], Space]
) -> None:
    used, idle = team(), team()
    key = distributed(space)
    got(used, key)
    got(idle, key)
    used.apply(workloads.deployment("api", "shared-env", replicas=0))
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"]["count"] == 2, "it is counted"
    )
    space.cluster.kubectl("delete", "namespace", space.name, "--timeout=120s")
    idle.until(idle.gone("credentialreference", "backups"), "what nobody uses is gone")
    used.becomes("backups", "credentialreference", Bound="False NotGranted")
    assert used.key_in("shared-env") == key

    used.kubectl("delete", "deployment", "api")
    used.until(used.gone("credentialreference", "backups"), "it goes with its last user")


def test_secrets_of_a_credential_that_retains_its_targets_stay(
    space: Space, team: Callable[[], Space]
) -> None:
    other = team()
    key = distributed(space, targetDeletionPolicy="Retain")
    got(other, key)
    space.kubectl("delete", "credential", "backups", "--timeout=120s")
    assert other.find("credentialreference", "backups") is None
    assert "ownerReferences" not in other.get("secret", "shared-env")["metadata"]


def _ending(space: Space) -> bool:
    """Tell whether the API server is done with a namespace, but for what a finalizer keeps there."""
    reference = space.get("credentialreference", "backups")
    return "deletionTimestamp" in reference["metadata"] and space.find("secret", "shared-env") is None


def test_a_namespace_that_is_being_deleted_is_left_alone(
    space: Space, site: Site, team: Callable[[], Space]
) -> None:
    other = team()
    got(other, distributed(space))
    other.patch("credentialreference", "backups", {"metadata": {"finalizers": ["example.com/held"]}})
    site.plane.kubectl("delete", "namespace", other.name, "--wait=false")
    counted(space, wanted=0, made=0)
    other.until(lambda: _ending(other), "the reference is all that is left in it")
    team()
    counted(space, wanted=1, made=1, published=1)
    made = [seen for seen in site.writes(other.name) if seen.path.endswith("/credentialreferences")]
    assert [seen.method for seen in made] == ["POST"]
    other.patch("credentialreference", "backups", {"metadata": {"finalizers": None}})


def test_by_force_a_credential_goes_and_a_used_secret_stays(space: Space, team: Callable[[], Space]) -> None:
    used, idle = team(), team()
    key = distributed(space)
    got(used, key)
    got(idle, key)
    used.apply(workloads.deployment("api", "shared-env", replicas=0))
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"]["count"] == 2, "it is counted"
    )
    space.kubectl("annotate", "credential", "backups", "credential-operator.io/force-delete=gone")
    space.kubectl("delete", "credential", "backups", "--timeout=120s")
    idle.until(idle.gone("credentialreference", "backups"), "what nobody uses is gone")
    assert used.key_in("shared-env") == key
    used.kubectl("delete", "deployment", "api")
    used.until(used.gone("credentialreference", "backups"), "it goes with its last user")

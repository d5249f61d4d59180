"""Other installations: without the policy that mutates, without any policy, and for a list of namespaces.

The core of the other files runs here too, each time on a control plane of its own. All of them can be run so:
see conftest.py.
"""

import inspect
import json
from collections.abc import Callable, Iterator

import pytest

from cluster import (
    sites,
    test_credentials,
    test_deletion,
    test_references,
    test_rotation,
    test_targets,
    workloads,
)
from cluster.sites import Site
from cluster.space import FINALIZER, Space
from controlplane import ControlPlane
from emulators.aws import AwsEmulator

CORE: tuple[Callable[..., None], ...] = (
    test_credentials.test_a_good_key_is_available_and_says_whose_it_is,
    test_rotation.test_a_changed_source_is_published_once_and_reloaders_see_it,
    test_targets.test_labels_follow_the_spec_and_those_of_others_stay,
    test_references.test_a_held_deletion_goes_through_the_moment_the_last_reference_ends,
    test_references.test_a_reference_that_is_itself_waiting_to_go_still_counts,
    test_deletion.test_a_credential_that_nobody_needs_is_deleted_with_its_targets_and_its_source_stays,
)
ACCOUNT = "system:serviceaccount:credential-operator:credential-operator"


@pytest.fixture(scope="module", params=["no-mutation", "none"])
def site(
    request: pytest.FixtureRequest, aws: AwsEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    with ControlPlane() as plane, sites.site(plane, aws, folder, mode=request.param) as started:
        yield started


@pytest.mark.parametrize("core", CORE, ids=lambda core: core.__name__.removeprefix("test_"))
def test_with_fewer_policies(core: Callable[..., None], space: Space, site: Site) -> None:
    given = {"space": space, "site": site}
    core(**{name: given[name] for name in inspect.signature(core).parameters})


def test_without_the_policy_that_mutates_the_finalizer_comes_before_the_first_target(
    space: Space, site: Site
) -> None:
    space.published()

    status = "credentials/backups/status"
    space.until(lambda: status in site.written(space.name), "the status is written")
    assert site.written(space.name) == ["credentials/backups", "secrets", status]
    assert space.get("credential", "backups")["metadata"]["finalizers"] == [FINALIZER]


def test_without_the_policy_that_mutates_a_finalizer_that_was_taken_off_comes_back(space: Space) -> None:
    space.published()

    space.patch("credential", "backups", {"metadata": {"finalizers": None}})

    space.until(
        lambda: space.get("credential", "backups")["metadata"].get("finalizers") == [FINALIZER],
        "the finalizer is there again",
    )


def test_without_a_policy_that_refuses_the_finalizer_holds_what_is_in_use(space: Space, site: Site) -> None:
    space.published()
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"]["declared"] == 1,
        "the reference is counted",
    )

    answer = space.run("delete", "credential", "backups", "--wait=false", check=False)
    if answer.returncode == 0:
        space.becomes(DeletionBlocked="True InUse")
        assert space.key_in() is not None
    else:
        assert "kubectl delete credentialreference nightly" in answer.stderr

    space.kubectl("delete", "credentialreference", "nightly")
    space.delete_when_free()
    assert space.find("credential", "backups") is None


# A list of namespaces


@pytest.fixture(scope="module")
def listed(aws: AwsEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation for the namespaces team-a and team-b."""
    with ControlPlane() as plane:
        for name in ("team-a", "team-b", "elsewhere"):
            plane.kubectl("create", "namespace", name)
        with sites.site(
            plane,
            aws,
            tmp_path_factory.mktemp("listed"),
            file="values-namespaces.yaml",
            used_in="team-a",
            settings={"namespaces": "team-a,team-b"},
        ) as started:
            yield started


def test_what_is_distributed_goes_to_the_namespaces_of_the_list(listed: Site) -> None:
    owner, other = listed.space_of("team-a"), listed.space_of("team-b")
    owner.new_user(name="spread")
    owner.apply(
        owner.source(owner.new_key("spread"), "spread-keys"),
        owner.credential(
            "spread",
            secretRef={"name": "spread-keys"},
            allowedNamespaces={"all": True},
            distribute={"target": {"name": "everybodys-env", "format": "env"}},
        ),
    )
    other.until(lambda: other.find("secret", "everybodys-env"), "the other of the list has it")
    told = owner.get("credential", "spread")["status"]["distribution"]
    assert (told["wanted"], told["made"], told["conflicts"]) == (1, 1, 0)
    owner.kubectl("delete", "credential", "spread", "--timeout=120s")
    assert other.find("credentialreference", "spread") is None


@pytest.mark.parametrize("namespace", ["team-a", "team-b"])
def test_in_each_namespace_of_the_list_credentials_work(listed: Site, namespace: str) -> None:
    space = listed.space_of(namespace)
    key = space.published()
    assert space.key_in() == key
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound", Ready="True Available")

    rotated = space.new_key()
    space.apply(space.source(rotated))
    space.until(lambda: space.key_in() == rotated, "the new key is published")

    space.kubectl("delete", "credentialreference", "nightly")
    space.delete_when_free()
    assert space.find("secret", "backups-env") is None


def test_what_is_in_another_namespace_is_left_alone(listed: Site) -> None:
    here, elsewhere = listed.space_of("team-a"), listed.space_of("elsewhere")
    elsewhere.new_user(name="x")
    elsewhere.apply(
        elsewhere.source(elsewhere.new_key("x")), elsewhere.credential("other"), elsewhere.reference()
    )
    before = elsewhere.get("credential", "other")

    # Whatever comes later is done, and still nothing was done elsewhere.
    here.new_user(name="later")
    here.apply(here.source(here.new_key("later"), "later"))
    here.apply(here.credential("later", secretRef={"name": "later"}))
    here.becomes("later", Ready="True Available")

    assert elsewhere.get("credential", "other") == before
    assert "finalizers" not in before["metadata"]
    assert not [seen for seen in listed.proxy.requests if "/namespaces/elsewhere" in seen.path]
    # A lost race against another writer is told by 409, or by 422 where the patch names what it saw.
    assert {seen.status for seen in listed.proxy.requests} <= {200, 201, 404, 409, 422}


def test_the_operator_may_not_look_beyond_the_list(listed: Site) -> None:
    for verb, resource in (
        ("list", "secrets"),
        ("get", "secrets"),
        ("list", "credentials.credential-operator.io"),
    ):
        for namespace in ("elsewhere", "kube-system"):
            answer = listed.plane.kubectl(
                "auth", "can-i", verb, resource, f"--namespace={namespace}", check=False, impersonate=ACCOUNT
            )
            assert (answer.stdout.strip(), answer.returncode) == ("no", 1), json.dumps([verb, resource])


def test_namespaces_of_the_list_share_by_name_and_nothing_else_is_there_for_them(listed: Site) -> None:
    owner, borrower = listed.space_of("team-a"), listed.space_of("team-b")
    owner.new_user(name="shared")
    key = owner.new_key("shared")
    owner.apply(owner.source(key, "shared"))
    granted = {"names": ["team-b"]}
    owner.apply(
        owner.credential(
            "shared", secretRef={"name": "shared"}, allowedNamespaces=granted, whenReferenced="Hold"
        )
    )
    claims = {
        name: borrower.reference(name, "shared")
        | {"spec": {"credentialRef": {"name": "shared", "namespace": where}}}
        for name, where in (("lent", "team-a"), ("absent", "elsewhere"))
    }
    claims["lent"]["spec"]["target"] = {"name": "lent-env", "format": "env"}
    borrower.apply(*claims.values(), workloads.deployment("api", "lent-env", replicas=0))
    borrower.becomes("lent", "credentialreference", Synced="True Published")
    borrower.becomes("absent", "credentialreference", Bound="False NotGranted")
    assert borrower.key_in("lent-env") == key

    def users() -> list[str]:
        items = owner.get("credential", "shared")["status"]["references"].get("items", ())
        return [f"{one['namespace']}/{one['name']}" for one in items]

    owner.until(lambda: users() == ["team-b/lent", "team-b/api"], "both users are found")
    owner.kubectl("delete", "credential", "shared", "--wait=false")
    owner.becomes("shared", DeletionBlocked="True InUse")
    borrower.kubectl("delete", "credentialreference", "lent", "absent")
    borrower.kubectl("delete", "deployment", "api")
    owner.until(owner.gone("credential", "shared"), "the Credential is gone")


# Without looking for users


@pytest.fixture(scope="module")
def blind(aws: AwsEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation that may not read workloads."""
    with (
        ControlPlane() as plane,
        sites.site(
            plane,
            aws,
            tmp_path_factory.mktemp("blind"),
            values={"findUsers": "false"},
            settings={"find_users": "false"},
        ) as started,
    ):
        yield started


def test_where_nobody_looks_for_users_only_what_is_declared_counts(blind: Site) -> None:
    there = blind.space("blind")
    there.published()
    claim = there.reference()
    job = {"apiVersion": "batch/v1", "kind": "Job", "name": "nightly"}
    claim["spec"] |= {"holder": job, "until": "HolderFinished"}
    there.apply(claim, there.reference("declared"), workloads.deployment("api", "backups-env", replicas=0))
    there.becomes("nightly", "credentialreference", Bound="False HolderKindNotWatched")
    there.until(
        lambda: there.get("credential", "backups")["status"]["references"]["declared"] == 1, "it is counted"
    )
    assert "found" not in there.get("credential", "backups")["status"]["references"]
    answer = blind.plane.kubectl("auth", "can-i", "list", "pods", "-A", impersonate=ACCOUNT, check=False)
    assert answer.stdout.strip() == "no"

"""Adoption: an existing Secret that nobody owns becomes a target, and nothing of what it held is lost."""

import pathlib
import subprocess
from collections.abc import Callable

import pytest
import yaml

import pages
import replica
from cluster import adopting, sites, workloads
from cluster import space as spaces
from cluster.adopting import ADOPTING, BACKUP, ENV, OLD
from cluster.sites import Site
from cluster.space import GENERATION, OWNER, Json, Space
from controlplane import tools

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "adopting.md").read_text()
RECIPES = {
    text.split()[1 if text.startswith("kubectl") else 0]: text for text in pages.blocks(PAGE, "sh", "yaml")
}
"""What the page shows, by kubectl's command; its manifest by the first word."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
EXPIRES = "credential-operator.io/expires-at"


def test_a_secret_that_nobody_owns_becomes_a_target_and_what_it_held_is_kept(space: Space) -> None:
    space.apply(space.secret(ENV, OLD, labels={"app": "theirs"}, annotations={"example.com/note": "theirs"}))
    before = space.get("secret", ENV)["metadata"]
    assert LAST_APPLIED in before["annotations"]

    key = adopting.wanted(space)
    found = space.becomes(Ready="True Available", Validated="True Accepted", Synced="True Published")

    after = space.get("secret", ENV)
    assert space.key_in() == key
    assert "password" not in space.data(ENV)
    assert after["metadata"]["uid"] == before["uid"] == found["status"]["targets"][0]["uid"]
    assert after["metadata"]["labels"] == {
        "app": "theirs",
        OWNER: "backups",
        "app.kubernetes.io/managed-by": "credential-operator",
    }
    annotations = after["metadata"]["annotations"]
    assert annotations["example.com/note"] == "theirs"
    assert annotations[GENERATION] == "1"
    assert LAST_APPLIED not in annotations
    assert [one["uid"] for one in after["metadata"]["ownerReferences"]] == [found["metadata"]["uid"]]

    kept = space.get("secret", BACKUP)
    assert space.data(BACKUP) == OLD
    assert kept["type"] == "Opaque"
    assert kept["metadata"]["ownerReferences"] == after["metadata"]["ownerReferences"]
    assert kept["metadata"]["labels"]["credential-operator.io/before-adoption"] == "true"
    assert "app" not in kept["metadata"]["labels"]
    assert kept["metadata"]["annotations"][EXPIRES] > kept["metadata"]["creationTimestamp"]
    space.until(lambda: ("Normal", "Adopted") in space.events(), "it is told")


def test_a_conflict_tells_of_adoption_which_ends_it(space: Space) -> None:
    space.apply(space.secret(ENV, OLD))
    space.new_user()
    key = space.new_key()
    space.apply(space.source(key), space.credential())
    assert "adopt: true" in adopting.says(space)
    assert space.find("secret", BACKUP) is None

    space.apply(space.credential(targets=[ADOPTING]))
    space.becomes(Ready="True Available", Synced="True Published", Stalled=None)
    assert space.key_in() == key

    space.apply(space.credential())
    space.becomes(Ready="True Available", Synced="True Published")
    assert space.data(BACKUP) == OLD


def test_a_key_that_is_refused_takes_nothing_over(space: Space) -> None:
    space.apply(space.secret(ENV, OLD))
    theirs = space.get("secret", ENV)
    space.new_user()
    key = space.new_key()

    space.apply(space.source((key[0], "x" * 40)), space.credential(targets=[ADOPTING]))
    space.becomes(Validated="Unknown Unconfirmed")
    assert space.get("secret", ENV) == theirs
    assert space.find("secret", BACKUP) is None

    space.apply(space.source(key))
    space.becomes(Ready="True Available")
    assert space.key_in() == key
    assert space.data(BACKUP) == OLD


def test_the_recipe_of_the_page_moves_a_secret_in_that_pods_use(space: Space) -> None:
    space.new_user()
    key = space.new_key()
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    space.apply(space.secret(ENV, dict(zip(names, key, strict=True))), workloads.pod("api", ENV))
    copy, keep, manifest = (RECIPES[word] for word in ("get", "annotate", "apiVersion:"))

    _run(space, copy)
    document = yaml.safe_load(manifest)
    document["spec"]["aws"]["endpoint"] = space.aws.url
    space.apply(document)

    found = space.becomes(Ready="True Available", Synced="True Published")
    assert space.key_in() == key
    assert found["status"]["references"]["items"] == [{"kind": "Pod", "namespace": space.name, "name": "api"}]
    _run(space, keep)
    assert space.get("secret", BACKUP)["metadata"]["annotations"][EXPIRES] == "2027-12-31T00:00:00Z"


def _run(space: Space, script: str) -> None:
    """Run a script of the page as it stands, in the namespace."""
    kubectl = f'kubectl() {{ "{tools.path("kubectl")}" --namespace={space.name} "$@"; }}'
    subprocess.run(["sh", "-ec", f"{kubectl}\n{script}"], env=space.cluster.environment(), check=True)


# What is left alone


def _owned(space: Space) -> Json:
    space.kubectl("create", "configmap", "theirs")
    owner = space.get("configmap", "theirs")["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": owner}
    return space.secret(ENV, OLD, ownerReferences=[reference])


def _of_another(space: Space) -> Json:
    space.apply(
        space.credential("other", secretRef={"name": "none"}, targets=[{"name": ENV, "format": "env"}])
    )
    return space.secret(ENV, OLD, labels={OWNER: "other"})


def _source(space: Space) -> Json:
    space.apply(space.credential("other", secretRef={"name": ENV}, targets=None))
    return space.secret(ENV, OLD)


LEFT_ALONE: dict[str, tuple[Callable[[Space], Json], str]] = {
    "owned": (_owned, "belongs to ConfigMap theirs"),
    "a target": (_of_another, "is a target of Credential other"),
    "a source": (_source, "holds the key of Credential other"),
    "helm": (
        lambda space: space.secret(ENV, OLD, labels={"app.kubernetes.io/managed-by": "Helm"}),
        "is written by Helm",
    ),
    "flux": (
        lambda space: space.secret(ENV, OLD, labels={"kustomize.toolkit.fluxcd.io/name": "shop"}),
        "is written by Flux",
    ),
    "immutable": (lambda space: space.secret(ENV, OLD) | {"immutable": True}, "is immutable"),
    "of another type": (
        lambda space: space.secret(ENV, OLD) | {"type": "example.com/theirs"},
        "has the type example.com/theirs",
    ),
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_a_secret_that_somebody_owns_is_left_alone(space: Space, name: str) -> None:
    write, says = LEFT_ALONE[name]
    space.apply(write(space))
    before = space.get("secret", ENV)

    key = adopting.wanted(space)

    assert says in adopting.says(space)
    assert space.get("secret", ENV) == before
    assert space.find("secret", BACKUP) is None

    space.kubectl("delete", "secret", ENV)
    space.becomes(Ready="True Available", Synced="True Published", Stalled=None)
    assert space.key_in() == key
    assert space.find("secret", BACKUP) is None


def test_a_secret_is_taken_over_when_it_is_a_source_no_more(space: Space) -> None:
    space.apply(_source(space))
    key = adopting.wanted(space, validation={"interval": "0s"})
    assert "holds the key of Credential other" in adopting.says(space)

    space.apply(space.credential("other", secretRef={"name": "elsewhere"}, targets=None))

    space.becomes(Ready="True Available", Stalled=None)
    assert space.key_in() == key
    assert space.data(BACKUP) == OLD


def test_a_secret_that_is_being_deleted_is_written_when_it_is_gone(space: Space) -> None:
    space.apply(space.secret(ENV, OLD, finalizers=["example.com/held"]))
    space.kubectl("delete", "secret", ENV, "--wait=false")

    key = adopting.wanted(space)
    assert "is being deleted" in adopting.says(space)

    space.patch("secret", ENV, {"metadata": {"finalizers": None}})
    space.becomes(Ready="True Available", Stalled=None)
    assert space.key_in() == key


def test_of_two_that_adopt_a_secret_one_gets_it_and_the_other_says_who_has_it(space: Space) -> None:
    space.apply(space.secret(ENV, OLD))
    space.new_user()
    key = space.new_key()
    space.apply(space.source(key), *(space.credential(name, targets=[ADOPTING]) for name in ("one", "two")))

    def winner() -> str:
        owners = space.get("secret", ENV)["metadata"].get("ownerReferences", [])
        return "".join(one["name"] for one in owners)

    space.until(winner, "one has it")
    has, lacks = ("one", "two") if winner() == "one" else ("two", "one")
    space.becomes(has, Ready="True Available")
    space.until(
        lambda: f"belongs to Credential {has}" in adopting.says(space, lacks), "the other says who has it"
    )
    assert space.data(BACKUP) == OLD

    space.delete_when_free(has)
    space.becomes(lacks, Ready="True Available")
    assert space.key_in() == key


# What comes after


def test_an_adopted_target_is_like_any_other(space: Space) -> None:
    key = adopting.adopted(space)

    space.patch("secret", ENV, {"stringData": {"password": "somebody's"}})
    space.until(lambda: "password" not in space.data(ENV), "it is repaired")
    space.kubectl("label", "secret", ENV, f"{OWNER}-")
    space.until(lambda: OWNER in space.get("secret", ENV)["metadata"]["labels"], "it has its label again")
    rotated = space.new_key()
    space.apply(space.source(rotated))
    space.until(lambda: space.key_in() == rotated != key, "it is rotated")
    space.becomes(Ready="True Available")
    assert space.data(BACKUP) == OLD
    assert space.events().count(("Normal", "Adopted")) == 1

    space.delete_when_free()
    for name in (ENV, BACKUP):
        space.until(space.gone("secret", name), f"{name} goes with it")


def test_a_short_lived_key_takes_over_the_secret_that_held_a_stored_one(space: Space) -> None:
    space.apply(space.secret(ENV, OLD))

    key = space.published(targets=[{**ADOPTING, "issue": {"kind": "SessionToken"}}])

    assert space.data(ENV)["AWS_SESSION_TOKEN"]
    assert space.key_in() != key
    assert space.data(BACKUP) == OLD
    (target,) = space.get("credential", "backups")["status"]["targets"]
    assert space.get("secret", ENV)["metadata"]["annotations"][EXPIRES] == target["expiresAt"]


def test_a_retained_target_can_be_adopted_by_a_credential_of_another_name(space: Space) -> None:
    key = space.published(targetDeletionPolicy="Retain")
    space.delete_when_free()
    before = space.get("secret", ENV)["metadata"]

    space.apply(space.credential("renamed", targets=[ADOPTING]))

    space.becomes("renamed", Ready="True Available")
    after = space.get("secret", ENV)["metadata"]
    assert (after["uid"], after["labels"][OWNER]) == (before["uid"], "renamed")
    assert space.key_in() == key


def test_whoever_runs_what_it_held_is_said_to_run_nothing_of_ours(space: Space) -> None:
    space.apply(space.secret(ENV, OLD), workloads.pod("api", ENV))
    long_ago = "2026-01-01T00:00:00Z"
    running = {"name": "main", "image": "", "imageID": "", "ready": True, "restartCount": 0}
    status = {
        "startTime": long_ago,
        "containerStatuses": [running | {"state": {"running": {"startedAt": long_ago}}}],
    }
    space.patch("pod", "api", {"status": status}, "--subresource=status")

    adopting.wanted(space)
    found = space.becomes(Ready="True Available")

    assert "rotation" not in found["status"]
    space.until(lambda: ("Normal", "Adopted") in space.events(), "it is told")
    assert not {"Published", "Drained", "Repaired"} & {reason for _, reason in space.events()}


def test_a_borrower_adopts_a_secret_of_its_own_namespace(space: Space, site: Site) -> None:
    borrower = site.space(f"{space.name}-b")
    key = space.published(allowedNamespaces={"names": [borrower.name]})
    borrower.apply(borrower.secret(ENV, OLD))
    claim = borrower.reference()
    claim["spec"] |= {"credentialRef": {"name": "backups", "namespace": space.name}}
    claim["spec"]["target"] = {**ADOPTING, "adopt": False}
    borrower.apply(claim)
    conflict = borrower.becomes("nightly", "credentialreference", Synced="False TargetConflict")
    assert "adopt: true" in spaces.message(conflict, "Synced")

    claim["spec"]["target"] = ADOPTING
    borrower.apply(claim)

    borrower.becomes("nightly", "credentialreference", Synced="True Published", Ready="True Available")
    assert borrower.key_in() == key
    assert borrower.data(BACKUP) == OLD
    borrower.until(lambda: ("Normal", "Adopted") in borrower.events("nightly"), "it is told")
    borrower.kubectl("delete", "credentialreference", "nightly")
    for name in (ENV, BACKUP):
        borrower.until(borrower.gone("secret", name), f"{name} goes with it")


def test_a_backup_goes_when_its_time_is_over(space: Space, site: Site) -> None:
    key = adopting.adopted(space)
    theirs = space.secret("theirs", OLD, labels={"credential-operator.io/before-adoption": "true"})
    space.apply(theirs, space.secret("soon-env", OLD))
    space.apply(space.credential("later", targets=[{**ADOPTING, "name": "soon-env"}]))
    space.becomes("later", Ready="True Available")
    past = f"{EXPIRES}=2026-01-01T00:00:00Z"
    space.kubectl("annotate", "secret", BACKUP, "theirs", past, "--overwrite")
    site.operator.stop()
    sweeping = replica.Replica(
        site.kubeconfig,
        site.operator.log.parent,
        name="sweeping",
        settings=sites.chosen(site.aws, {"sweep_interval": "0.5"}),
    )
    try:
        with sweeping:
            space.until(space.gone("secret", BACKUP), "its time is over", seconds=120)
    finally:
        site.operator.start()
    assert space.key_in() == key
    assert space.data("soon-env-before-adoption") == OLD
    assert space.data("theirs") == OLD
    space.becomes(Ready="True Available", seconds=120)

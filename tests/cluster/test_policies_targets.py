"""Who may have a Secret adopted, and delete what was published, where the chart's policy for that is switched on."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from cluster import policies, users
from cluster.policies import CHART, OPERATOR, TARGET, TEAM, Policed
from controlplane import ControlPlane

policed, unique = policies.policed, policies.unique
reinstall = policies.reinstall

LABELS = {"Credential": f"{users.GROUP}/credential", "CredentialReference": f"{users.GROUP}/reference"}
"""What a target carries, by the kind that it belongs to."""
CONTROLLERS = (
    "system:kube-controller-manager",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
)


def test_a_target_is_deleted_by_way_of_its_credential(policed: Policed, unique: str) -> None:
    policed.user().create(target(policed, unique))

    assert policed.user("alice").refused("delete", "secret", unique) == users.Refusal(
        "target-protection",
        f"published for Credential {unique}; take it out of spec.targets: "
        f"kubectl edit credential {unique} -n team-a; or delete what it belongs to: "
        f"kubectl delete credential {unique} -n team-a",
    )


def test_a_borrowed_target_goes_with_its_reference(policed: Policed, unique: str) -> None:
    policed.user().create(target(policed, unique, "CredentialReference"))
    alice = policed.user("alice")

    refusal = alice.refused("delete", "secret", unique)
    assert refusal.policy == "target-protection"
    assert f"take it out of spec.target: kubectl edit credentialreference {unique} -n" in refusal.message

    alice.kubectl("delete", "credentialreference", unique)
    users.until(lambda: not found(policed, unique), "the garbage collector has removed it")


@pytest.mark.parametrize("name", ["adam", None, OPERATOR, *CONTROLLERS])
def test_who_may_force_and_who_must_clear_up_may_delete_a_target(
    policed: Policed, unique: str, name: str | None
) -> None:
    policed.user().create(target(policed, unique))

    policed.user(name).kubectl("delete", "secret", unique)


@pytest.mark.parametrize("missing", ["labels", "ownerReferences"])
def test_what_is_not_a_target_is_deleted_freely(policed: Policed, unique: str, missing: str) -> None:
    document = target(policed, unique)
    del document["metadata"][missing]
    policed.user().create(document)

    policed.user("alice").kubectl("delete", "secret", unique)


def test_a_target_of_a_namespace_that_is_being_deleted_may_go(policed: Policed, unique: str) -> None:
    admin = policed.user()
    admin.kubectl("create", "namespace", unique)
    document = target(policed, unique, "CredentialReference", namespace=unique)
    document["metadata"]["finalizers"] = ["example.com/held"]
    admin = policed.user(namespace=unique)
    admin.create(document)
    admin.kubectl("create", "clusterrolebinding", unique, "--clusterrole=edit", f"--user={unique}")
    nora = policed.user(unique, unique)
    users.until(lambda: nora.may("auth", "can-i", "delete", "secrets"), "her role is in force")
    assert nora.refused("delete", "secret", unique).policy == "target-protection"

    admin.kubectl("delete", "namespace", unique, "--wait=false")
    users.until(
        lambda: "deletionTimestamp" in admin.kubectl("get", "secret", unique, "--output=json"),
        "the namespace controller has come by",
    )
    nora.kubectl("delete", "secret", unique, "--wait=false")

    admin.kubectl("patch", "secret", unique, "--type=merge", '--patch={"metadata":{"finalizers":null}}')
    users.until(
        lambda: not admin.kubectl("get", "namespace", unique, "--ignore-not-found"), "the namespace is gone"
    )


def test_without_the_policy_who_may_delete_secrets_deletes_targets(
    policed: Policed, unique: str, reinstall: Callable[..., None]
) -> None:
    policed.user().create(target(policed, unique))
    alice = policed.user("alice")
    alice.refused("delete", "secret", unique)

    reinstall("targetProtection=false")

    users.until(lambda: alice.may("delete", "secret", unique), "no policy refuses it")


@pytest.mark.parametrize(("options", "served"), [((), []), (("--set=watchNamespaces={a,b}",), ["a", "b"])])
def test_the_policy_is_asked_about_secrets_with_our_labels_only(
    plane: ControlPlane, options: tuple[str, ...], served: list[str]
) -> None:
    output = plane.helm("template", CHART, "--set=policies.targetProtection=true", *options).stdout
    asked = [
        document["spec"]["matchResources"]
        for document in yaml.safe_load_all(output)
        if document["kind"] == "ValidatingAdmissionPolicyBinding"
        and document["spec"]["policyName"].endswith("-target-protection")
    ]

    by_label = [one["objectSelector"]["matchExpressions"] for one in asked]
    assert by_label == [[{"key": label, "operator": "Exists"}] for label in LABELS.values()]
    for one in asked:
        in_namespaces = one.get("namespaceSelector", {}).get("matchExpressions", [])
        assert [name for expression in in_namespaces for name in expression["values"]] == served


# Adoption


ADOPTING = TARGET | {"adopt": True}


def asking(name: str, *targets: users.Json) -> users.Json:
    """Return a Credential with targets."""
    return users.credential(name, TEAM, targets=[*targets])


@pytest.mark.parametrize("name", ["alice", "adam", "nina"])
def test_who_may_read_and_change_a_secret_may_have_it_adopted(
    policed: Policed, unique: str, name: str
) -> None:
    policed.user(name).create(asking(unique, ADOPTING))


@pytest.mark.parametrize(
    ("name", "target", "verb"), [("tom", TARGET["name"], "update"), ("nina", "web-env", "get")]
)
def test_who_may_not_read_and_change_a_secret_does_not_have_it_adopted(
    policed: Policed, unique: str, name: str, target: str, verb: str
) -> None:
    adopting = ADOPTING | {"name": target}
    refusal = policed.user(name).refused(
        "create", "--filename=-", document=asking(unique, TARGET | {"name": "a"}, adopting)
    )

    assert refusal == users.Refusal(
        "adoption",
        f"you may not {verb} Secret {target} in namespace team-a, so the operator does not take it over for you: "
        "leave adopt out, or have it set by someone who may",
    )
    lent = users.reference(unique, TEAM)
    lent["spec"]["target"] = adopting
    assert policed.user(name).refused("create", "--filename=-", document=lent) == refusal


def test_what_comes_to_adopt_is_asked_about_and_nothing_else(policed: Policed, unique: str) -> None:
    tom, alice = policed.user("tom"), policed.user("alice")

    def change(*targets: users.Json, **fields: Any) -> tuple[str, ...]:
        return users.patch(unique, {"spec": {"targets": [*targets], **fields}})

    tom.create(asking(unique, TARGET | {"adopt": False}))
    assert tom.refused(*change(ADOPTING)).policy == "adoption"
    alice.kubectl(*change(ADOPTING))
    tom.kubectl(*change(ADOPTING, {"name": "another", "format": "env"}, displayName="Nightly"))
    assert tom.refused(*change(ADOPTING | {"labels": {"team": "storage"}})).policy == "adoption"
    tom.kubectl(*change(TARGET))


def test_so_many_are_adopted_at_a_time(policed: Policed, unique: str) -> None:
    alice = policed.user("alice")
    adopting = [ADOPTING | {"name": f"env-{number}"} for number in range(9)]

    assert alice.refused("create", "--filename=-", document=asking(unique, *adopting)) == users.Refusal(
        "adoption",
        "at most 8 targets with adopt can be added or changed at a time, and these are 9: add the others afterwards",
    )
    alice.create(asking(unique, *adopting[:8]))
    alice.kubectl(*users.patch(unique, {"spec": {"targets": adopting}}))


def test_the_largest_object_that_adopts_is_within_the_cost_limits(policed: Policed, unique: str) -> None:
    def targets(value: str) -> list[users.Json]:
        largest = [target | {"name": target["name"][:237]} for target in policies.largest_targets(value)]
        return [target | {"adopt": number < 8} for number, target in enumerate(largest)]

    alice, document = policed.user("alice"), asking(unique, *targets("a"))
    alice.create(document)
    document["spec"]["targets"] = targets("b")
    alice.kubectl("replace", "--filename=-", document=document)

    document["spec"]["targets"] = targets("c")
    refusal = policed.user("tom").refused("replace", "--filename=-", document=document)
    assert refusal.policy == "adoption"
    assert "you may not update Secret t00" in refusal.message


# What the tests share


def target(policed: Policed, name: str, kind: str = "Credential", *, namespace: str = TEAM) -> users.Json:
    """Create an object of that name, and return the Secret that the operator would publish for it."""
    document = users.credential(name, namespace) if kind == "Credential" else users.reference(name, namespace)
    admin = policed.user(namespace=namespace)
    admin.create(document)
    uid = admin.kubectl("get", kind, name, "--output=jsonpath={.metadata.uid}")
    owner = {"apiVersion": users.API_VERSION, "kind": kind, "name": name, "uid": uid}
    metadata = {"name": name, "namespace": namespace, "labels": {LABELS[kind]: name}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**metadata, "ownerReferences": [owner]},
    }


def found(policed: Policed, name: str) -> bool:
    """Tell whether there is a Secret of that name."""
    return bool(policed.user().kubectl("get", "secret", name, "--ignore-not-found", "--output=name"))

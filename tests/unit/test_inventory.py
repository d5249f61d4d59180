"""What the operator remembers of the cluster, and whom a change concerns."""

import itertools
import random
from typing import Any

import pytest

from credential_operator import inventory, naming, objects, references
from credential_operator.objects import Key, Object


def credential(name: str = "backups", version: str = "5", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "a",
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": version,
            "generation": 1,
            "creationTimestamp": "2026-11-22T00:00:00Z",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "everything once more",
                inventory.RECONCILE_AT: "now",
            },
            "managedFields": [{"manager": "kubectl"}],
        },
        "spec": {"aws": {}, "secretRef": {"name": "keys"}, **spec},
    }


def reference(name: str = "nightly", version: str = "5") -> dict[str, Any]:
    document = credential(name, version)
    return {"metadata": document["metadata"], "spec": {"credentialRef": {"name": "backups"}}}


def secret(name: str = "keys", version: str = "7", **metadata: Any) -> dict[str, Any]:
    return {"namespace": "a", "name": name, "uid": f"uid-{name}", "resourceVersion": version, **metadata}


def concerned(*names: str) -> list[Object]:
    return [Object("Credential", Key("a", name)) for name in names]


@pytest.fixture
def known() -> inventory.Inventory:
    return inventory.Inventory(lambda spec: f"endpoint of {min(spec)}")


def test_an_object_is_kept_without_what_no_pass_needs(known: inventory.Inventory) -> None:
    assert known.put_credential(credential())
    document = known.credentials[Key("a", "backups")].parse()
    assert document["metadata"]["annotations"] == {inventory.RECONCILE_AT: "now"}
    assert "managedFields" not in document["metadata"]
    assert document["spec"]["secretRef"] == {"name": "keys"}
    assert document["status"] == {}
    assert str(inventory.key_of(document)) == "a/backups"


def test_a_change_of_the_status_alone_is_told_from_others(known: inventory.Inventory) -> None:
    assert not known.differs_in_status_only(credential())
    known.put_credential(credential())
    later = credential(version="6")
    assert known.differs_in_status_only(later | {"status": {"type": "aws"}})
    edited = credential(version="6")
    edited["metadata"]["generation"] = 2
    assert not known.differs_in_status_only(edited)
    bare = credential(version="6")
    bare["metadata"]["annotations"] = {}
    assert not known.differs_in_status_only(bare)


def test_the_same_version_and_older_ones_are_no_news(known: inventory.Inventory) -> None:
    assert known.put_credential(credential(version="10"))
    assert not known.put_credential(credential(version="10"))
    assert not known.put_credential(credential(version="9"))
    assert known.put_credential(credential(version="11"))
    assert known.put_reference(reference(version="10"))
    assert not known.put_reference(reference(version="9"))


def test_an_answer_that_comes_after_the_end_of_its_object_is_no_news(known: inventory.Inventory) -> None:
    known.drop_credential(Key("a", "backups"), "uid-backups")
    known.drop_reference(Key("a", "nightly"), "uid-nightly")
    known.drop_secret(Key("a", "keys"), "uid-keys")

    assert not known.put_credential(credential())
    assert not known.put_reference(reference())
    assert known.put_secret(secret()) == []
    assert (known.credentials, known.references, known.versions) == ({}, {}, {})


def test_so_many_objects_that_are_gone_are_remembered(
    known: inventory.Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "REMEMBERED", 1)
    for name in ("first", "second"):
        known.drop_credential(Key("a", name), f"uid-{name}")
    assert known.put_credential(credential("first"))
    assert not known.put_credential(credential("second"))


def test_an_object_is_overtaken_by_whatever_is_not_its_status() -> None:
    seen = credential()["metadata"]
    assert not inventory.overtaken(seen, seen | {"resourceVersion": "6", "labels": {"a": "b"}})
    for change in (
        {"generation": 2},
        {"deletionTimestamp": "2026-11-22T00:00:00Z"},
        {"annotations": {inventory.FORCE_DELETE: "why"}},
    ):
        assert inventory.overtaken(seen, seen | change)


def test_a_version_that_is_no_number_is_compared_for_equality(known: inventory.Inventory) -> None:
    assert known.put_credential(credential(version="x"))
    assert not known.put_credential(credential(version="x"))
    assert known.put_credential(credential(version="w"))


def test_an_endpoint_is_told_once_per_generation() -> None:
    asked = itertools.count(1)
    known = inventory.Inventory(lambda spec: f"endpoint-{next(asked)}")
    known.put_credential(credential(version="1"))
    known.put_credential(credential(version="2"))
    assert known.credentials[Key("a", "backups")].endpoint == "endpoint-1"
    newer = credential(version="3")
    newer["metadata"]["generation"] = 2
    known.put_credential(newer)
    assert known.credentials[Key("a", "backups")].endpoint == "endpoint-2"


def test_a_secret_concerns_those_that_name_it(known: inventory.Inventory) -> None:
    known.put_credential(credential("one", targets=[{"name": "one-env"}]))
    known.put_credential(credential("two"))
    assert sorted(known.put_secret(secret())) == concerned("one", "two")
    assert known.put_secret(secret()) == []
    assert known.put_secret(secret("one-env")) == concerned("one")
    assert known.put_secret(secret("other")) == []
    assert known.drop_secret(Key("a", "one-env")) == concerned("one")


def test_a_target_that_the_spec_no_longer_names_still_concerns_its_owner(known: inventory.Inventory) -> None:
    document = credential()
    document["status"] = {"targets": [{"name": "old-env"}]}
    known.put_credential(document)
    assert known.put_secret(secret("old-env")) == concerned("backups")


def test_the_backup_of_a_target_concerns_who_adopts_that(known: inventory.Inventory) -> None:
    targets = [{"name": "env", "adopt": True}, {"name": "file", "adopt": False}]
    known.put_credential(credential(targets=targets))
    claim = reference()
    claim["spec"]["target"] = targets[0]
    known.put_reference(claim)

    assert known.concerned(Key("a", "env-before-adoption")) == [
        *concerned("backups"),
        Object("CredentialReference", Key("a", "nightly")),
    ]
    assert known.concerned(Key("a", "file-before-adoption")) == []


def test_it_is_known_who_lacks_a_secret(known: inventory.Inventory) -> None:
    known.put_credential(credential(targets=[{"name": "env"}]))
    claim = reference()
    claim["spec"]["target"] = {"name": "mine"}
    known.put_reference(claim)
    owner, borrower = (
        Object("Credential", Key("a", "backups")),
        Object("CredentialReference", Key("a", "nightly")),
    )
    assert known.lacks(owner)
    assert known.lacks(borrower)

    for name in ("keys", "env", "mine"):
        known.put_secret(secret(name))
    assert not known.lacks(owner)
    assert not known.lacks(borrower)

    known.drop_secret(Key("a", "env"))
    assert known.lacks(owner)
    assert not known.lacks(Object("Credential", Key("a", "unknown")))


def test_only_a_secret_with_our_label_is_known_as_a_target(known: inventory.Inventory) -> None:
    known.put_secret(secret("plain", annotations={inventory.DIGEST: "d"}))
    known.put_secret(
        secret(
            "env",
            labels={inventory.OWNER: "backups"},
            annotations={inventory.DIGEST: "d", inventory.SOURCE_DIGEST: "s", inventory.GENERATION: "3"},
        )
    )
    known.put_secret(secret("odd", labels={inventory.OWNER: "backups"}))
    assert set(known.targets) == {Key("a", "env"), Key("a", "odd")}
    assert known.targets[Key("a", "env")].generation == 3
    assert known.targets[Key("a", "odd")].generation == 0
    known.put_secret(secret("env", version="8"))
    assert set(known.targets) == {Key("a", "odd")}


def test_a_deletion_says_nothing_of_the_next_object_of_that_name(known: inventory.Inventory) -> None:
    known.put_credential(credential())
    assert not known.drop_credential(Key("a", "backups"), "another uid")
    assert known.drop_credential(Key("a", "backups"), "uid-backups")
    assert not known.drop_credential(Key("a", "backups"), "uid-backups")
    known.put_reference(reference())
    assert known.drop_reference(Key("a", "nightly"), "another uid") is None
    assert known.drop_reference(Key("a", "nightly"), "uid-nightly") == Key("a", "backups")
    assert known.references_to(Key("a", "backups")) == []


def test_who_is_refused_counts_for_the_namespace_of_the_credential(known: inventory.Inventory) -> None:
    def claim(namespace: str, named: str = "backups", *, reason: str = "NotGranted") -> dict[str, Any]:
        document = reference(f"{reason}-{named}".lower(), "5")
        document["metadata"]["namespace"] = namespace
        document["spec"]["credentialRef"] = {"name": named, "namespace": "a"}
        condition = {"type": "Bound", "status": str(reason == "Bound"), "reason": reason}
        return document | {"status": {"conditions": [condition]}}

    for document in (
        *(claim("b"), claim("c"), claim("a")),
        *(claim("b", "nowhere"), claim("b", reason="Bound"), claim("b", reason="Revoked")),
    ):
        known.put_reference(document)
    assert list(references.refused(known)) == []
    known.put_credential(credential())
    assert list(references.refused(known)) == [("a",), ("a",)]
    known.drop_reference(Key("c", "notgranted-backups"), "uid-notgranted-backups")
    assert list(references.refused(known)) == [("a",)]


@pytest.mark.parametrize("seed", range(20))
def test_an_index_answers_as_a_plain_search_does(seed: int) -> None:
    rng = random.Random(seed)
    index = objects.Index()
    plain: dict[str, set[str]] = {}
    for _ in range(200):
        owner, names = rng.choice("abcd"), {rng.choice("uvwxyz") for _ in range(rng.randrange(3))}
        index.put(Key("n", owner), names)
        plain[owner] = names
        for name in "uvwxyz":
            expected = {Key("n", each) for each, named in plain.items() if name in named}
            assert set(index.owners(Key("n", name))) == expected
            assert not list(index.owners(Key("other", name)))


def held(name: str = "nightly", version: str = "5", **holder: str) -> dict[str, Any]:
    document = reference(name, version)
    document["spec"]["holder"] = {"apiVersion": "batch/v1", "kind": "Job", "name": "delete", **holder}
    return document


def test_a_change_of_a_holder_concerns_the_references_that_it_holds(known: inventory.Inventory) -> None:
    job = Object("Job", Key("a", "delete"))
    assert list(known.held_by(job)) == []
    assert list(known.holders("Job")) == []
    known.put_reference(held())
    known.put_reference(held("other", kind="Pod"))
    known.put_reference(reference("free"))
    assert list(known.held_by(job)) == [Key("a", "nightly")]
    assert list(known.holders("Job")) == [Key("a", "delete")]
    assert list(known.held_by(Object("Job", Key("b", "delete")))) == []
    known.drop_reference(Key("a", "nightly"), "uid-nightly")
    assert list(known.held_by(job)) == []


def test_an_object_without_a_namespace_has_a_key_too() -> None:
    assert inventory.key_of({"metadata": {"name": "store"}}) == Key("", "store")
    assert Key.of({"metadata": {"name": "store"}}) == Key("", "store")


# Borrowers


def borrowing(
    name: str = "nightly", version: str = "5", *, target: str = "", had: str = ""
) -> dict[str, Any]:
    document = reference(name, version)
    document["metadata"]["namespace"] = "b"
    document["spec"]["credentialRef"]["namespace"] = "a"
    if target:
        document["spec"]["target"] = {"name": target, "format": "env"}
    return document | {"status": {"target": {"name": had}} if had else {}}


def test_references_of_other_namespaces_are_found_by_what_they_name(known: inventory.Inventory) -> None:
    for document in (borrowing(), reference("own")):
        known.put_reference(document)
    backups = Key("a", "backups")
    assert known.references_to(backups) == [Key("a", "own"), Key("b", "nightly")]
    assert known.references_from("b") == [Key("b", "nightly")]
    assert known.references_from("a") == []

    assert known.drop_reference(Key("b", "nightly"), "uid-nightly") == backups
    assert known.drop_reference(Key("a", "own"), "uid-own") == backups
    assert known.references_to(backups) == []
    assert known.references_from("b") == []


def test_a_borrowed_target_concerns_its_reference_and_its_users_the_lender(
    known: inventory.Inventory,
) -> None:
    known.put_credential(credential())
    known.put_reference(borrowing(target="env", had="old"))
    lent = Object("CredentialReference", Key("b", "nightly"))
    for name in ("env", "old"):
        assert known.concerned(Key("b", name)) == [lent]
        assert known.needed_from(Key("b", name)) == [Object("Credential", Key("a", "backups"))]
    assert known.needed_from(Key("a", "keys")) == [Object("Credential", Key("a", "backups"))]
    known.put_secret(secret("env", labels={inventory.BORROWER: "nightly"}))
    assert Key("a", "env") in known.targets


def test_new_labels_of_a_namespace_concern_its_references_to_others(known: inventory.Inventory) -> None:
    known.put_reference(borrowing())
    assert known.put_namespace({"name": "b"}) == [Object("CredentialReference", Key("b", "nightly"))]
    assert known.put_namespace({"name": "b", "labels": {}}) == []
    assert known.put_namespace({"name": "b", "labels": {"x": "y"}}) == [
        Object("CredentialReference", Key("b", "nightly"))
    ]
    known.drop_namespace("b")
    assert known.namespaces == {}


def test_namespaces_that_come_go_or_are_being_deleted_concern_what_is_distributed(
    known: inventory.Inventory,
) -> None:
    shared = [Object("Distribution", Key("a", "backups"))]
    known.put_credential(credential(distribute={"advertise": True}))
    assert known.put_namespace({"name": "b"}) == shared
    assert known.put_namespace({"name": "b"}) == []
    assert known.put_namespace({"name": "b", "deletionTimestamp": "2026-11-22T00:00:00Z"}) == shared
    assert known.leaving == {"b"}
    assert known.drop_namespace("b") == shared
    assert known.leaving == set()
    known.put_credential(credential(version="6") | {"status": {"distribution": {"made": 1}}})
    assert known.distributions() == shared, "its status still speaks of it"
    known.put_credential(credential(version="7"))
    assert known.distributions() == []


def test_references_that_look_for_a_credential_are_known_by_where_they_look(
    known: inventory.Inventory,
) -> None:
    looking = reference("looking")
    looking["spec"] = {"credentialSelector": {"types": ["aws"], "namespace": "b"}}
    at_home = reference("at-home")
    at_home["spec"] = {"credentialSelector": {"types": ["aws"]}}
    for document in (looking, at_home):
        known.put_reference(document)
    assert (known.selecting_in("b"), known.selecting_in("a")) == (
        [Key("a", "looking")],
        [Key("a", "at-home")],
    )
    assert naming.selects_in(reference()) is None
    places = {name: known.place_of(Key("a", name)) for name in ("looking", "at-home", "unknown")}
    assert places == {"looking": "b", "at-home": "a", "unknown": "a"}

    found = reference("looking", version="6")
    found["spec"] = looking["spec"]
    found["status"] = {"credential": {"namespace": "b", "name": "backups", "uid": "u"}}
    known.put_reference(found)
    assert known.selecting_in("b") == []
    assert known.references_to(Key("b", "backups")) == [Key("a", "looking")]
    assert known.place_of(Key("a", "looking")) == "b"
    known.drop_reference(Key("a", "at-home"), "uid-at-home")
    assert known.selecting_in("a") == []


def test_the_credentials_of_a_namespace_are_found(known: inventory.Inventory) -> None:
    known.put_credential(credential())
    assert [seen.uid for seen in known.credentials_in("a")] == ["uid-backups"]
    assert list(known.credentials_in("b")) == []

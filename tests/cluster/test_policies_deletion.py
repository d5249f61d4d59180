"""When a Credential may be deleted, forced and released: what the chart's policies say to it."""

import json

import pytest

from cluster import policies, users
from cluster.policies import OPERATOR, REASON, TEAM, Policed
from cluster.users import FINALIZER, FORCE_DELETE, credential, patch

policed, unique = policies.policed, policies.unique


# Deletion


@pytest.mark.parametrize("name", ["alice", None], ids=["alice", "the administrator"])
def test_a_credential_in_use_is_not_deleted_and_the_refusal_names_the_references(
    policed: Policed, unique: str, name: str | None
) -> None:
    policed.used(unique, "team-a/hourly", "team-a/nightly", "team-b/mirror", more=2)

    refusal = policed.user(name).refused("delete", "credential", unique)

    assert refusal == users.Refusal(
        "delete-protection",
        "in use by CredentialReferences hourly, nightly, team-b/mirror and 2 more; release them first: "
        "kubectl delete credentialreference hourly nightly -n team-a; "
        "kubectl delete credentialreference mirror -n team-b",
    )


def test_one_reference_is_named_in_the_singular(policed: Policed, unique: str) -> None:
    policed.used(unique, "team-a/nightly")

    assert policed.user("alice").refused("delete", "credential", unique).message == (
        "in use by CredentialReference nightly; release them first: "
        "kubectl delete credentialreference nightly -n team-a"
    )


def test_references_without_names_are_counted(policed: Policed, unique: str) -> None:
    policed.used(unique, more=2)

    assert policed.user("alice").refused("delete", "credential", unique).message == (
        "in use by 2 CredentialReferences; release them first: kubectl get credentialreferences -n team-a"
    )


def test_the_longest_names_of_references_fit_into_the_refusal(policed: Policed, unique: str) -> None:
    references = [f"{'n' * 62}{number}/{'r' * 252}{number}" for number in range(10)]
    policed.used(unique, *references)

    message = policed.user("alice").refused("delete", "credential", unique).message

    assert references[4] in message
    assert "and 5 more" in message


def test_a_collection_of_credentials_is_not_deleted_while_one_is_in_use(
    policed: Policed, unique: str
) -> None:
    policed.used(unique, "team-a/nightly")
    path = f"/apis/{users.API_VERSION}/namespaces/{TEAM}/credentials?fieldSelector=metadata.name%3D{unique}"

    assert policed.user().refused("delete", "--raw", path).policy == "delete-protection"


def test_a_credential_that_is_not_in_use_is_deleted(policed: Policed, unique: str) -> None:
    policed.credential(unique)

    assert policed.deleted(unique)


def test_workloads_that_were_found_do_not_refuse(policed: Policed, unique: str) -> None:
    policed.credential(unique)
    items = [{"kind": "Deployment", "namespace": TEAM, "name": "api"}]
    status = {"references": {"count": 1, "declared": 0, "items": items}}
    policed.user().kubectl(*patch(unique, {"status": status}, "--subresource=status"))

    assert policed.deleted(unique)


def test_hold_accepts_the_deletion_and_the_finalizer_waits(policed: Policed, unique: str) -> None:
    policed.used(unique, "team-a/nightly", whenReferenced="Hold")

    assert policed.deleted(unique)


def test_what_is_already_being_deleted_can_be_deleted_again(policed: Policed, unique: str) -> None:
    policed.used(unique, "team-a/nightly", whenReferenced="Hold")
    assert policed.deleted(unique)
    policed.user().kubectl(*patch(unique, {"spec": {"whenReferenced": "Refuse"}}))

    assert policed.deleted(unique)


def test_a_namespace_can_be_deleted_while_references_are_declared(policed: Policed, unique: str) -> None:
    admin, owner = policed.user(), policed.user(namespace=unique)
    admin.kubectl("create", "namespace", unique)
    document = credential("backups", unique)
    document["metadata"]["finalizers"] = [FINALIZER]
    owner.create(document)
    owner.kubectl(
        *patch("backups", {"status": {"references": {"count": 1, "declared": 1}}}, "--subresource=status")
    )
    assert owner.refused("delete", "credential", "backups").policy == "delete-protection"

    admin.kubectl("delete", "namespace", unique, "--wait=false")
    users.until(
        lambda: "deletionTimestamp" in owner.get("backups")["metadata"], "the Credential is being deleted"
    )
    # What the operator does once no Pod of the namespace runs any more.
    policed.user(OPERATOR, unique).kubectl(*patch("backups", {"metadata": {"finalizers": None}}))

    users.until(
        lambda: not admin.kubectl("get", "namespace", unique, "--ignore-not-found"), "the namespace is gone"
    )


# Force


def test_force_delete_by_who_holds_the_verb_lets_a_credential_in_use_go(
    policed: Policed, unique: str
) -> None:
    policed.used(unique, "team-a/nightly")

    policed.user("adam").kubectl("annotate", "credential", unique, f"{FORCE_DELETE}={REASON}")

    assert policed.deleted(unique)


def test_force_delete_lands_in_the_audit_log_with_its_reason(policed: Policed, unique: str) -> None:
    policed.used(unique, "team-a/nightly")
    policed.user("adam").kubectl("annotate", "credential", unique, f"{FORCE_DELETE}={REASON}")
    assert policed.deleted(unique)

    assert audited(policed, unique, "patch", "force-delete/force-delete") == [("adam", REASON)]
    assert audited(policed, unique, "delete", "delete-protection/in-use") == [
        ("alice", f"CredentialReferences: 1; force-delete: {REASON}")
    ]


def test_force_delete_needs_the_verb(policed: Policed, unique: str) -> None:
    policed.used(unique, "team-a/nightly")
    alice = policed.user("alice")

    refusal = alice.refused("annotate", "credential", unique, f"{FORCE_DELETE}={REASON}")

    assert refusal.policy == "force-delete"
    assert "verb force-delete on credentials" in refusal.message
    assert alice.refused("delete", "credential", unique).policy == "delete-protection"


@pytest.mark.parametrize("reason", ["", "  "], ids=["empty", "blank"])
def test_force_delete_needs_a_reason(policed: Policed, unique: str, reason: str) -> None:
    policed.credential(unique)

    refusal = policed.user("adam").refused("annotate", "credential", unique, f"{FORCE_DELETE}={reason}")

    assert refusal.policy == "force-delete"
    assert "needs a reason" in refusal.message


def test_force_delete_is_refused_at_creation(policed: Policed) -> None:
    document = credential("unprotected", TEAM)
    document["metadata"]["annotations"] = {FORCE_DELETE: REASON}

    refusal = policed.user("adam").refused("create", "--filename=-", document=document)

    assert refusal.policy == "force-delete"
    assert "not for a new one" in refusal.message


def test_force_delete_is_taken_back_by_anybody_but_not_reworded(policed: Policed, unique: str) -> None:
    policed.credential(unique)
    policed.user("adam").kubectl("annotate", "credential", unique, f"{FORCE_DELETE}={REASON}")
    alice = policed.user("alice")

    alice.kubectl("annotate", "credential", unique, "unrelated=fine")
    refusal = alice.refused("annotate", "--overwrite", "credential", unique, f"{FORCE_DELETE}=another")
    alice.kubectl("annotate", "credential", unique, f"{FORCE_DELETE}-")

    assert refusal.policy == "force-delete"


# References


def test_who_let_go_of_what_is_in_the_audit_log(policed: Policed, unique: str) -> None:
    document = users.reference(unique, TEAM)
    document["spec"]["holder"] = {"apiVersion": "batch/v1", "kind": "Job", "name": "delete-snapshots"}
    policed.user().create(document)
    bound = {"namespace": "team-b", "name": "backups", "uid": "u"}
    change = json.dumps({"status": {"credential": bound, "expiresAt": "2026-11-22T12:00:00Z"}})
    status = ("--subresource=status", "--type=merge", f"--patch={change}")
    policed.user().kubectl("patch", "credentialreference", unique, *status)

    policed.user("alice").kubectl("delete", "credentialreference", unique)

    told = "Credential team-b/backups; holder: Job delete-snapshots; lease until: 2026-11-22T12:00:00Z"
    assert audited(policed, unique, "delete", "reference-audit/held") == [("alice", told)]


def test_a_reference_that_held_nothing_is_let_go_without_a_word(policed: Policed, unique: str) -> None:
    policed.user().create(users.reference(unique, TEAM))

    policed.user("alice").kubectl("delete", "credentialreference", unique)

    assert audited(policed, unique, "delete", "reference-audit/held") == []


def audited(policed: Policed, name: str, verb: str, annotation: str) -> list[tuple[str, str]]:
    """Return who did something to an object of that name, and what a policy wrote into the audit log for it."""
    key = f"credential-operator-{annotation}"
    return [
        (event["impersonatedUser"]["username"], event["annotations"][key])
        for event in policed.plane.audit_events()
        if event["verb"] == verb
        and event.get("objectRef", {}).get("name") == name
        and key in event.get("annotations", {})
    ]


# Release


def test_the_finalizer_comes_off_by_hand_for_who_holds_the_verb_release(
    policed: Policed, unique: str
) -> None:
    policed.credential(unique)
    assert policed.deleted(unique)
    take_off = patch(unique, {"metadata": {"finalizers": None}})

    refusal = policed.user("alice").refused(*take_off)
    policed.user("adam").kubectl(*take_off)

    assert refusal.policy == "release"
    assert "verb release on credentials" in refusal.message
    assert not policed.user().exists(unique)


def test_the_operator_takes_the_finalizer_off(policed: Policed, unique: str) -> None:
    policed.credential(unique)
    assert policed.deleted(unique)

    steps = [{"op": "test", "path": "/metadata/finalizers/0", "value": FINALIZER}]
    steps += [{"op": "remove", "path": "/metadata/finalizers/0"}]
    policed.user(OPERATOR).kubectl(
        "patch", "credential", unique, "--type=json", f"--patch={json.dumps(steps)}"
    )

    assert not policed.user().exists(unique)


def test_finalizers_of_others_come_and_go_freely(policed: Policed, unique: str) -> None:
    policed.credential(unique)
    alice = policed.user("alice")

    alice.kubectl(*patch(unique, {"metadata": {"finalizers": [FINALIZER, "example.com/theirs"]}}))
    alice.kubectl(*patch(unique, {"metadata": {"finalizers": [FINALIZER]}}))


def test_applying_a_manifest_again_leaves_the_finalizer_on(policed: Policed, unique: str) -> None:
    admin, document = policed.user(), credential(unique, TEAM)
    apply = ("apply", "--server-side", "--filename=-")
    admin.kubectl(*apply, document=document)
    if not policed.finalizer:
        add = patch(unique, {"metadata": {"finalizers": [FINALIZER]}})
        policed.user(OPERATOR).kubectl(*add)

    admin.kubectl(*apply, document=document)
    assert policed.deleted(unique)
    admin.kubectl(*apply, document=document)

    assert admin.get(unique)["metadata"]["finalizers"] == [FINALIZER]


def test_the_finalizer_is_there_from_the_first_moment_and_comes_back(policed: Policed, unique: str) -> None:
    by_policy = [FINALIZER] if policed.finalizer else []
    alice = policed.user("alice")

    alice.create(credential(unique, TEAM))
    assert alice.get(unique)["metadata"].get("finalizers", []) == by_policy

    alice.kubectl(*patch(unique, {"metadata": {"finalizers": ["example.com/theirs"]}}))
    assert alice.get(unique)["metadata"]["finalizers"] == ["example.com/theirs", *by_policy]

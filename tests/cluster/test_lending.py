"""Claims from other namespaces: granted by the owner, served with a target of their own, revoked live."""

import base64
from typing import Any

import pytest

from cluster import space as spaces
from cluster import workloads
from cluster.sites import Site
from cluster.space import Space

ENV = "borrowed-env"
REFERENCE = "credential-operator.io/reference"


@pytest.fixture
def borrower(site: Site, space: Space) -> Space:
    """Another team's namespace."""
    return site.space(f"{space.name}-b")


def _claim(borrower: Space, owner: Space, *, target: spaces.Json | None = None, **spec: Any) -> spaces.Json:
    claim = borrower.reference()
    claim["spec"]["credentialRef"]["namespace"] = owner.name
    claim["spec"] |= {"target": target or {"name": ENV, "format": "env"}, **spec}
    return claim


def _bound(borrower: Space, value: str) -> spaces.Json:
    return borrower.becomes("nightly", "credentialreference", Bound=value)


def _shared(space: Space, borrower: Space, **granted: Any) -> tuple[str, str]:
    """Publish a Credential that is shared with the borrower, who claims it; returns its key."""
    key = space.published(allowedNamespaces={"names": [borrower.name], **granted})
    borrower.apply(_claim(borrower, space))
    borrower.becomes("nightly", "credentialreference", Bound="True Bound", Synced="True Published")
    return key


def test_a_claim_of_another_namespace_gets_a_secret_of_its_own(space: Space, borrower: Space) -> None:
    key = _shared(space, borrower)

    assert borrower.key_in(ENV) == key
    found = borrower.get("secret", ENV)
    claim = borrower.get("credentialreference", "nightly")
    assert found["metadata"]["labels"][REFERENCE] == "nightly"
    assert [one["uid"] for one in found["metadata"]["ownerReferences"]] == [claim["metadata"]["uid"]]
    assert claim["status"]["credential"]["namespace"] == space.name
    borrower.becomes("nightly", "credentialreference", Ready="True Available")
    status = space.get("credential", "backups")["status"]["references"]
    assert status["items"] == [{"kind": "CredentialReference", "namespace": borrower.name, "name": "nightly"}]

    borrower.kubectl("delete", "credentialreference", "nightly")
    borrower.until(borrower.gone("secret", ENV), "its target goes with it")


def test_what_is_not_granted_learns_nothing_and_holds_nothing(
    space: Space, borrower: Space, site: Site
) -> None:
    space.published()
    missing = _claim(borrower, space)
    missing["metadata"]["name"] = "missing"
    missing["spec"]["credentialRef"]["name"] = "missing"
    missing["spec"]["target"]["name"] = "missing"
    borrower.apply(_claim(borrower, space), missing)

    refused = _bound(borrower, "False NotGranted")
    absent = borrower.becomes("missing", "credentialreference", Bound="False NotGranted")
    told = [{**one, "lastTransitionTime": ""} for one in refused["status"]["conditions"]]
    assert str(told).replace("backups", "missing") == str(
        [{**one, "lastTransitionTime": ""} for one in absent["status"]["conditions"]]
    )
    assert refused["status"].keys() == absent["status"].keys()
    assert borrower.find("secret", ENV) is None
    assert space.get("credential", "backups")["status"]["references"]["count"] == 0
    assert site.operator.metric("credential_operator_references_refused", namespace=space.name) == 1
    space.kubectl("delete", "credential", "backups", "--timeout=120s")


def test_grants_come_and_go_with_labels_and_the_target_stays_for_a_while(
    space: Space, borrower: Space, site: Site
) -> None:
    granted = {"selector": {"matchLabels": {"backups": "true"}}, "revocationGracePeriod": "1h"}
    key = space.published(allowedNamespaces=granted)
    borrower.apply(_claim(borrower, space))
    _bound(borrower, "False NotGranted")

    site.plane.kubectl("label", "namespace", borrower.name, "backups=true")
    _bound(borrower, "True Bound")
    borrower.until(lambda: borrower.key_in(ENV) == key, "its target is there")

    site.plane.kubectl("label", "namespace", borrower.name, "backups-")
    revoked = _bound(borrower, "False Revoked")
    assert "credential" not in revoked["status"]
    new = space.new_key()
    space.apply(space.source(new))
    space.until(lambda: space.key_in() == new, "the owner's target has the new key")
    assert borrower.key_in(ENV) == key, "a revoked target is left alone"
    space.patch("credential", "backups", {"spec": {"allowedNamespaces": {"revocationGracePeriod": "1s"}}})
    borrower.until(borrower.gone("secret", ENV), "it goes after the grace period")
    borrower.until(
        lambda: "target" not in borrower.get("credentialreference", "nightly")["status"],
        "it is said to be gone",
    )
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"]["count"] == 0, "it counts no more"
    )

    site.plane.kubectl("label", "namespace", borrower.name, "backups=true")
    _bound(borrower, "True Bound")
    borrower.until(lambda: borrower.key_in(ENV) == new, "granted again, it has the key of now")


def test_a_grant_that_is_taken_off_the_credential_is_revoked(space: Space, borrower: Space) -> None:
    _shared(space, borrower, revocationGracePeriod="0s")
    space.patch("credential", "backups", {"spec": {"allowedNamespaces": {"names": ["somebody-else"]}}})
    _bound(borrower, "False Revoked")
    borrower.until(borrower.gone("secret", ENV), "its target is gone")


def test_a_grant_that_is_taken_back_after_the_lease_has_ended_takes_the_target_too(
    space: Space, borrower: Space
) -> None:
    granted = {"names": [borrower.name], "revocationGracePeriod": "0s"}
    space.published(allowedNamespaces=granted)
    borrower.apply(_claim(borrower, space, leaseDurationSeconds=10))
    borrower.until(lambda: borrower.key_in(ENV), "its target is there")
    borrower.becomes("nightly", "credentialreference", Bound="False Expired", seconds=120)
    assert borrower.key_in(ENV), "who is granted keeps the target"

    space.patch("credential", "backups", {"spec": {"allowedNamespaces": {"names": ["somebody-else"]}}})
    borrower.until(borrower.gone("secret", ENV), "its target is gone")
    borrower.becomes("nightly", "credentialreference", Bound="False Expired")


def test_a_borrowed_target_follows_the_key_and_keeps_the_last_good_one(space: Space, borrower: Space) -> None:
    _shared(space, borrower)
    new = space.new_key()
    space.apply(space.source(new))
    borrower.until(lambda: borrower.key_in(ENV) == new, "it follows", seconds=spaces.SECONDS)

    space.apply(space.source((new[0], "wrong" * 8)))
    space.until(
        lambda: "HeldBack" in spaces.conditions(space.get("credential", "backups"))["Synced"],
        "held back",
        seconds=120,
    )
    borrower.becomes("nightly", "credentialreference", Synced="False HeldBack", Ready="True HeldBack")
    assert borrower.key_in(ENV) == new


def test_a_key_that_was_never_accepted_is_never_lent(space: Space, borrower: Space) -> None:
    space.new_user()
    key = space.new_key()
    space.apply(
        space.source((key[0], "wrong" * 8)),
        space.credential(allowedNamespaces={"all": True}),
    )
    borrower.apply(_claim(borrower, space))
    _bound(borrower, "True Bound")
    space.becomes(Ready="False Rejected", seconds=120)
    borrower.becomes("nightly", "credentialreference", Synced="False Rejected", Ready="False Rejected")
    assert borrower.find("secret", ENV) is None

    space.apply(space.source(key))
    borrower.becomes("nightly", "credentialreference", Synced="True Published", Ready="True Available")


def test_the_owner_says_in_which_form_others_get_it(space: Space, borrower: Space) -> None:
    space.published(allowedNamespaces={"all": True, "as": {"formats": ["aws-credentials-file"]}})
    borrower.apply(_claim(borrower, space))
    found = borrower.becomes("nightly", "credentialreference", Bound="True Bound", Synced="False NotGranted")
    assert "aws-credentials-file" in spaces.message(found, "Synced")
    assert borrower.find("secret", ENV) is None

    other = {"name": ENV, "format": "aws-credentials-file"}
    borrower.patch("credentialreference", "nightly", {"spec": {"target": other}})
    borrower.becomes("nightly", "credentialreference", Synced="True Published")


def test_a_format_that_cannot_serve_the_type_says_so(space: Space, borrower: Space) -> None:
    space.published(allowedNamespaces={"all": True})
    borrower.apply(_claim(borrower, space, target={"name": ENV, "format": "google-key-file"}))
    found = borrower.becomes("nightly", "credentialreference", Synced="False Misconfigured")
    assert "write aws-credentials-file or " in spaces.message(found, "Synced")


def test_a_borrowed_target_that_somebody_changes_or_deletes_comes_back(space: Space, borrower: Space) -> None:
    key = _shared(space, borrower)
    wrong = base64.b64encode(b"wrong").decode()
    borrower.patch("secret", ENV, {"data": {"AWS_SECRET_ACCESS_KEY": wrong}})
    borrower.until(lambda: borrower.key_in(ENV) == key, "it is repaired")
    borrower.kubectl("delete", "secret", ENV)
    borrower.until(lambda: borrower.key_in(ENV) == key, "it is there again")


def test_a_secret_of_somebody_else_is_left_alone(space: Space, borrower: Space) -> None:
    borrower.apply(borrower.secret(ENV, {"mine": "data"}))
    space.published(allowedNamespaces={"all": True})
    borrower.apply(_claim(borrower, space))
    borrower.becomes(
        "nightly", "credentialreference", Synced="False TargetConflict", Ready="False TargetConflict"
    )
    assert borrower.data(ENV) == {"mine": "data"}

    borrower.patch(
        "credentialreference", "nightly", {"spec": {"target": {"name": "another-env", "format": "env"}}}
    )
    borrower.becomes("nightly", "credentialreference", Synced="True Published")
    borrower.patch("credentialreference", "nightly", {"spec": {"target": None}})
    borrower.until(borrower.gone("secret", "another-env"), "what is not asked for any more goes")
    assert borrower.data(ENV) == {"mine": "data"}


def test_users_of_a_borrowed_target_count_for_the_owner(space: Space, borrower: Space) -> None:
    _shared(space, borrower)
    borrower.apply(workloads.deployment("api", ENV, replicas=0))
    wanted = [
        {"kind": "CredentialReference", "namespace": borrower.name, "name": "nightly"},
        {"kind": "Deployment", "namespace": borrower.name, "name": "api"},
    ]
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"].get("items") == wanted,
        "both are counted",
        seconds=spaces.SOON,
    )


@pytest.mark.needs_policies("validation")
def test_a_deletion_is_refused_for_the_sake_of_others_and_says_what_to_do(
    space: Space, borrower: Space
) -> None:
    _shared(space, borrower)
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"]["count"] == 1, "it is counted"
    )
    refused = space.run("delete", "credential", "backups", check=False)
    assert f"kubectl delete credentialreference nightly -n {borrower.name}" in refused.stderr

    borrower.kubectl("delete", "credentialreference", "nightly")
    space.delete_when_free()


def test_the_owners_namespace_can_go_and_borrowers_keep_the_last_good_copy(
    space: Space, borrower: Space
) -> None:
    key = _shared(space, borrower)
    space.cluster.kubectl("delete", "namespace", space.name, "--timeout=120s")
    _bound(borrower, "False NotGranted")
    assert borrower.key_in(ENV) == key
    borrower.cluster.kubectl("delete", "namespace", borrower.name, "--timeout=120s")


def test_a_claim_beside_its_credential_can_have_a_target_in_another_form(space: Space) -> None:
    space.published()
    claim = space.reference()
    claim["spec"]["target"] = {"name": "file", "format": "aws-credentials-file"}
    space.apply(claim)
    space.becomes("nightly", "credentialreference", Synced="True Published")
    assert "[default]" in space.data("file")["credentials"]


# Selection


def _labelled(space: Space, name: str, **fields: Any) -> spaces.Json:
    document = space.credential(name, secretRef={"name": "keys"}, **fields)
    document["metadata"]["labels"] = {"tier": "backup"}
    return document


def test_a_selector_binds_the_one_that_matches_and_stays_with_it(space: Space, borrower: Space) -> None:
    claim = space.reference()
    claim["spec"] = {"credentialSelector": {"types": ["aws"], "matchLabels": {"tier": "backup"}}}
    space.apply(claim)
    borrower.apply(borrower.credential("planted"))
    borrower.kubectl("label", "credential", "planted", "tier=backup")
    space.becomes("nightly", "credentialreference", Bound="False NotGranted")

    space.new_user()
    space.apply(space.source(space.new_key()), _labelled(space, "one"))
    found = space.becomes("nightly", "credentialreference", Bound="True Bound", Ready="True Available")
    assert found["status"]["credential"]["name"] == "one"

    space.apply(_labelled(space, "two"))
    space.becomes("two", Ready="True Available")
    assert space.get("credentialreference", "nightly")["status"]["credential"]["name"] == "one"
    another = space.reference("another")
    another["spec"] = claim["spec"]
    space.apply(another)
    refused = space.becomes("another", "credentialreference", Bound="False Ambiguous")
    assert "one, two" in spaces.message(refused, "Bound")
    space.kubectl("label", "credential", "two", "tier-")
    space.becomes("another", "credentialreference", Bound="True Bound")


def test_a_selector_in_another_namespace_finds_only_what_is_granted(space: Space, borrower: Space) -> None:
    space.new_user()
    granted = {"names": [borrower.name]}
    space.apply(
        space.source(space.new_key()),
        _labelled(space, "open", allowedNamespaces=granted),
        _labelled(space, "closed"),
    )
    claim = borrower.reference()
    claim["spec"] = {
        "credentialSelector": {"matchLabels": {"tier": "backup"}, "namespace": space.name},
        "target": {"name": ENV, "format": "env"},
    }
    borrower.apply(claim)
    found = borrower.becomes("nightly", "credentialreference", Bound="True Bound", Synced="True Published")
    assert found["status"]["credential"]["name"] == "open"

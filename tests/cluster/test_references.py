"""References: who declares to need a Credential is counted, named, and waited for."""

import datetime
import json
import re

import pytest

from cluster import space as spaces
from cluster.sites import Site
from cluster.space import FINALIZER, Space
from emulators.aws import AwsEmulator


def _held(space: Space, *references: str) -> None:
    """Publish a Credential, refer to it, and delete it: it waits."""
    space.published(whenReferenced="Hold")
    space.apply(*(space.reference(name) for name in references))
    for name in references:
        space.becomes(name, "credentialreference", Bound="True Bound")
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.becomes(DeletionBlocked="True InUse")


def _counted(space: Space, name: str = "backups") -> int:
    return int(space.get("credential", name)["status"]["references"]["count"])


def test_references_are_counted_and_named_in_the_status(space: Space) -> None:
    space.published()

    space.apply(space.reference("nightly"), space.reference("hourly"))
    space.until(lambda: _counted(space) == 2, "both are counted")

    status = space.get("credential", "backups")["status"]
    assert status["references"] == {
        "count": 2,
        "declared": 2,
        "found": 0,
        "items": [
            {"kind": "CredentialReference", "namespace": space.name, "name": name}
            for name in ("hourly", "nightly")
        ],
    }
    assert space.kubectl("get", "credential", "backups").splitlines()[1].split()[5] == "2"

    space.kubectl("delete", "credentialreference", "nightly")
    space.until(lambda: _counted(space) == 1, "one is counted")


def test_a_reference_tells_whether_its_credential_can_be_used(space: Space) -> None:
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="False NotGranted", Ready="False NotGranted")

    space.published()
    found = space.becomes("nightly", "credentialreference", Bound="True Bound", Ready="True Available")

    uid = space.get("credential", "backups")["metadata"]["uid"]
    assert found["status"]["credential"] == {"namespace": space.name, "name": "backups", "uid": uid}

    space.kubectl("delete", "secret", "keys")
    space.becomes("nightly", "credentialreference", Bound="True Bound", Ready="True HeldBack")


@pytest.mark.needs_policies("validation")
def test_the_deletion_of_a_credential_in_use_is_refused_and_names_who_uses_it(space: Space) -> None:
    space.published()
    space.apply(space.reference("nightly"), space.reference("hourly"))
    space.until(lambda: _counted(space) == 2, "both are counted")

    refused = space.run("delete", "credential", "backups", check=False)
    assert refused.returncode == 1
    assert f"kubectl delete credentialreference hourly nightly -n {space.name}" in refused.stderr

    # What the message says to do is all there is to do.
    space.kubectl("delete", "credentialreference", "hourly", "nightly")
    space.delete_when_free()


def test_a_held_deletion_goes_through_the_moment_the_last_reference_ends(space: Space) -> None:
    _held(space, "nightly", "hourly")
    found = space.get("credential", "backups")
    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert "CredentialReference hourly, CredentialReference nightly" in spaces.message(
        found, "DeletionBlocked"
    )
    space.until(lambda: ("Warning", "InUse") in space.events(), "people are told")

    space.kubectl("delete", "credentialreference", "nightly")
    space.until(lambda: _counted(space) == 1, "one is left")
    assert "nightly" not in spaces.message(space.get("credential", "backups"), "DeletionBlocked")
    space.until(lambda: _cleared(space) == ["CredentialReference nightly"], "it is said that one was deleted")

    space.kubectl("delete", "credentialreference", "hourly")
    space.until(space.gone("credential", "backups"), "the Credential is gone", seconds=spaces.SOON)
    assert space.find("secret", "backups-env") is None
    assert _cleared(space) == ["CredentialReference nightly", "CredentialReference hourly"]


def _cleared(space: Space) -> list[str]:
    """Return the references that events name as deleted, in order."""
    found = json.loads(space.kubectl("get", "events", "--output=json"))["items"]
    found.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
    told = [event["message"] for event in found if event["reason"] == "ReferenceDeleted"]
    return [name for message in told for name in re.findall(r"CredentialReference \w+", message)]


def test_a_reference_that_is_released_while_nobody_deletes_is_worth_no_event(space: Space) -> None:
    space.published()
    space.apply(space.reference())
    space.until(lambda: _counted(space) == 1, "it is counted")

    space.kubectl("delete", "credentialreference", "nightly")
    space.until(lambda: _counted(space) == 0, "it is counted no more")

    assert _cleared(space) == []


def test_a_held_credential_is_validated_repaired_and_rotated_as_ever(space: Space, aws: AwsEmulator) -> None:
    _held(space, "nightly")

    key = space.new_key()
    space.apply(space.source(key))
    space.until(lambda: space.key_in() == key, "the new key is published")
    space.kubectl("delete", "secret", "backups-env")
    space.until(lambda: space.key_in() == key, "the target is there again")
    aws.reset_calls()
    space.kubectl("annotate", "credential", "backups", "credential-operator.io/reconcile-at=now")
    space.until(lambda: key[0] in {call.access_key_id for call in aws.calls}, "the key is checked")

    space.becomes(Ready="True Available", Synced="True Published", DeletionBlocked="True InUse")


def test_who_comes_after_the_deletion_neither_holds_nor_is_served(space: Space) -> None:
    _held(space, "nightly")
    # Times of the API have no fractions: what comes in the same second counts as having come before.
    deletion = space.get("credential", "backups")["metadata"]["deletionTimestamp"]
    for number in range(100):
        space.apply(space.reference(f"late-{number}"))
        created = space.get("credentialreference", f"late-{number}")["metadata"]["creationTimestamp"]
        if created > deletion:
            break
    late = f"late-{number}"
    space.becomes(late, "credentialreference", Bound="False CredentialTerminating")

    space.kubectl("delete", "credentialreference", "nightly", *(f"late-{n}" for n in range(number)))
    space.until(space.gone("credential", "backups"), "the Credential is gone", seconds=spaces.SOON)
    space.becomes(late, "credentialreference", Bound="False NotGranted")


def test_a_reference_that_is_itself_waiting_to_go_still_counts(space: Space) -> None:
    space.published(whenReferenced="Hold")
    reference = space.reference()
    reference["metadata"]["finalizers"] = ["example.com/cleaning-up"]
    space.apply(reference)
    space.becomes("nightly", "credentialreference", Bound="True Bound")

    space.kubectl("delete", "credentialreference", "nightly", "--wait=false")
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.becomes(DeletionBlocked="True InUse")
    assert space.key_in() is not None

    space.patch("credentialreference", "nightly", {"metadata": {"finalizers": None}})
    space.until(space.gone("credential", "backups"), "the Credential is gone", seconds=spaces.SOON)


def test_a_held_credential_keeps_its_target_whatever_way_of_deletion_was_asked_for(
    space: Space, site: Site
) -> None:
    key = space.published(whenReferenced="Hold")
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")

    space.kubectl("delete", "credential", "backups", "--cascade=foreground", "--wait=false")
    space.becomes(DeletionBlocked="True InUse")
    writes = site.settled(space.name)
    for _ in range(5):
        space.until(lambda: space.key_in() == key, "its target is there")
    # The garbage collector may take the target once more, at its leisure: Secret, status and event repair that.
    assert len(site.writes(space.name)) <= writes + 1 + 3

    # Then the API server's own garbage collector has the word, in its time.
    space.kubectl("delete", "credentialreference", "nightly")
    space.until(lambda: FINALIZER not in _finalizers(space), "the operator has let go", seconds=spaces.SOON)
    assert space.find("secret", "backups-env") is None


def _finalizers(space: Space) -> list[str]:
    found = space.find("credential", "backups")
    return [] if found is None else list(found["metadata"]["finalizers"])


def test_a_source_that_goes_away_changes_nothing_that_was_published(space: Space) -> None:
    key = space.published()
    space.apply(space.reference())

    space.kubectl("delete", "secret", "keys")
    space.becomes(
        Ready="True HeldBack",
        Validated="False SourceNotFound",
        Synced="False SourceNotFound",
        Stalled="True SourceNotFound",
    )
    assert space.key_in() == key

    space.apply(space.source(key))
    space.becomes(Ready="True Available", Stalled=None)


# Leases


def _leased(space: Space, name: str = "nightly", **lease: object) -> spaces.Json:
    document = space.reference(name)
    document["spec"] |= {"leaseDurationSeconds": 10, **lease}
    return document


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_lease_that_is_not_renewed_lets_the_deletion_go_through(space: Space) -> None:
    space.published(whenReferenced="Hold")
    space.apply(_leased(space))
    found = space.becomes("nightly", "credentialreference", Bound="True Bound")
    assert found["status"]["expiresAt"] > found["metadata"]["creationTimestamp"]
    space.until(lambda: _counted(space) == 1, "it is counted")
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.becomes(DeletionBlocked="True InUse")

    space.until(space.gone("credential", "backups"), "the lease has ended", seconds=120)
    found = space.becomes("nightly", "credentialreference", Bound="False Expired", Ready="False Expired")
    assert "credential" not in found["status"]
    events = json.loads(space.kubectl("get", "events", "--output=json"))["items"]
    assert ("CredentialReference", "Expired") in {
        (event["involvedObject"]["kind"], event["reason"]) for event in events
    }


def test_a_lease_that_is_renewed_counts_on_whatever_its_holders_clock_says(space: Space) -> None:
    space.published()
    space.apply(_leased(space), _leased(space, "ahead", renewTime="2037-01-01T00:00:00Z"))
    first = space.becomes("nightly", "credentialreference", Bound="True Bound")["status"]["expiresAt"]
    assert space.becomes("ahead", "credentialreference", Bound="True Bound")["status"]["expiresAt"] < "2037"

    renewed = {"renewTime": _now(), "leaseDurationSeconds": 60}
    space.patch("credentialreference", "nightly", {"spec": renewed})
    space.until(
        lambda: space.get("credentialreference", "nightly")["status"]["expiresAt"] > first, "it is renewed"
    )
    space.becomes("ahead", "credentialreference", Bound="False Expired", seconds=120)
    space.until(lambda: _counted(space) == 1, "only the renewed one is counted")
    space.patch("credentialreference", "ahead", {"spec": {"renewTime": "2038-01-01T00:00:00Z"}})
    space.becomes("ahead", "credentialreference", Bound="True Bound")


def test_an_ended_reference_is_removed_where_it_asks_for_it(space: Space) -> None:
    space.apply(_leased(space, ttlSecondsAfterFinished=1), _leased(space, "kept"))
    space.becomes("nightly", "credentialreference", Bound="False NotGranted")
    space.until(space.gone("credentialreference", "nightly"), "it is removed", seconds=120)
    space.becomes("kept", "credentialreference", Bound="False Expired")


def test_a_cordon_lets_no_new_reference_in_and_keeps_the_old_ones(space: Space) -> None:
    space.published()
    space.apply(space.reference("old"))
    space.becomes("old", "credentialreference", Bound="True Bound")
    space.patch("credential", "backups", {"spec": {"acceptReferences": False}})
    space.apply(space.reference("new"))
    space.becomes("new", "credentialreference", Bound="False NotAccepting", Ready="False NotAccepting")
    space.becomes("old", "credentialreference", Bound="True Bound")
    assert _counted(space) == 1

    space.patch("credential", "backups", {"spec": {"acceptReferences": True}})
    space.becomes("new", "credentialreference", Bound="True Bound")
    space.until(lambda: _counted(space) == 2, "both are counted")

"""What others do between two steps of the operator: nothing of it is missed, and nothing goes wrong by it."""

import datetime
import re
from collections.abc import Iterator

import pytest

from cluster import sites
from cluster import space as spaces
from cluster.sites import Site
from cluster.space import FINALIZER, Space
from controlplane.faults import FAILED

CREDENTIALS = "/credentials$"
CLAIMS = "/credentialreferences$"


@pytest.fixture(autouse=True)
def _mended(site: Site) -> Iterator[None]:
    """Leave the installation whole."""
    yield
    site.proxy.lift()
    site.proxy.release_watches()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_a_credential_deleted_just_before_its_status_is_written_goes(space: Space, site: Site) -> None:
    space.published()
    place = f"/{space.name}/credentials/backups/status$"
    late = site.proxy.delay(2, method="PATCH", path=place, times=1)
    written = site.proxy.count("PATCH", place)
    space.kubectl("annotate", "credential", "backups", "credential-operator.io/reconcile-at=now")
    space.until(lambda: late.hits, "its status is about to be written")

    site.proxy.hold_watches(CREDENTIALS)
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.until(lambda: site.proxy.count("PATCH", place) > written, "the status is written")
    site.proxy.release_watches()

    space.until(space.gone("credential", "backups"), "the Credential is gone")


def test_a_reference_changed_just_before_its_status_is_written_is_looked_at_again(
    space: Space, site: Site
) -> None:
    late = site.proxy.delay(2, method="PATCH", path=f"/{space.name}/credentialreferences/", times=1)
    space.apply(space.reference())
    space.until(lambda: late.hits, "its status is about to be written")

    site.proxy.hold_watches(CLAIMS)
    leased = {"leaseDurationSeconds": 3600, "renewTime": _now()}
    space.patch("credentialreference", "nightly", {"spec": leased})
    space.until(lambda: space.get("credentialreference", "nightly").get("status"), "the status is written")
    site.proxy.release_watches()

    found = space.becomes("nightly", "credentialreference", Bound="False NotGranted")
    assert "expiresAt" in found["status"]


def test_what_is_found_out_of_a_reference_is_told_to_no_other_of_its_name(space: Space, site: Site) -> None:
    place = f"/{space.name}/credentialreferences/nightly/status$"
    late = site.proxy.delay(2, method="PATCH", path=place, times=1)
    space.apply(space.reference())
    space.until(lambda: late.hits, "its status is about to be written")

    site.proxy.hold_watches(CLAIMS)
    space.kubectl("delete", "credentialreference", "nightly")
    space.apply(space.reference("nightly", "another"))
    space.until(lambda: _refused(site, space, place), "the operator has tried")
    assert "conditions" not in space.get("credentialreference", "nightly")["status"]

    site.proxy.release_watches()
    found = space.becomes("nightly", "credentialreference", Bound="False NotGranted")
    assert "another" in spaces.message(found, "Bound")


def _refused(site: Site, space: Space, place: str) -> bool:
    """Tell whether a write of the operator was refused."""
    return any(re.search(place, seen.path) and seen.status >= FAILED for seen in site.writes(space.name))


def test_a_release_of_a_credential_lets_no_other_of_its_name_go(space: Space, site: Site) -> None:
    space.published(whenReferenced="Hold")
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.becomes(DeletionBlocked="True InUse")

    site.proxy.hold_watches(CREDENTIALS)
    space.kubectl("delete", "credentialreference", "nightly")
    space.until(space.gone("credential", "backups"), "the first is gone")
    space.apply(space.credential(whenReferenced="Hold"))
    second = space.get("credential", "backups")["metadata"]
    _past(second["creationTimestamp"])
    site.proxy.forget()
    space.apply(space.reference("hourly"))
    created = space.get("credentialreference", "hourly")["metadata"]["creationTimestamp"]
    _past(created)
    space.kubectl("delete", "credential", "backups", "--wait=false")
    # The first still stands in what the operator knows, and the new reference has it looked at.
    space.patch("credentialreference", "hourly", {"metadata": {"labels": {"seen": "true"}}})
    place = f"/{space.name}/credentials/backups$"
    space.until(lambda: _refused(site, space, place), "the operator has tried to release what it knows")
    assert FINALIZER in space.get("credential", "backups")["metadata"]["finalizers"]

    site.proxy.release_watches()
    space.becomes(DeletionBlocked="True InUse")
    assert space.get("credential", "backups")["metadata"]["uid"] == second["uid"]


def _past(moment: str) -> None:
    """Wait until a second of the API's clock, which has no fractions, is over."""
    sites.wait(lambda: _now() > moment[:-1] + ".999", "the second is over")


def test_references_that_came_while_no_operator_ran_are_looked_at(space: Space, site: Site) -> None:
    site.operator.stop()
    space.apply(space.reference("early", "nowhere"))
    # The operator lists them itself before the watch does.
    site.proxy.delay(1, path=CLAIMS, watch=True)

    site.operator.start()

    space.becomes("early", "credentialreference", Bound="False NotGranted")


def test_a_reference_to_a_credential_that_no_watch_has_brought_yet_is_bound(space: Space, site: Site) -> None:
    site.proxy.hold_watches(CREDENTIALS)
    space.apply(space.source(("AKIAIOSFODNN7EXAMPLE", "x" * 40)), space.credential())

    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")

    uid = space.get("credential", "backups")["metadata"]["uid"]
    assert space.get("credentialreference", "nightly")["status"]["credential"]["uid"] == uid
    space.until(lambda: space.get("credential", "backups")["status"].get("conditions"), "it is looked at too")


def _counted(space: Space, name: str) -> int:
    return int(space.get("credential", name)["status"].get("references", {}).get("count", 0))


def test_a_lease_that_ends_before_its_reference_is_bound_is_counted_no_more(space: Space, site: Site) -> None:
    space.published()
    refused = site.proxy.fail(500, method="PATCH", path=f"/{space.name}/credentialreferences/")
    document = space.reference()
    document["spec"] |= {"leaseDurationSeconds": 10}
    space.apply(document)
    space.until(lambda: _counted(space, "backups") == 1, "it is counted")

    created = space.get("credentialreference", "nightly")["metadata"]["creationTimestamp"]
    end = datetime.datetime.fromisoformat(created) + datetime.timedelta(seconds=11)
    _past(end.strftime("%Y-%m-%dT%H:%M:%SZ"))
    site.proxy.lift(refused)

    space.becomes("nightly", "credentialreference", Bound="False Expired", seconds=120)
    space.until(lambda: _counted(space, "backups") == 0, "it is counted no more")


def test_a_reference_renewed_while_its_credential_is_being_released_is_not_told_to_hold_it(
    space: Space, site: Site
) -> None:
    space.published(whenReferenced="Hold")
    document = space.reference()
    long_ago = "2026-01-01T00:00:00Z"
    document["spec"] |= {"leaseDurationSeconds": 3600, "renewTime": long_ago}
    space.apply(document)
    space.becomes("nightly", "credentialreference", Bound="False Expired")
    late = site.proxy.delay(3, method="DELETE", path=f"/{space.name}/secrets/", times=1)
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.until(lambda: late.hits, "it is decided that the Credential goes")

    space.patch("credentialreference", "nightly", {"spec": {"renewTime": _now()}})
    said: list[str] = []

    def gone() -> bool:
        found = spaces.conditions(space.get("credentialreference", "nightly"))["Bound"]
        if space.find("credential", "backups") is None:
            return True
        said.append(found)
        return False

    space.until(gone, "the Credential is gone")
    assert set(said) == {"False Expired"}
    space.becomes("nightly", "credentialreference", Bound="False NotGranted")

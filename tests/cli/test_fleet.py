"""Reports of several clusters, joined: where a key is, where it drains, who rejects it."""

import datetime
from typing import Any

from cli import world
from credential_operator.api import reports
from credential_operator.cli import fleet

OLD, NEW = "AKIAOLDOLDOLDOLDOLDO", "AKIANEWNEWNEWNEWNEWN"


def entry(name: str = "backups", key: str = NEW, **more: Any) -> reports.Entry:
    """Return a Credential."""
    known = {
        "namespace": "team-a",
        "name": name,
        "uid": f"uid-of-{name}",
        "type": "s3",
        "verdict": "Valid",
        "reason": "Accepted",
        "ready": "True",
        "ready_reason": "Available",
        "interval": "1h",
        "source": "Secret keys",
    }
    return reports.Entry(**{**known, "key_id": key, **more})


def report(name: str, *found: reports.Entry, uid: str = "", minutes: int = 0, **scope: str) -> reports.Report:
    """Return the report of a cluster."""
    return reports.Report(
        generated_at=world.NOW + datetime.timedelta(minutes=minutes),
        cluster=reports.Cluster(name=name, uid=uid),
        scope=reports.Scope(**scope),
        summary=(),
        credentials=found,
    )


def where(places: tuple[reports.Place, ...]) -> list[str]:
    return [f"{one.cluster}/{one.name}" for one in places]


def test_a_key_is_told_with_where_it_is_drains_and_is_rejected() -> None:
    draining = reports.Rotation(previous_key_id=OLD, drained=False)
    held = {"verdict": "Invalid", "reason": "Rejected", "ready_reason": "HeldBack"}

    found = fleet.fleet(
        [
            report(
                "us-1", entry(key=OLD, message=f"s3.example.com refused key {NEW}: write a good one.", **held)
            ),
            report("eu-1", entry(rotation=draining), entry("other", key="")),
        ]
    )

    assert [(one.name, one.credentials, one.without_key_id) for one in found.clusters] == [
        ("eu-1", 2, 1),
        ("us-1", 1, 0),
    ]
    new, old = found.keys
    assert (new.id, where(new.places), where(new.draining), where(new.rejected)) == (
        NEW,
        ["eu-1/backups"],
        [],
        ["us-1/backups"],
    )
    assert (old.id, where(old.places), where(old.draining), where(old.rejected)) == (
        OLD,
        ["us-1/backups"],
        ["eu-1/backups"],
        [],
    )


def test_a_published_key_that_is_refused_is_rejected_there() -> None:
    (key,) = fleet.fleet([report("eu-1", entry(verdict="Invalid", reason="KeyDisabled", ready="False"))]).keys

    assert where(key.rejected) == ["eu-1/backups"]


def test_a_key_that_only_cannot_be_read_is_rejected_by_nobody() -> None:
    (key,) = fleet.fleet([report("eu-1", entry(verdict="Invalid", reason="SourceNotFound"))]).keys

    assert key.rejected == ()


def test_a_key_that_nothing_runs_any_more_is_not_told() -> None:
    done = reports.Rotation(previous_key_id=OLD, drained=True)

    assert [key.id for key in fleet.fleet([report("eu-1", entry(rotation=done))]).keys] == [NEW]


def test_what_the_newest_report_of_a_cluster_says_counts() -> None:
    older = report("eu-1", entry(key=OLD), entry("gone", key="AKIAGONE"), uid="u")
    newer = report("renamed", entry(), uid="u", minutes=5)

    found = fleet.fleet([older, newer])

    assert [(one.name, one.credentials) for one in found.clusters] == [("renamed", 1)]
    assert [key.id for key in found.keys] == [NEW]


def test_reports_of_two_namespaces_are_one_cluster() -> None:
    found = fleet.fleet(
        [
            report("eu-1", entry(), uid="u", namespace="team-a"),
            report(
                "eu-1", entry("other", key=OLD, namespace="team-b"), uid="u", minutes=5, namespace="team-b"
            ),
        ]
    )

    assert [(one.name, one.credentials) for one in found.clusters] == [("eu-1", 2)]


def test_clusters_of_one_name_are_told_apart_by_their_uids() -> None:
    found = fleet.fleet(
        [report("kind", entry(), uid="aaaaaaaa-1"), report("kind", entry(), uid="bbbbbbbb-1")]
    )

    assert [one.name for one in found.clusters] == ["kind (aaaaaaaa)", "kind (bbbbbbbb)"]
    (key,) = found.keys
    assert where(key.places) == ["kind (aaaaaaaa)/backups", "kind (bbbbbbbb)/backups"]

"""What a report says of Credentials: verdicts, what is stale, what is unused, and who uses what."""

from typing import Any

import pytest

from cli import world
from credential_operator.api import reports
from credential_operator.cli import audit
from credential_operator.cli.description import Facts
from credential_operator.cli.documents import Credential, Reference, User

CONSUMERS = {
    ("team-a", "backups-env"): [User("Deployment", "team-a", "api")],
    ("team-b", "costs-env"): [User("Deployment", "team-b", "report")],
}
USED = {"references": {"count": 1, "items": [{"kind": "Deployment", "namespace": "team-a", "name": "api"}]}}


def validated(status: str = "True", reason: str = "Accepted", **ago: float) -> dict[str, Any]:
    """Return a condition that is so old."""
    return world.condition("Validated", status, reason) | {"lastTransitionTime": world.ago(**ago)}


def entry(*conditions: dict[str, Any], spec: dict[str, Any] | None = None, **status: Any) -> reports.Entry:
    """Return what is said of a Credential that somebody uses."""
    written = {"s3": {}, "secretRef": {"name": "keys"}, **(spec or {})}
    one = world.credential("one", 1, written, type="s3", conditions=[*conditions], **{**USED, **status})
    return audit.entry(Facts(credential=Credential(one)), world.NOW)


@pytest.mark.parametrize(
    ("status", "reason", "verdict"),
    [
        ("True", "Accepted", "Valid"),
        ("False", "Rejected", "Invalid"),
        ("Unknown", "NotCheckable", "Unchecked"),
        ("Unknown", "ValidationDisabled", "Unchecked"),
        ("Unknown", "ProviderUnreachable", "Unknown"),
    ],
)
def test_a_verdict_is_what_is_said_of_the_key(status: str, reason: str, verdict: str) -> None:
    assert entry(validated(status, reason), lastValidatedTime=world.ago(minutes=1)).verdict == verdict


def test_what_nothing_is_said_of_yet_is_unknown() -> None:
    one = entry(lastValidatedTime=world.ago(minutes=1))

    assert (one.verdict, one.reason, one.findings) == ("Unknown", "Pending", ())


@pytest.mark.parametrize(
    ("condition", "last", "interval", "stale"),
    [
        (validated(), {"minutes": 119}, None, False),
        (validated(), {"minutes": 121}, None, True),
        (validated(), {"minutes": 121}, "2h", False),
        (validated(), {"days": 400}, "0s", False),
        (validated("Unknown", "ProviderUnreachable"), {"hours": 3}, None, True),
        (validated("Unknown", "NotCheckable"), {"days": 40}, None, False),
        (validated("False", "Rejected", days=6), {"days": 40}, None, False),
        (validated("False", "Rejected", days=8), {"minutes": 1}, None, True),
        (validated("Unknown", "Pending"), None, None, True),
    ],
)
def test_a_key_is_stale_when_it_was_not_validated_or_is_refused_for_long(
    condition: dict[str, Any], last: dict[str, float] | None, interval: str | None, *, stale: bool
) -> None:
    spec = {"validation": {"interval": interval}} if interval else {}
    one = entry(condition, spec=spec, **({"lastValidatedTime": world.ago(**last)} if last else {}))

    assert ("Stale" in one.findings) == stale
    assert len(one.why) == len(one.findings)


def test_a_stale_key_that_is_suspended_says_so() -> None:
    one = entry(
        validated(), world.condition("Suspended", "True", "Suspended"), lastValidatedTime=world.ago(days=2)
    )

    assert one.why == ("It was not validated for 2d, its interval is 1h; it is suspended.",)


@pytest.mark.parametrize(
    ("reason", "status", "references", "unused"),
    [
        ("Accepted", "True", {}, True),
        ("NotCheckable", "Unknown", {}, True),
        ("Rejected", "False", {}, False),
        ("Accepted", "True", {"count": 0, "declared": 0}, True),
        ("Accepted", "True", {"count": 2}, False),
    ],
)
def test_a_key_is_unused_when_it_works_and_nobody_needs_it(
    reason: str, status: str, references: dict[str, int], *, unused: bool
) -> None:
    one = entry(validated(status, reason), lastValidatedTime=world.ago(minutes=1), references=references)

    assert ("Unused" in one.findings) == unused


def test_a_workload_that_the_status_does_not_name_is_a_user_too() -> None:
    document = world.credential(
        "one",
        1,
        {"s3": {}, "secretRef": {"name": "backups-env"}},
        conditions=[validated()],
        lastValidatedTime=world.ago(minutes=1),
    )
    one = audit.entry(Facts(credential=Credential(document), consumers=CONSUMERS), world.NOW)

    assert (one.user_count, one.users[0].name, one.findings) == (1, "api", ())


@pytest.mark.parametrize(
    ("status", "conditions", "finding"),
    [
        ({"expiresAt": world.ago(days=1)}, [], "Expired"),
        ({"expiresAt": world.ahead(days=1)}, ["Expiring"], "Expiring"),
        ({}, ["Expiring"], "Expiring"),
        ({"rotation": {"drained": False}}, [], "Draining"),
        ({"rotation": {"drained": False, "previousKeyID": "AKIAOLD"}}, [], "Draining"),
    ],
)
def test_other_findings_follow_from_the_status(
    status: dict[str, Any], conditions: list[str], finding: str
) -> None:
    told = [world.condition(kind, "True", "Soon", "It ends.") for kind in conditions]
    one = entry(validated(), *told, lastValidatedTime=world.ago(minutes=1), **status)

    assert one.findings == (finding,)
    assert one.why[0].endswith(".")


def test_all_that_is_known_of_one_is_in_its_entry() -> None:
    backups = Credential(world.BACKUPS)
    references = [one for one in map(Reference, world.REFERENCES) if one.needs(backups)]

    one = audit.entry(Facts(credential=backups, references=references, consumers=CONSUMERS), world.NOW)

    assert (one.namespace, one.name, one.type, one.key_id) == (
        "team-a",
        "backups",
        "s3",
        "AKIAIOSFODNN7EXAMPLE",
    )
    assert (one.team, one.account, one.interval) == ("storage", "123456789012", "1h")
    assert [(held.namespace, held.name, held.role) for held in one.secrets] == [
        ("team-a", "backups-keys", "source"),
        ("team-a", "backups-env", "env"),
        ("team-a", "backups-velero", "velero"),
        ("team-b", "costs-env", "env"),
    ]
    assert [user.name for user in one.users] == ["default", "nightly", "costs", "api", "report"]
    assert one.findings == ("HeldBack", "Draining")
    assert one.rotation is not None
    assert (one.rotation.previous_key_id, one.rotation.running[0].name) == ("AKIAI44QH8DHBEXAMPLE", "api")
    assert one.next[0] == "minio.example.com:9000 refused key AKIAX: write a good one."


def test_a_report_is_sorted_and_counts_by_type() -> None:
    found = audit.report(
        [Facts(credential=Credential(each)) for each in world.CREDENTIALS],
        world.NOW,
        cluster=reports.Cluster(name="eu-1"),
        scope=reports.Scope(),
    )

    assert [(one.type, one.name) for one in found.credentials] == [
        ("azure", "my-azure-credential"),
        ("jwt", "new"),
        ("s3", "archive"),
        ("s3", "backups"),
    ]
    assert [(one.type, one.total, one.verdicts["Invalid"]) for one in found.summary] == [
        ("azure", 1, 0),
        ("jwt", 1, 0),
        ("s3", 2, 1),
    ]

"""Who claims a Credential, and what a CredentialReference is told."""

import datetime
from typing import Any

from credential_operator import references, status
from credential_operator.inventory import Key

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
BACKUPS = Key("a", "backups")


def reference(
    name: str = "nightly", *, to: str = "backups", created: str = "2026-11-22T10:00:00Z", bound: str = ""
) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "a", "name": name, "generation": 1, "creationTimestamp": created},
        "spec": {"credentialRef": {"name": to}},
        "status": {"credential": {"namespace": "a", "name": to, "uid": bound}} if bound else {},
    }


def credential(*, deleted: str | None = None, ready: bool = True) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True", "reason": "Available", "message": "Published to env."}
    metadata = {"namespace": "a", "name": "backups", "uid": "u"}
    return {
        "metadata": {**metadata, "deletionTimestamp": deleted} if deleted else metadata,
        "status": {"conditions": [condition]} if ready else {},
    }


def told(one: dict[str, Any], other: dict[str, Any] | None) -> dict[str, tuple[str, str]]:
    conditions = references.after(one, other, NOW)["conditions"]
    return {each["type"]: (each["status"], each["reason"]) for each in conditions}


def test_a_claim_on_a_good_credential_is_bound_and_ready() -> None:
    assert told(reference(), credential()) == {"Bound": ("True", "Bound"), "Ready": ("True", "Available")}
    new = references.after(reference(), credential(), NOW)
    assert new["credential"] == {"namespace": "a", "name": "backups", "uid": "u"}
    assert new["observedGeneration"] == 1


def test_a_claim_on_a_credential_that_was_not_looked_at_is_not_ready_yet() -> None:
    assert told(reference(), credential(ready=False))["Ready"] == ("Unknown", "Pending")


def test_a_claim_on_nothing_is_not_granted() -> None:
    assert told(reference(), None) == {"Bound": ("False", "NotGranted"), "Ready": ("False", "NotGranted")}
    assert "credential" not in references.after(reference(), None, NOW)


def test_a_claim_made_during_the_deletion_is_refused() -> None:
    late = reference(created="2026-11-22T11:00:01Z")
    gone = credential(deleted="2026-11-22T11:00:00Z")
    assert told(late, gone)["Bound"] == ("False", "CredentialTerminating")
    assert told(reference(), gone)["Bound"] == ("True", "Bound")
    assert told(reference(created="2026-11-22T11:00:01Z", bound="u"), gone)["Bound"] == ("True", "Bound")


def test_a_state_that_does_not_change_is_not_written() -> None:
    first = references.after(reference(), credential(), NOW)
    again = reference() | {"status": first}
    assert (
        status.merge_patch(first, references.after(again, credential(), NOW + datetime.timedelta(hours=1)))
        == {}
    )


def test_claims_are_those_that_name_the_credential_sorted() -> None:
    found = references.claims([reference("b"), reference("a"), reference("c", to="other")], BACKUPS)
    assert [str(claim) for claim in found] == ["CredentialReference a", "CredentialReference b"]


def test_a_claim_counts_if_it_was_there_before_the_deletion_or_is_bound_to_this_very_credential() -> None:
    deletion = "2026-11-22T11:00:00Z"
    early, late, bound, foreign = references.claims(
        [
            reference("a"),
            reference("b", created="2026-11-22T11:00:01Z"),
            reference("c", created="2026-11-22T11:00:01Z", bound="u"),
            reference("d", created="2026-11-22T11:00:01Z", bound="an older one of that name"),
        ],
        BACKUPS,
    )
    assert [claim.counts_for("u", deletion) for claim in (early, late, bound, foreign)] == [
        True,
        False,
        True,
        False,
    ]

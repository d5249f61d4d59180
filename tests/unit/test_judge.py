"""From what a pass found out to a status: every row of the table, and its laws."""

import dataclasses
import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import errors, findings, status
from credential_operator.findings import Needs, User
from credential_operator.providers import contract

Json = dict[str, Any]

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
TIMING = findings.Timing(interval=HOUR, jitter=0.5, warn_before=14 * 24 * HOUR)
ACCEPTED = contract.Validation(
    identity=contract.Identity(principal="arn:aws:iam::1:user/a", account="1"), key_id="AKIA1"
)
TARGET = findings.Published(
    name="env", format="env", uid="u", version="7", published_at="2026-11-22T11:00:00Z"
)
TRANSIENT = [errors.ProviderUnreachable("down"), errors.RateLimited("slow down"), errors.ClockSkew("late")]
REFUSED = [
    errors.Rejected("no"),
    errors.Expired("old"),
    errors.KeyDisabled("off"),
    errors.PermissionDenied("may not"),
]
INVALID = [errors.InvalidKeyMaterial("field"), errors.Misconfigured("region")]
DISABLED = findings.NotChecked(reason="ValidationDisabled")


def found(verdict: findings.Verdict, **changes: Any) -> findings.Pass:
    base = findings.Pass(generation=1, type="aws", verdict=verdict, timing=TIMING, wanted=1)
    return dataclasses.replace(base, **changes)


def judged(old: Json, one: findings.Pass, now: datetime.datetime = NOW) -> dict[str, tuple[str, str]]:
    conditions = status.after(old, one, now).status["conditions"]
    return {each["type"]: (each["status"], each["reason"]) for each in conditions}


def good(age: datetime.timedelta = HOUR, **changes: Any) -> Json:
    """The status of a Credential that was accepted and published some time ago."""
    return status.after({}, found(ACCEPTED, targets=(TARGET,), **changes), NOW - age).status


def test_an_accepted_key_that_is_published_is_available() -> None:
    assert judged({}, found(ACCEPTED, targets=(TARGET,))) == {
        "Validated": ("True", "Accepted"),
        "Synced": ("True", "Published"),
        "Ready": ("True", "Available"),
    }


def test_an_accepted_key_without_targets_is_available_where_it_is() -> None:
    assert judged({}, found(ACCEPTED, wanted=0)) == {
        "Validated": ("True", "Accepted"),
        "Synced": ("True", "NothingToPublish"),
        "Ready": ("True", "Available"),
    }


def test_a_key_that_is_not_checked_is_published_and_says_so() -> None:
    assert judged({}, found(DISABLED, targets=(TARGET,))) == {
        "Validated": ("Unknown", "ValidationDisabled"),
        "Synced": ("True", "Published"),
        "Ready": ("True", "AvailableUnchecked"),
    }


def test_under_required_a_key_that_cannot_be_checked_is_held_back() -> None:
    unchecked = contract.Validation(unasked="Nobody to ask.")
    assert judged({}, found(unchecked, held=True)) == {
        "Validated": ("Unknown", "NotCheckable"),
        "Synced": ("False", "HeldBack"),
        "Ready": ("False", "HeldBack"),
        "Stalled": ("True", "HeldBack"),
    }


def test_a_lost_source_leaves_what_is_published() -> None:
    lost = errors.SourceNotFound("gone")
    assert judged(good(), found(lost, targets=(TARGET,), new_key=True)) == {
        "Validated": ("False", "SourceNotFound"),
        "Synced": ("False", "SourceNotFound"),
        "Ready": ("True", "HeldBack"),
        "Stalled": ("True", "SourceNotFound"),
    }


def test_a_source_that_never_was_is_not_ready() -> None:
    lost = errors.SourceNotFound("gone")
    assert judged({}, found(lost, new_key=True))["Ready"] == ("False", "SourceNotFound")


@pytest.mark.parametrize("error", INVALID, ids=lambda error: error.reason)
def test_a_key_that_cannot_be_right_is_held_back_if_another_is_published(error: errors.Stalled) -> None:
    assert judged(good(), found(error, targets=(TARGET,), new_key=True)) == {
        "Validated": ("False", error.reason),
        "Synced": ("False", "HeldBack"),
        "Ready": ("True", "HeldBack"),
        "Stalled": ("True", error.reason),
    }
    assert judged({}, found(error)) == {
        "Validated": ("False", error.reason),
        "Synced": ("False", error.reason),
        "Ready": ("False", error.reason),
        "Stalled": ("True", error.reason),
    }


@pytest.mark.parametrize("error", REFUSED, ids=lambda error: error.reason)
def test_a_refused_new_key_is_confirmed_first_and_held_back_from_the_start(error: errors.Refused) -> None:
    once = judged(good(), found(error, targets=(TARGET,), new_key=True, refusals=1))
    assert once == {
        "Validated": ("Unknown", "Unconfirmed"),
        "Synced": ("False", "HeldBack"),
        "Ready": ("True", "HeldBack"),
        "Reconciling": ("True", "Unconfirmed"),
    }
    thrice = judged(good(), found(error, targets=(TARGET,), new_key=True, refusals=3))
    assert thrice == {
        "Validated": ("False", error.reason),
        "Synced": ("False", "HeldBack"),
        "Ready": ("True", "HeldBack"),
        "Stalled": ("True", error.reason),
    }


@pytest.mark.parametrize("error", REFUSED, ids=lambda error: error.reason)
def test_a_refused_first_key_is_never_ready(error: errors.Refused) -> None:
    assert judged({}, found(error, refusals=1, held=True))["Ready"] == ("Unknown", "Pending")
    assert judged({}, found(error, refusals=3, held=True)) == {
        "Validated": ("False", error.reason),
        "Synced": ("False", "HeldBack"),
        "Ready": ("False", error.reason),
        "Stalled": ("True", error.reason),
    }


@pytest.mark.parametrize("error", REFUSED, ids=lambda error: error.reason)
def test_a_published_key_that_is_refused_stays_published_and_is_not_ready(error: errors.Refused) -> None:
    once = judged(good(), found(error, targets=(TARGET,), refusals=1, held=True))
    assert once["Ready"] == ("True", "Available")
    assert judged(good(), found(error, targets=(TARGET,), refusals=3, held=True)) == {
        "Validated": ("False", error.reason),
        "Synced": ("True", "Published"),
        "Ready": ("False", error.reason),
        "Stalled": ("True", error.reason),
    }


@pytest.mark.parametrize("error", TRANSIENT, ids=lambda error: error.reason)
def test_an_unreachable_provider_changes_nothing_that_was_good(error: errors.Transient) -> None:
    assert judged(good(), found(error, targets=(TARGET,))) == {
        "Validated": ("True", "Accepted"),
        "Synced": ("True", "Published"),
        "Ready": ("True", "Available"),
        "Reconciling": ("True", error.reason),
    }


@pytest.mark.parametrize("error", TRANSIENT, ids=lambda error: error.reason)
def test_a_provider_that_is_unreachable_for_long_makes_the_validation_stale(error: errors.Transient) -> None:
    assert judged(good(age=4 * HOUR), found(error, targets=(TARGET,))) == {
        "Validated": ("Unknown", error.reason),
        "Synced": ("True", "Published"),
        "Ready": ("True", "ValidationStale"),
        "Reconciling": ("True", error.reason),
    }


@pytest.mark.parametrize("error", TRANSIENT, ids=lambda error: error.reason)
def test_nothing_is_ready_before_an_unreachable_provider_was_asked_once(error: errors.Transient) -> None:
    assert judged({}, found(error, held=True)) == {
        "Validated": ("Unknown", error.reason),
        "Synced": ("Unknown", "Pending"),
        "Ready": ("False", error.reason),
        "Reconciling": ("True", error.reason),
    }


def test_best_effort_publishes_while_the_provider_is_unreachable_and_says_so() -> None:
    verdict = errors.ProviderUnreachable("down")
    assert judged({}, found(verdict, targets=(TARGET,)))["Ready"] == ("True", "AvailableUnchecked")


@pytest.mark.parametrize(
    "error", [errors.TargetConflict("theirs"), errors.Forbidden("no")], ids=lambda e: e.reason
)
def test_a_target_that_cannot_be_written_is_not_ready(error: errors.Stalled) -> None:
    assert judged(good(), found(ACCEPTED, trouble=error)) == {
        "Validated": ("True", "Accepted"),
        "Synced": ("False", error.reason),
        "Ready": ("False", error.reason),
        "Stalled": ("True", error.reason),
    }


def test_a_target_that_was_written_at_last_is_available_without_asking_the_provider_again() -> None:
    conflict = status.after({}, found(ACCEPTED, trouble=errors.TargetConflict("theirs")), NOW).status
    assert judged(conflict, found(findings.UNCHANGED, targets=(TARGET,)))["Ready"] == ("True", "Available")


def test_a_fault_of_ours_leaves_what_is_published_ready() -> None:
    assert judged(good(), found(RuntimeError(), targets=(TARGET,))) == {
        "Validated": ("Unknown", "InternalError"),
        "Synced": ("True", "Published"),
        "Ready": ("True", "Available"),
        "Reconciling": ("True", "InternalError"),
    }
    assert judged({}, found(RuntimeError(), held=True))["Ready"] == ("Unknown", "InternalError")


def test_a_write_that_the_api_server_did_not_take_is_repeated() -> None:
    lost = found(ACCEPTED, trouble=errors.Unavailable("500"), targets=(TARGET,))
    assert judged(good(), lost)["Reconciling"] == ("True", "Unavailable")
    assert judged({}, found(ACCEPTED, trouble=errors.Conflict("409")))["Synced"] == ("Unknown", "Pending")


def test_a_suspended_credential_keeps_what_was_said_of_it() -> None:
    suspended = findings.NotChecked(reason="Suspended")
    assert judged(good(), found(suspended, suspended=True, targets=(TARGET,))) == {
        "Validated": ("True", "Accepted"),
        "Synced": ("True", "Published"),
        "Ready": ("True", "Available"),
        "Suspended": ("True", "Suspended"),
    }
    assert judged({}, found(suspended, suspended=True, held=True))["Ready"] == ("Unknown", "Pending")


def test_what_held_a_key_back_is_said_until_the_next_look() -> None:
    held = status.after(
        good(), found(errors.Rejected("no"), targets=(TARGET,), new_key=True, refusals=3), NOW
    )
    again = judged(held.status, found(findings.UNCHANGED, targets=(TARGET,), held=True))
    assert again == {
        "Validated": ("False", "Rejected"),
        "Synced": ("False", "HeldBack"),
        "Ready": ("True", "HeldBack"),
        "Stalled": ("True", "HeldBack"),
    }


def test_the_end_of_a_key_is_announced_and_said() -> None:
    timing = dataclasses.replace(TIMING, expires_at=NOW + 20 * 24 * HOUR)
    fresh = status.after({}, found(ACCEPTED, targets=(TARGET,), timing=timing), NOW)
    assert "Expiring" not in {one["type"] for one in fresh.status["conditions"]}
    assert fresh.status["expiresAt"] == "2026-12-12T12:00:00Z"
    later = dataclasses.replace(timing, interval=datetime.timedelta(0))
    assert status.after({}, found(ACCEPTED, timing=later), NOW).wake_at == NOW + 6 * 24 * HOUR
    near = found(findings.UNCHANGED, targets=(TARGET,), timing=timing)
    assert judged(fresh.status, near, NOW + 7 * 24 * HOUR)["Expiring"] == ("True", "ExpiresSoon")
    assert judged(fresh.status, near, NOW + 20 * 24 * HOUR)["Expiring"] == ("True", "Expired")


def test_the_provider_s_word_on_the_end_of_a_key_is_kept_between_validations() -> None:
    ending = dataclasses.replace(ACCEPTED, expires_at=NOW + HOUR)
    first = status.after({}, found(ending, targets=(TARGET,)), NOW)
    second = status.after(first.status, found(findings.UNCHANGED, targets=(TARGET,)), NOW)
    assert second.status["expiresAt"] == first.status["expiresAt"] == "2026-11-22T13:00:00Z"


def test_a_warning_lasts_until_the_next_validation_without_it() -> None:
    warned = dataclasses.replace(
        ACCEPTED, warnings=(contract.Warned(reason="ExternalIDNotRequired", message="fix"),)
    )
    first = status.after({}, found(warned, targets=(TARGET,)), NOW)
    assert [event.reason for event in first.events] == ["ExternalIDNotRequired"]
    kept = status.after(first.status, found(findings.UNCHANGED, targets=(TARGET,)), NOW)
    assert {one["type"] for one in kept.status["conditions"]} >= {"Warning"}
    assert kept.events == ()
    assert "Warning" not in judged(kept.status, found(ACCEPTED, targets=(TARGET,)))


def test_a_blocked_deletion_names_who_holds_it() -> None:
    blocked = found(
        findings.UNCHANGED,
        targets=(TARGET,),
        blockers=("CredentialReference nightly",),
    )
    result = status.after(good(), blocked, NOW)
    condition = next(one for one in result.status["conditions"] if one["type"] == "DeletionBlocked")
    assert condition["reason"] == "InUse"
    assert "CredentialReference nightly" in condition["message"]
    assert [event.reason for event in result.events] == ["InUse"]
    assert status.after(result.status, blocked, NOW).events == ()


def test_references_are_counted_whole_and_named_ten_at_most() -> None:
    many = tuple(User("CredentialReference", "team-a", f"job-{number:02}") for number in range(12))
    counted = status.after({}, found(ACCEPTED, needs=Needs(declared=many)), NOW).status["references"]
    assert (counted["count"], counted["declared"], len(counted["items"])) == (12, 12, 10)
    assert counted["items"][0] == {"kind": "CredentialReference", "namespace": "team-a", "name": "job-00"}
    assert "found" not in counted


def test_who_was_found_is_counted_apart_and_named_after_the_declared() -> None:
    needs = Needs(declared=(User("CredentialReference", "a", "z"),), found=(User("CronJob", "a", "b"),))
    counted = status.after({}, found(ACCEPTED, needs=needs), NOW).status["references"]
    assert (counted["count"], counted["declared"], counted["found"]) == (2, 1, 1)
    assert [one["kind"] for one in counted["items"]] == ["CredentialReference", "CronJob"]
    none = status.after({}, found(ACCEPTED, needs=Needs(found=())), NOW).status["references"]
    assert none == {"count": 0, "declared": 0, "found": 0}


def test_a_long_list_of_blockers_is_cut() -> None:
    names = tuple(f"Deployment d{number:02}" for number in range(12))
    result = status.after(good(), found(findings.UNCHANGED, targets=(TARGET,), blockers=names), NOW)
    message = next(one["message"] for one in result.status["conditions"] if one["type"] == "DeletionBlocked")
    assert "Deployment d09 and 2 more." in message
    assert "d10" not in message


def test_a_deletion_by_force_says_why_and_who_is_left_without() -> None:
    job, api = User("CredentialReference", "b", "nightly"), User("Deployment", "a", "api")
    (event,) = status.forced("the account is gone", Needs(declared=(job,), found=(api,)), "a")
    assert (event.type, event.reason) == ("Warning", "ForceDeleted")
    assert "(the account is gone)" in event.message
    assert "CredentialReference b/nightly, Deployment api." in event.message
    assert status.forced("the account is gone", Needs(found=()), "a") == ()


def test_a_release_with_the_definition_says_who_is_left_without_and_what_became_of_the_targets() -> None:
    needs = Needs(declared=(User("CredentialReference", "b", "nightly"),))

    def said(targets: list[str], *, retain: bool) -> str:
        (event,) = status.undefined(needs, "a", targets, retain=retain)
        assert (event.type, event.reason) == ("Warning", "DefinitionDeleted")
        assert "CredentialReference b/nightly" in event.message
        return event.message

    assert "deleted: one, two." in said(["one", "two"], retain=False)
    assert "left: one." in said(["one"], retain=True)
    assert "Its target Secrets" not in said([], retain=True)


def test_the_reason_of_a_deletion_by_force_is_one_line_of_bounded_length() -> None:
    many = tuple(User("Pod", "a", f"p{number:02}") for number in range(12))

    def said(reason: str) -> str:
        (event,) = status.forced(reason, Needs(found=many), "a")
        return event.message

    assert "(gone ticket [31m4711)" in said("  gone\r\n\n\tticket\x1b[31m4711\u2028")
    assert "p09 and 2 more" in said("gone")
    assert "x" * 255 + "…)" in said("x" * 5000)
    assert "x" * 256 + ")" in said("x" * 256)
    assert "\n" not in said("one\ntwo\x85three\u202efour")


def test_references_that_the_operator_made_count_after_those_that_people_declared() -> None:
    own, made = User("CredentialReference", "z", "own"), User("CredentialReference", "b", "backups")
    needs = Needs(declared=(own,), distributed=(made,), found=(User("Deployment", "b", "api"),))
    counted = status.after({}, found(ACCEPTED, needs=needs), NOW).status["references"]
    assert (counted["count"], counted["declared"], counted["distributed"], counted["found"]) == (3, 2, 1, 1)
    assert [one["name"] for one in counted["items"]] == ["own", "backups", "api"]


def test_what_was_distributed_is_kept_by_a_pass_over_the_credential() -> None:
    told = {"wanted": 2, "made": 2, "published": 2, "conflicts": 0, "observedGeneration": 1}
    assert status.after({"distribution": told}, found(ACCEPTED), NOW).status["distribution"] == told


def test_references_that_were_cleared_away_are_named_once() -> None:
    held = found(findings.UNCHANGED, targets=(TARGET,), blockers=("Deployment api",))
    before = status.after(good(), held, NOW).status
    cleared = dataclasses.replace(held, cleared=("CredentialReference b/nightly",))
    (event,) = status.after(before, cleared, NOW).events
    assert (event.type, event.reason) == ("Normal", "ReferenceDeleted")
    assert "CredentialReference b/nightly" in event.message
    assert status.after(before, held, NOW).events == ()


def test_users_elsewhere_are_named_with_their_namespace() -> None:
    assert User("Deployment", "a", "api").seen_from("a") == "Deployment api"
    assert User("Deployment", "b", "api").seen_from("a") == "Deployment b/api"


def test_names_of_the_provider_are_cut_to_what_the_schema_holds() -> None:
    places = (contract.Place(id="i" * 300, name="n" * 300), contract.Place(id="short"))
    reaching = dataclasses.replace(ACCEPTED, reach=contract.Reach(count=2, places=places))
    items = status.after({}, found(reaching, reach=True), NOW).status["reach"]["items"]
    assert items == [{"id": "i" * 256, "name": "n" * 256}, {"id": "short"}]


def changed(old: findings.Json, new: findings.Json) -> set[str]:
    return {change["path"].removeprefix("/status/") for change in status.changes(old, new)}


def test_a_state_that_does_not_change_is_not_written() -> None:
    first = status.after({}, found(ACCEPTED, targets=(TARGET,)), NOW)
    second = status.after(first.status, found(findings.UNCHANGED, targets=(TARGET,)), NOW + HOUR)
    assert status.changes(first.status, second.status) == []
    assert second.events == ()


def test_a_refresh_that_finds_nothing_new_writes_only_its_times() -> None:
    first = status.after({}, found(ACCEPTED, targets=(TARGET,)), NOW)
    second = status.after(first.status, found(ACCEPTED, targets=(TARGET,)), NOW + HOUR)
    assert changed(first.status, second.status) == {"lastValidatedTime", "nextValidationTime"}


def test_the_next_look_is_spread_around_the_interval() -> None:
    early = found(ACCEPTED, timing=dataclasses.replace(TIMING, jitter=0.0))
    late = found(ACCEPTED, timing=dataclasses.replace(TIMING, jitter=0.999))
    assert status.after({}, early, NOW).wake_at == NOW + datetime.timedelta(minutes=54)
    wake_at = status.after({}, late, NOW).wake_at
    assert wake_at is not None
    assert wake_at > NOW + datetime.timedelta(minutes=65)


def test_a_refusal_is_confirmed_soon_and_an_unchecked_key_is_not_looked_at_again() -> None:
    assert status.after(
        {}, found(errors.Rejected("no"), refusals=1), NOW
    ).wake_at == NOW + datetime.timedelta(seconds=15)
    assert status.after({}, found(DISABLED, targets=(TARGET,)), NOW).wake_at is None
    only_on_change = found(ACCEPTED, timing=dataclasses.replace(TIMING, interval=datetime.timedelta(0)))
    assert status.after({}, only_on_change, NOW).wake_at is None


def test_where_accounts_lock_a_refused_key_is_not_tried_again() -> None:
    refused = found(errors.Rejected("no"), refusals=findings.CONFIRMATIONS, locks=True)
    after = status.after({}, refused, NOW)
    assert after.wake_at is None
    assert "nextValidationTime" not in after.status
    assert status.after({}, dataclasses.replace(refused, locks=False), NOW).wake_at is not None


def test_what_nobody_can_be_asked_about_is_looked_at_again_when_its_life_ends() -> None:
    end = NOW + 30 * 24 * HOUR
    unasked = contract.Validation(unasked="Nobody to ask.", expires_at=end, key_id="kid")
    after = status.after({}, found(unasked, targets=(TARGET,)), NOW)
    assert after.wake_at == end - TIMING.warn_before
    assert after.status["nextValidationTime"] == after.status["expiresAt"] == findings.show_time(end)
    assert after.status["key"] == {"id": "kid"}
    assert "lastValidatedTime" not in after.status
    assert judged({}, found(unasked, targets=(TARGET,)))["Ready"] == ("True", "AvailableUnchecked")


def test_a_transient_failure_is_looked_at_again_when_the_validation_grows_stale() -> None:
    old = good(age=2 * HOUR)
    del old["nextValidationTime"]
    assert status.after(old, found(TRANSIENT[0], targets=(TARGET,)), NOW).wake_at == NOW + HOUR


def test_an_event_tells_what_was_taken_over_and_where_it_is_kept() -> None:
    adopted = dataclasses.replace(TARGET, written=True, adopted=True)
    (event,) = status.after(good(), found(ACCEPTED, targets=(adopted,)), NOW).events

    assert (event.type, event.reason) == ("Normal", "Adopted")
    assert "Secret env;" in event.message
    assert "Secret env-before-adoption keeps" in event.message


def test_events_tell_of_transitions_only() -> None:
    rejected = found(errors.Rejected("no"), targets=(TARGET,), new_key=True, refusals=3)
    first = status.after(good(), rejected, NOW)
    assert [event.reason for event in first.events] == ["Rejected", "HeldBack"]
    assert status.after(first.status, rejected, NOW).events == ()
    written = dataclasses.replace(TARGET, written=True)
    back = status.after(first.status, found(ACCEPTED, targets=(written,)), NOW)
    assert [event.reason for event in back.events] == ["Accepted", "Published"]
    repaired = dataclasses.replace(TARGET, written=True, repaired=True)
    assert [
        e.reason for e in status.after(good(), found(findings.UNCHANGED, targets=(repaired,)), NOW).events
    ] == ["Repaired"]
    assert status.after({}, found(ACCEPTED, targets=(written,)), NOW).events == ()


ANY_VERDICT = st.sampled_from(
    [ACCEPTED, findings.UNCHANGED, DISABLED, *TRANSIENT, *REFUSED, *INVALID, RuntimeError()]
)
ANY_PASS = st.builds(
    lambda verdict, new_key, refusals, published, held: found(
        verdict, new_key=new_key, refusals=refusals, targets=(TARGET,) if published else (), held=held
    ),
    ANY_VERDICT,
    st.booleans(),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(ANY_PASS, min_size=1, max_size=6))
def test_in_any_history_the_laws_hold(passes: list[findings.Pass]) -> None:
    old: Json = {}
    now = NOW
    for one in passes:
        before = {condition["type"]: condition for condition in old.get("conditions", ())}
        result = status.after(old, one, now)
        after = {condition["type"]: condition for condition in result.status["conditions"]}
        if isinstance(one.verdict, errors.Transient) and before.get("Validated", {}).get("status") == "True":
            assert after["Validated"]["status"] != "False"
        if after["Ready"]["status"] == "True":
            assert one.targets
        if after["Ready"]["reason"] == "Available":
            assert after["Validated"]["status"] != "False"
            assert after["Synced"]["status"] == "True"
        assert not {"Reconciling", "Stalled"} <= set(after) or one.trouble is not None
        assert all(
            one["status"] == "True"
            for name, one in after.items()
            if name not in ("Validated", "Synced", "Ready")
        )
        idle = status.after(result.status, dataclasses.replace(one, verdict=findings.UNCHANGED), now).status
        assert changed(result.status, idle) <= {"conditions", "targets"}
        old, now = result.status, now + HOUR


def test_without_targets_readiness_follows_the_source_key() -> None:
    first = status.after({}, found(dataclasses.replace(ACCEPTED, identity=None), wanted=0), NOW - HOUR).status
    assert "identity" not in first
    assert judged(first, found(TRANSIENT[0], wanted=0))["Ready"] == ("True", "Available")
    assert judged(first, found(errors.Rejected("no"), wanted=0, refusals=1))["Ready"] == ("True", "Available")
    assert judged(first, found(errors.Rejected("no"), wanted=0, refusals=3)) == {
        "Validated": ("False", "Rejected"),
        "Synced": ("True", "NothingToPublish"),
        "Ready": ("False", "Rejected"),
        "Stalled": ("True", "Rejected"),
    }


def test_a_pass_keeps_what_it_read_and_what_it_was_asked() -> None:
    source = {"secretName": "keys", "resourceVersion": "5"}
    seen = status.after({}, found(ACCEPTED, source=source, reconcile_at="now"), NOW).status
    assert seen["source"] == source
    assert seen["lastHandledReconcileAt"] == "now"
    assert status.after(seen, found(findings.UNCHANGED), NOW).status["source"] == source


def test_a_patch_changes_only_what_differs_and_drops_what_is_gone() -> None:
    old = {"same": 1, "gone": 2, "inner": {"a": 1, "b": 2}, "list": [1]}
    new = {"same": 1, "inner": {"a": 1, "b": 3}, "list": [1, 2], "new": {"c": 4}}
    assert status.changes(old, new) == [
        {"op": "remove", "path": "/status/gone"},
        {"op": "add", "path": "/status/inner", "value": {"a": 1, "b": 3}},
        {"op": "add", "path": "/status/list", "value": [1, 2]},
        {"op": "add", "path": "/status/new", "value": {"c": 4}},
    ]


def test_a_target_that_the_key_cannot_be_laid_out_for_keeps_what_it_had() -> None:
    trouble = errors.InvalidKeyMaterial("control characters")
    assert judged(good(), found(ACCEPTED, targets=(TARGET,), trouble=trouble)) == {
        "Validated": ("True", "Accepted"),
        "Synced": ("False", "InvalidKeyMaterial"),
        "Ready": ("True", "HeldBack"),
        "Stalled": ("True", "InvalidKeyMaterial"),
    }
    assert judged({}, found(ACCEPTED, trouble=trouble))["Ready"] == ("False", "InvalidKeyMaterial")


MADE = contract.History(created_at=NOW - 48 * HOUR, last_used_at=NOW - HOUR)


def test_the_history_of_a_key_is_kept_until_it_is_another_key() -> None:
    told = status.after({}, found(dataclasses.replace(ACCEPTED, history=MADE)), NOW).status
    assert told["key"] == {
        "id": "AKIA1",
        "createdAt": "2026-11-20T12:00:00Z",
        "lastUsedTime": "2026-11-22T11:00:00Z",
        "observedAt": "2026-11-22T12:00:00Z",
    }
    assert status.after(told, found(ACCEPTED), NOW + HOUR).status["key"] == told["key"]
    other = dataclasses.replace(ACCEPTED, key_id="AKIA2")
    assert status.after(told, found(other), NOW + HOUR).status["key"] == {"id": "AKIA2"}
    nameless = dataclasses.replace(ACCEPTED, key_id=None)
    assert status.after(told, found(nameless), NOW + HOUR).status["key"] == told["key"]
    named = dataclasses.replace(nameless, history=contract.History(key_id="secret-1"))
    assert status.after({}, found(named), NOW).status["key"]["id"] == "secret-1"
    untold = dataclasses.replace(nameless, history=contract.History())
    assert status.after({}, found(untold), NOW).status["key"] == {"observedAt": "2026-11-22T12:00:00Z"}
    silent = dataclasses.replace(ACCEPTED, history=contract.History())
    assert status.after(told, found(silent), NOW).status["key"] == {
        "id": "AKIA1",
        "observedAt": "2026-11-22T12:00:00Z",
    }


def test_the_end_of_a_key_that_its_provider_told_counts_until_the_owner_says_otherwise() -> None:
    end = contract.History(expires_at=NOW + 72 * HOUR)
    told = status.after({}, found(dataclasses.replace(ACCEPTED, history=end)), NOW).status
    assert told["key"]["expiresAt"] == told["expiresAt"] == "2026-11-25T12:00:00Z"
    later = status.after(told, found(ACCEPTED), NOW + HOUR).status
    assert later["expiresAt"] == told["expiresAt"]
    assert {one["type"] for one in later["conditions"]} >= {"Expiring"}
    owner = dataclasses.replace(TIMING, expires_at=NOW + 999 * HOUR)
    assert status.after(told, found(ACCEPTED, timing=owner), NOW).status["expiresAt"] != told["expiresAt"]


def test_missing_permissions_are_listed_as_long_as_they_are_asked_for() -> None:
    denied = found(errors.PermissionDenied("lacks", missing=("read", "write")), permissions=True)
    after = status.after({}, denied, NOW).status
    assert after["permissions"] == {"missing": ["read", "write"]}
    assert status.after(after, found(findings.UNCHANGED, permissions=True), NOW).status["permissions"]
    assert "permissions" not in status.after(after, found(findings.UNCHANGED), NOW).status
    unknown = dataclasses.replace(ACCEPTED, grants=contract.Grants(unknown=("write",)))
    assert status.after(after, found(unknown, permissions=True), NOW).status["permissions"] == {
        "missing": [],
        "unknown": ["write"],
    }
    plain = found(errors.PermissionDenied("may not"), permissions=True)
    assert "permissions" not in status.after({}, plain, NOW).status


def test_reach_is_counted_whole_and_named_ten_at_most() -> None:
    places = tuple(contract.Place(id=f"{number:02}", name="a" * (number % 2)) for number in range(12))
    reaching = dataclasses.replace(ACCEPTED, reach=contract.Reach(count=40, places=places))
    after = status.after({}, found(reaching, reach=True), NOW).status
    assert (after["reach"]["count"], len(after["reach"]["items"])) == (40, 10)
    assert after["reach"]["items"][:2] == [{"id": "00"}, {"id": "01", "name": "a"}]
    later = status.after(after, found(ACCEPTED, reach=True), NOW + HOUR).status
    assert later["reach"] == after["reach"]
    assert "reach" not in status.after(after, found(ACCEPTED), NOW).status
    nothing = dataclasses.replace(ACCEPTED, reach=contract.Reach(count=0))
    assert status.after(after, found(nothing, reach=True), NOW).status["reach"] == {
        "count": 0,
        "discoveredAt": "2026-11-22T12:00:00Z",
    }


def test_where_no_key_is_stored_a_missing_account_is_looked_for_again_soon() -> None:
    missing = found(errors.SourceNotFound("no account"), keyless=True, wanted=0)
    planned = status.after({"source": {"secretName": "old"}}, missing, NOW)
    assert planned.wake_at == NOW + status.KEYLESS_AGAIN
    assert "source" not in planned.status


def lent(ends: datetime.timedelta) -> findings.Published:
    """A target with a short-lived key."""
    return dataclasses.replace(TARGET, expires_at=NOW + ends, generation=1)


def test_a_short_lived_key_that_cannot_be_renewed_is_said_while_consumers_have_it() -> None:
    down = errors.ProviderUnreachable("down")
    old = good()
    failing = found(findings.UNCHANGED, targets=(lent(HOUR),), idle=True, renewal=down, renewing=True)
    assert judged(old, failing) == {
        "Validated": ("True", "Accepted"),
        "Synced": ("True", "Published"),
        "Ready": ("True", "Available"),
        "RenewalFailing": ("True", "ProviderUnreachable"),
    }
    result = status.after(old, failing, NOW)
    assert [event.reason for event in result.events] == ["ProviderUnreachable"]
    waiting = dataclasses.replace(failing, renewal=None)
    assert judged(result.status, waiting)["RenewalFailing"] == ("True", "ProviderUnreachable")
    renewed = dataclasses.replace(waiting, renewing=False)
    assert "RenewalFailing" not in judged(result.status, renewed)


def test_a_rotation_that_cannot_go_on_is_said_until_it_can_and_touches_nothing_else() -> None:
    old = good()
    managed = findings.Managed(document={"keyID": "B"}, error=errors.RotatedElsewhere("prod does"), due=True)
    failing = found(findings.UNCHANGED, idle=True, rotation={"drained": True}, managed=managed)
    assert judged(old, failing) == {
        "Validated": ("True", "Accepted"),
        "Synced": ("True", "Published"),
        "Ready": ("True", "Available"),
        "RotationFailing": ("True", "RotatedElsewhere"),
    }
    result = status.after(old, failing, NOW)
    assert [event.reason for event in result.events] == ["RotatedElsewhere"]
    assert result.status["rotation"] == {"drained": True, "managed": {"keyID": "B"}}

    waiting = dataclasses.replace(failing, managed=findings.Managed(document={"keyID": "B"}, due=True))
    assert judged(result.status, waiting)["RotationFailing"] == ("True", "RotatedElsewhere")
    done = findings.Managed(document={"keyID": "C"}, events=(("KeyMade", "Made key C."),))
    result = status.after(result.status, dataclasses.replace(failing, managed=done), NOW)
    assert "RotationFailing" not in {one["type"] for one in result.status["conditions"]}
    assert [(event.type, event.reason) for event in result.events] == [("Normal", "KeyMade")]

    given_up = dataclasses.replace(failing, rotation=result.status["rotation"], managed=None)
    assert status.after(result.status, given_up, NOW).status["rotation"] == {"drained": True}


def test_a_secret_with_keys_that_stays_is_told() -> None:
    (told,) = status.kept("kept")
    assert (told.type, told.reason) == ("Normal", "KeysLeft")
    assert told.message.startswith("Secret kept stays")
    assert status.kept("") == ()


def test_a_short_lived_key_that_has_ended_leaves_nothing_to_work_with() -> None:
    ended = (lent(-HOUR),)
    refused = found(errors.Rejected("no"), targets=ended, refusals=3)
    assert judged(good(), refused)["Ready"] == ("False", "Expired")
    assert judged(good(), found(ACCEPTED, targets=ended))["Ready"] == ("False", "Expired")
    failing = found(ACCEPTED, targets=ended, renewal=errors.HeldBack("another key"), renewing=True)
    conditions = status.after(good(), failing, NOW).status["conditions"]
    (ready,) = (one for one in conditions if one["type"] == "Ready")
    assert "env has ended" in ready["message"]
    assert "another key" in ready["message"]


def test_a_target_with_a_short_lived_key_has_its_end_and_is_looked_at_in_time() -> None:
    soon = NOW + HOUR / 4
    result = status.after({}, found(ACCEPTED, targets=(lent(HOUR / 2),), look_at=soon), NOW)
    (entry,) = result.status["targets"]
    assert (entry["expiresAt"], entry["generation"]) == ("2026-11-22T12:30:00Z", 1)
    assert findings.published(entry) == lent(HOUR / 2)
    assert result.wake_at == soon


def test_the_moment_when_a_rotation_is_over_is_told_once_with_what_was_looked_at() -> None:
    user = {"kind": "Deployment", "namespace": "a", "name": "api"}
    running = {
        "publishedAt": "x",
        "previousKeyID": "AKIA1",
        "drained": False,
        "stale": [user],
        "staleCount": 1,
    }
    old = good() | {"rotation": running}
    over = {
        "publishedAt": "x",
        "previousKeyID": "AKIA1",
        "drained": True,
        "unknown": [user],
        "unknownCount": 1,
    }
    result = status.after(old, found(findings.UNCHANGED, targets=(TARGET,), idle=True, rotation=over), NOW)
    (event,) = result.events
    assert (event.type, event.reason) == ("Normal", "Drained")
    assert "AKIA1" in event.message
    assert "Not judged: Deployment api" in event.message
    assert result.status["rotation"] == over
    again = found(findings.UNCHANGED, targets=(TARGET,), idle=True, rotation=over)
    assert status.after(result.status, again, NOW).events == ()
    nameless = {"publishedAt": "x", "drained": True}
    silent = found(findings.UNCHANGED, targets=(TARGET,), idle=True, rotation=nameless)
    assert status.after(old, silent, NOW).events[0].reason == "Drained"

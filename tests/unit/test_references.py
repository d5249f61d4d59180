"""Who claims a Credential, and what a CredentialReference is told."""

import datetime
from typing import Any

from credential_operator import answers, references, selection, status
from credential_operator.objects import Key
from credential_operator.situation import State

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
BACKUPS = Key("a", "backups")


def reference(
    name: str = "nightly",
    *,
    to: str = "backups",
    created: str = "2026-11-22T10:00:00Z",
    bound: str = "",
    **spec: Any,
) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "a", "name": name, "generation": 1, "creationTimestamp": created},
        "spec": {"credentialRef": {"name": to}, **spec},
        "status": holding(to, bound) if bound else {},
    }


def holding(name: str, uid: str) -> dict[str, Any]:
    """Return the status of a claim that is bound."""
    condition = {
        "type": "Bound",
        "status": "True",
        "reason": "Bound",
        "message": "",
        "lastTransitionTime": "",
    }
    return {"conditions": [condition], "credential": {"namespace": "a", "name": name, "uid": uid}}


def credential(*, deleted: str | None = None, ready: bool = True, **spec: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True", "reason": "Available", "message": "Published to env."}
    metadata = {"namespace": "a", "name": "backups", "uid": "u"}
    return {
        "metadata": {**metadata, "deletionTimestamp": deleted} if deleted else metadata,
        "spec": spec,
        "status": {"conditions": [condition]} if ready else {},
    }


HELD = references.Holding()


def after(
    one: dict[str, Any],
    other: dict[str, Any] | None,
    now: datetime.datetime = NOW,
    *,
    holding: references.Holding = HELD,
    granted: bool = True,
    delivery: answers.Delivery = answers.Delivery(),  # noqa: B008  it is frozen
) -> dict[str, Any]:
    state = answers.bound(one, other, now, granted=granted, holding=holding)
    return answers.after(one, other, now, state=state, holding=holding, delivery=delivery)


def told(one: dict[str, Any], other: dict[str, Any] | None) -> dict[str, tuple[str, str]]:
    conditions = after(one, other)["conditions"]
    return {each["type"]: (each["status"], each["reason"]) for each in conditions}


def test_a_claim_on_a_good_credential_is_bound_and_ready() -> None:
    assert told(reference(), credential()) == {"Bound": ("True", "Bound"), "Ready": ("True", "Available")}
    new = after(reference(), credential(), NOW)
    assert new["credential"] == {"namespace": "a", "name": "backups", "uid": "u"}
    assert new["observedGeneration"] == 1


def test_a_claim_tells_that_its_lease_has_run_out_once() -> None:
    held = reference(bound="u", leaseDurationSeconds=60, renewTime="2026-11-22T11:00:00Z")
    ended = after(held, credential())

    assert _reasons(held, ended) == ["Expired"]
    assert _reasons(held | {"status": ended}, ended) == []
    assert _reasons(reference(), after(reference(), credential())) == []


def test_a_claim_tells_of_a_secret_that_was_taken_over() -> None:
    claim = reference()
    new = after(claim, credential())
    adopting = answers.Delivery(target={"name": "env"}, adopted=True)

    assert [event.reason for event in answers.events(claim, new, adopting)] == ["Adopted"]


def _reasons(one: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [event.reason for event in answers.events(one, new, answers.Delivery())]


def test_a_claim_on_a_credential_that_was_not_looked_at_is_not_ready_yet() -> None:
    assert told(reference(), credential(ready=False))["Ready"] == ("Unknown", "Pending")


def test_a_claim_on_nothing_is_not_granted() -> None:
    assert told(reference(), None) == {"Bound": ("False", "NotGranted"), "Ready": ("False", "NotGranted")}
    assert "credential" not in after(reference(), None, NOW)


def test_a_claim_made_during_the_deletion_is_refused() -> None:
    late = reference(created="2026-11-22T11:00:01Z")
    gone = credential(deleted="2026-11-22T11:00:00Z")
    assert told(late, gone)["Bound"] == ("False", "CredentialTerminating")
    assert told(reference(), gone)["Bound"] == ("True", "Bound")
    assert told(reference(created="2026-11-22T11:00:01Z", bound="u"), gone)["Bound"] == ("True", "Bound")


def test_a_state_that_does_not_change_is_not_written() -> None:
    first = after(reference(), credential(), NOW)
    again = reference() | {"status": first}
    later = after(again, credential(), NOW + datetime.timedelta(hours=1))
    assert status.changes(first, later) == []


def test_an_offer_holds_nothing_until_its_namespace_asks_for_a_target() -> None:
    offered = reference()
    offered["metadata"]["labels"] = {"credential-operator.io/distributed": "offer"}
    assert told(offered, credential())["Bound"] == ("False", "Offered")
    state = answers.bound(offered, credential(), NOW, granted=True, holding=HELD)
    offer = {"type": "s3", "formats": ["env"]}
    new = answers.after(
        offered,
        credential(),
        NOW,
        state=state,
        holding=HELD,
        delivery=answers.Delivery(),
        offer=offer,
    )
    assert new["offer"] == offer
    assert "credential" not in new
    offered["spec"]["target"] = {"name": "env", "format": "env"}
    assert told(offered, credential())["Bound"] == ("True", "Bound")


def test_claims_are_those_that_name_the_credential_sorted() -> None:
    found = references.claims([reference("b"), reference("a"), reference("c", to="other")], BACKUPS, NOW)
    assert [claim.user.seen_from("a") for claim in found] == [
        "CredentialReference a",
        "CredentialReference b",
    ]


def counts(
    one: dict[str, Any], other: dict[str, Any], now: datetime.datetime = NOW, *, granted: bool = True
) -> bool:
    return references.claim(one, now).counts_for(other, now, granted=granted)


def test_a_claim_counts_if_it_was_there_before_the_deletion_or_is_bound_to_this_very_credential() -> None:
    gone = credential(deleted="2026-11-22T11:00:00Z")
    late = "2026-11-22T11:00:01Z"
    assert counts(reference(), gone)
    assert not counts(reference(created=late), gone)
    assert counts(reference(created=late, bound="u"), gone)
    assert not counts(reference(created=late, bound="an older one of that name"), gone)


def test_where_no_new_references_are_taken_the_old_ones_stay() -> None:
    cordoned = credential(acceptReferences=False)
    assert told(reference(), cordoned)["Bound"] == ("False", "NotAccepting")
    assert told(reference(bound="u"), cordoned)["Bound"] == ("True", "Bound")
    assert not counts(reference(bound="an older one of that name"), cordoned)


# Leases


def test_a_lease_counts_from_the_renewal_or_from_the_creation() -> None:
    assert references.lease_end(reference(), NOW) is None
    created = references.lease_end(reference(leaseDurationSeconds=3600), NOW)
    assert created == NOW - HOUR
    renewed = reference(leaseDurationSeconds=3600, renewTime="2026-11-22T11:30:00+00:00")
    assert references.lease_end(renewed, NOW) == NOW + HOUR / 2


def test_a_lease_ends_when_the_status_says_so() -> None:
    renewed = reference(leaseDurationSeconds=3600, renewTime="2026-11-22T11:30:00.9Z")
    seen = after(renewed, credential(), NOW)
    assert seen["expiresAt"] == "2026-11-22T12:30:00Z"
    for one in (renewed, renewed | {"status": seen}):
        assert references.lease_end(one, NOW) == NOW + HOUR / 2


def test_a_renewal_in_the_future_counts_from_when_it_was_seen() -> None:
    ahead = reference(leaseDurationSeconds=3600, renewTime="2030-01-01T00:00:00Z")
    seen = after(ahead, credential(), NOW)
    assert seen["expiresAt"] == "2026-11-22T13:00:00Z"
    later = ahead | {"status": seen}
    assert references.lease_end(later, NOW + HOUR / 2) == NOW + HOUR
    assert told(later, credential())["Bound"] == ("True", "Bound")
    ended = after(later, credential(), NOW + HOUR)
    assert ended["expiresAt"] == seen["expiresAt"]
    assert references.bound(seen)["status"] == "True"
    assert references.bound(ended)["reason"] == "Expired"
    assert references.weighed(seen) == ("Bound", "2026-11-22T13:00:00Z", "")
    assert references.weighed({}) == ("", "", "")


def test_a_lease_that_has_ended_counts_for_nobody_until_it_is_renewed() -> None:
    over = reference(leaseDurationSeconds=60, bound="u")
    assert not counts(over, credential())
    assert told(over, credential()) == {"Bound": ("False", "Expired"), "Ready": ("False", "Expired")}
    assert told(over, None)["Bound"] == ("False", "Expired")
    assert "credential" not in after(over, credential(), NOW)
    ended = over | {"status": after(over, credential(), NOW)}
    renewed = reference(leaseDurationSeconds=60, renewTime="2026-11-22T12:00:00Z")
    renewed["metadata"]["generation"] = 2
    assert told(renewed | {"status": ended["status"]}, credential())["Bound"] == ("True", "Bound")


def test_an_ended_reference_is_removed_where_it_asks_for_it() -> None:
    lease: dict[str, Any] = {"leaseDurationSeconds": 3600}
    assert references.removal(reference(**lease), NOW) is None
    assert references.removal(reference(), NOW) is None
    assert references.removal(reference(**lease, ttlSecondsAfterFinished=7200), NOW) == NOW + HOUR
    assert references.removal(reference(**lease, ttlSecondsAfterFinished=0), NOW) == NOW - HOUR


# Holders


HOLDER = {"apiVersion": "batch/v1", "kind": "Job", "name": "nightly"}
RUNNING = references.Holding(uid="h")
DONE = references.Holding(uid="h", finished=True)
GONE = references.Holding()
ANOTHER = references.Holding(uid="i")
UNWATCHED = references.Holding(watched=False)


def held(status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    one = reference(holder=HOLDER, **{"until": "HolderFinished", **spec})
    return one if status is None else one | {"status": status}


def bound(one: dict[str, Any], holding: references.Holding) -> str:
    return str(after(one, credential(), NOW, holding=holding)["conditions"][0]["reason"])


def test_a_holder_that_has_not_come_yet_holds() -> None:
    assert bound(held(), GONE) == "Bound"
    assert "holder" not in after(held(), credential(), NOW, holding=GONE)


def test_a_holder_holds_until_it_is_finished_gone_or_another() -> None:
    seen = after(held(), credential(), NOW, holding=RUNNING)
    assert seen["holder"] == {"uid": "h"}
    assert bound(held(seen), RUNNING) == "Bound"
    for later in (DONE, GONE, ANOTHER):
        assert bound(held(seen), later) == "Finished"
    assert bound(held(), DONE) == "Finished"


def test_what_has_finished_stays_so_whatever_comes_in_its_place() -> None:
    over = after(held(), credential(), NOW, holding=DONE)
    assert bound(held(over), ANOTHER) == "Finished"
    assert bound(held(over), RUNNING) == "Finished"
    assert not counts(held(over), credential())
    assert counts(held(over, until="Released"), credential())
    assert bound(held(over, until="Released"), DONE) == "Bound"


def test_a_holder_that_is_only_named_ends_nothing() -> None:
    assert bound(held(until="Released"), DONE) == "Bound"
    assert "holder" not in after(held(until="Released"), credential(), NOW, holding=DONE)


def test_a_kind_that_nobody_watches_holds_nothing_and_says_so() -> None:
    unwatched = after(held(), credential(), NOW, holding=UNWATCHED)
    assert unwatched["conditions"][0]["reason"] == "HolderKindNotWatched"
    assert not counts(held(unwatched), credential())
    assert bound(held(unwatched), RUNNING) == "Bound"


def test_a_lease_ends_beside_its_holder() -> None:
    assert bound(held(leaseDurationSeconds=60), RUNNING) == "Expired"


def test_a_finished_reference_is_removed_where_it_asks_for_it() -> None:
    over = after(held(), credential(), NOW, holding=DONE)
    assert references.removal(held(over, ttlSecondsAfterFinished=3600), NOW + HOUR) == NOW + HOUR
    assert references.removal(held(ttlSecondsAfterFinished=3600), NOW) is None
    assert references.removal(held(over), NOW) is None


# Other namespaces


def foreign(bound_reason: str = "", **spec: Any) -> dict[str, Any]:
    one = reference(**spec)
    one["metadata"]["namespace"] = "b"
    one["spec"]["credentialRef"]["namespace"] = "a"
    value = "True" if bound_reason == "Bound" else "False"
    condition = {
        "type": "Bound",
        "status": value,
        "reason": bound_reason,
        "message": "",
        "lastTransitionTime": "",
    }
    return one | ({"status": {"conditions": [condition]}} if bound_reason else {})


def test_what_is_not_granted_looks_like_what_does_not_exist() -> None:
    refused, missing = after(foreign(), credential(), granted=False), after(foreign(), None, granted=False)
    assert refused == missing
    assert references.bound(refused)["reason"] == "NotGranted"
    assert not counts(foreign(), credential(), granted=False)


def test_who_had_it_is_told_that_it_was_revoked_for_as_long_as_it_is() -> None:
    for reason in ("Bound", "Revoked"):
        revoked = after(foreign(reason), credential(), granted=False)
        assert references.bound(revoked)["reason"] == "Revoked"
        assert "credential" not in revoked
        assert references.bound(after(foreign(reason), credential()))["reason"] == "Bound"


def test_who_was_revoked_stays_so_when_the_credential_goes_and_who_had_it_till_then_is_not() -> None:
    assert references.bound(after(foreign("Revoked"), None))["reason"] == "Revoked"
    assert references.bound(after(foreign("Bound"), None))["reason"] == "NotGranted"


def test_who_has_a_target_still_is_told_that_it_was_revoked_though_its_lease_has_ended() -> None:
    ended = foreign("Expired")
    ended["spec"]["leaseDurationSeconds"] = 60
    assert references.bound(after(ended, credential()))["reason"] == "Expired"
    assert references.bound(after(ended, credential(), granted=False))["reason"] == "Expired"

    ended["status"]["target"] = HAD
    assert references.bound(after(ended, credential()))["reason"] == "Expired", "who is granted keeps it"
    assert references.bound(after(ended, None, granted=False))["reason"] == "Expired", "the last good copy"
    assert references.bound(after(ended, credential(), granted=False))["reason"] == "Revoked"
    told_so = foreign("Revoked")
    told_so["spec"]["leaseDurationSeconds"] = 60
    told_so["status"]["target"] = HAD
    assert references.bound(after(told_so, None, granted=False))["reason"] == "Revoked"


def test_a_bound_claim_counts_until_it_was_told_otherwise() -> None:
    assert counts(foreign(bound="u"), credential(), granted=False)


def test_claims_of_any_namespace_are_picked_by_what_they_name() -> None:
    elsewhere = reference("x")
    elsewhere["metadata"]["namespace"] = "b"
    found = references.claims([elsewhere, foreign(), reference()], BACKUPS, NOW)
    assert [claim.key for claim in found] == [Key("a", "nightly"), Key("b", "nightly")]


# Targets


HAD = {"name": "env", "format": "env"}


def test_a_reference_is_ready_when_its_target_is_there() -> None:
    failed = State("False", "TargetConflict", "belongs to someone else")
    without = after(reference(), credential(), delivery=answers.Delivery(synced=failed))
    states = {one["type"]: (one["status"], one["reason"]) for one in without["conditions"]}
    assert states == {
        "Bound": ("True", "Bound"),
        "Ready": ("False", "TargetConflict"),
        "Synced": ("False", "TargetConflict"),
    }
    held = State("False", "HeldBack", "the last good key")
    over = answers.Delivery(synced=held, target=HAD, over=True)
    ended = after(reference(), credential(), delivery=over)
    assert next(one["reason"] for one in ended["conditions"] if one["type"] == "Ready") == "HeldBack"
    still = after(reference(), credential(), delivery=answers.Delivery(synced=held, target=HAD))
    states = {one["type"]: (one["status"], one["reason"]) for one in still["conditions"]}
    assert (states["Ready"], states["Synced"]) == (("True", "Available"), ("False", "HeldBack"))
    assert still["target"] == HAD


# Selection


def selecting(*, name: str = "nightly", bound: str = "", **selector: Any) -> dict[str, Any]:
    one = reference(name, bound=bound)
    one["spec"] = {"credentialSelector": selector or {"types": ["aws"]}}
    return one


def offered(name: str, kind: str = "aws", **labels: str) -> dict[str, Any]:
    metadata = {"namespace": "a", "name": name, "uid": f"u-{name}", "labels": labels}
    return {"metadata": metadata, "spec": {kind: {}}, "status": {}}


def test_a_selector_matches_by_type_and_by_all_of_its_labels() -> None:
    backup = offered("one", "s3", tier="backup", team="b")
    assert selection.matches({"types": ["aws", "s3"]}, backup)
    assert not selection.matches({"types": ["aws"]}, backup)
    assert selection.matches({"matchLabels": {"tier": "backup"}}, backup)
    assert not selection.matches({"types": ["s3"], "matchLabels": {"tier": "gold"}}, backup)
    assert not selection.matches({"matchLabels": {"tier": "backup"}}, {**backup, "metadata": {}})


def test_one_that_matches_is_chosen_and_none_or_several_are_said() -> None:
    assert selection.choose(selecting(), [offered("one"), offered("two", "s3")]).key == Key("a", "one")
    nobody = selection.choose(selecting(), [offered("two", "s3")])
    assert (nobody.key, nobody.refusal and nobody.refusal.reason) == (None, "NotGranted")
    many = selection.choose(selecting(), [offered(f"c{number}") for number in range(7)])
    assert many.refusal is not None
    assert many.refusal.reason == "Ambiguous"
    assert "7 Credentials match, and must be one: c0, c1, c2, c3, c4 and others." in many.refusal.message
    assert selection.choose(reference(), []).key == BACKUPS


def test_what_was_selected_once_is_meant_whatever_matches_later() -> None:
    held = selecting(bound="u-one")
    held["status"]["credential"]["name"] = "one"
    assert selection.choose(held, [offered("other")]).key == Key("a", "one")
    assert told(held, offered("one", "s3"))["Bound"] == ("True", "Bound")
    again = {**offered("one"), "metadata": {**offered("one")["metadata"], "uid": "another of that name"}}
    lost = after(held, again)
    assert references.bound(lost)["reason"] == "NotGranted"
    assert lost["credential"] == held["status"]["credential"]
    assert not counts({**held, "status": lost}, offered("one"), granted=False)
    assert references.bound(after({**held, "status": lost}, None))["reason"] == "NotGranted"

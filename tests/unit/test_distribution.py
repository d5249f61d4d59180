"""Which references the operator keeps for a Credential in the namespaces of others, and what is said of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import distribution, handouts
from credential_operator.objects import Key

Json = dict[str, Any]
ENV = {"name": "shared-env", "format": "env"}
FILE = {"name": "shared-file", "format": "aws-credentials-file"}
PLACES: Mapping[str, Mapping[str, str]] = {"a": {}, "b": {"team": "b"}, "c": {"team": "c"}}
EVERYBODY = {"all": True}
BACKUPS = Key("a", "backups")


def credential(*, deleted: bool = False, **spec: Any) -> Json:
    metadata = {"namespace": "a", "name": "backups", "uid": "u", "generation": 3}
    return {
        "metadata": metadata | ({"deletionTimestamp": "2026-11-22T00:00:00Z"} if deleted else {}),
        "spec": {"allowedNamespaces": EVERYBODY, "distribute": {"target": ENV}, **spec},
        "status": {},
    }


def reference(
    namespace: str = "b",
    *,
    name: str = "backups",
    form: str | None = "target",
    target: Json | None = ENV,
    secret: str = "",
    of: str = "a",
    taken: bool = False,
    leaving: bool = False,
) -> Json:
    labels = {"labels": {handouts.LABEL: form}} if form else {}
    conditions = [{"type": "Synced", "reason": "TargetConflict" if taken else "Published"}]
    return {
        "metadata": {
            "namespace": namespace,
            "name": name,
            **labels,
            **({"deletionTimestamp": "2026-11-22T00:00:00Z"} if leaving else {}),
        },
        "spec": {
            "credentialRef": {"namespace": of, "name": "backups"},
            **({} if target is None else {"target": target}),
        },
        "status": {"conditions": conditions, **({"target": {"name": secret}} if secret else {})},
    }


def planned(
    of: Json, *references: Json, places: Mapping[str, Any] = PLACES, leaving: frozenset[str] = frozenset()
) -> distribution.Plan:
    made = handouts.Handouts()
    there = {Key.of(one) for one in references}
    for one in references:
        made.put_reference(Key.of(one), one)
    return distribution.plan(of, places, leaving=leaving, there=there, given=made)


def test_every_allowed_namespace_but_its_own_is_to_have_one() -> None:
    assert planned(credential()) == distribution.Plan(wanted=2, make=("b", "c"))
    selected = {"selector": {"matchLabels": {"team": "c"}}}
    assert planned(credential(allowedNamespaces=selected)).make == ("c",)
    assert planned(credential(allowedNamespaces={"names": ["b", "gone"]})).make == ("b",)


def test_labels_that_are_not_known_match_no_selector() -> None:
    listed = dict.fromkeys(["a", "b", "c"])
    selected = {"names": ["b"], "selector": {"matchLabels": {"team": "c"}}}
    assert planned(credential(allowedNamespaces=selected), places=listed).make == ("b",)


def test_what_is_as_it_should_be_is_counted_and_left() -> None:
    plan = planned(credential(), reference("b", secret="shared-env"), reference("c"))
    assert plan == distribution.Plan(wanted=2, made=2, published=1)
    assert not plan.due


def test_another_target_is_written_where_the_operator_chose_it() -> None:
    assert planned(credential(), reference("b", target=FILE), reference("c")).change == (Key("b", "backups"),)
    changed = credential(distribute={"target": {**ENV, "labels": {"a": "b"}}})
    assert planned(changed, reference("b"), reference("c")).change == (
        Key("b", "backups"),
        Key("c", "backups"),
    )


def test_a_name_that_is_somebody_elses_is_left_alone_and_told() -> None:
    own = reference("b", form=None)
    others = reference("c", of="z")
    plan = planned(credential(), own, others)
    assert (plan.make, plan.change, plan.remove) == ((), (), ())
    assert plan.conflicts == (
        ("CredentialReference", "b", "backups"),
        ("CredentialReference", "c", "backups"),
    )
    plan = planned(credential(), reference("b", taken=True), reference("c"))
    assert plan.conflicts == (("Secret", "b", "shared-env"),)
    assert plan.made == 2


def test_a_label_that_says_nothing_of_ours_makes_a_reference_nobody_elses() -> None:
    assert planned(credential(), reference("b", form="mine")).conflicts
    selecting = reference("b")
    selecting["spec"] = {"credentialSelector": {"types": ["s3"]}}
    assert handouts.form_of(selecting) == ""


@pytest.mark.parametrize(
    "withdrawn",
    [
        {"allowedNamespaces": {"names": ["c"]}},
        {"distribute": None},
        {"allowedNamespaces": None, "distribute": None},
    ],
    ids=["the grant", "the distribution", "both"],
)
def test_what_is_not_wanted_any_more_goes_after_its_secret(withdrawn: Json) -> None:
    of = credential(**withdrawn)
    of["spec"] = {name: value for name, value in of["spec"].items() if value is not None}
    at = (Key("b", "backups"),)
    assert planned(of, reference("b", secret="shared-env")).remove == ()
    assert planned(of, reference("b")).remove == at
    assert planned(of, reference("b", leaving=True)).remove == ()
    assert planned(of, reference("b"), leaving=frozenset("b")).remove == ()


def test_a_reference_of_another_name_is_not_ours_to_keep() -> None:
    assert planned(credential(), reference("b", name="copy")).remove == (Key("b", "copy"),)


def test_one_that_is_being_deleted_is_awaited() -> None:
    plan = planned(credential(), reference("b", leaving=True), reference("c"))
    assert plan == distribution.Plan(wanted=2, made=1)


def test_namespaces_that_are_being_deleted_are_left_alone() -> None:
    plan = planned(credential(), reference("b", target=FILE), leaving=frozenset("b"))
    assert plan == distribution.Plan(wanted=1, make=("c",))


def test_a_cordon_makes_nothing_new() -> None:
    plan = planned(credential(acceptReferences=False), reference("b", target=FILE))
    assert (plan.wanted, plan.made, plan.make) == (2, 1, ())
    assert plan.change


def test_a_credential_that_is_being_deleted_changes_nothing() -> None:
    plan = planned(credential(deleted=True), reference("b", target=FILE, secret="x"), reference("d"))
    assert plan == distribution.Plan(wanted=2, made=2, published=1)


# Offers

OFFERING: Json = {"distribute": {"advertise": True}}


def test_an_offer_has_no_target_and_its_namespace_may_choose_one() -> None:
    manifest = distribution.manifest(credential(**OFFERING), "b")
    assert "target" not in manifest["spec"]
    assert handouts.form_of(manifest) == "offer"
    offered, chosen = reference("b", form="offer", target=None), reference("c", form="offer", secret="x")
    plan = planned(credential(**OFFERING), offered, chosen)
    assert plan == distribution.Plan(wanted=2, made=2, published=1)
    assert distribution.open_offer(offered)
    assert not distribution.open_offer(chosen)


def test_what_was_made_in_another_form_is_made_anew_unless_its_namespace_chose_it() -> None:
    of = credential(**OFFERING)
    assert planned(of, reference("b"), reference("c", secret="x")).remove == (Key("b", "backups"),)
    assert not distribution.admits(reference("b"), of)
    offered, chosen = reference("b", form="offer", target=None), reference("c", form="offer", target=FILE)
    plan = planned(credential(), offered, chosen)
    assert (plan.remove, plan.change, plan.made) == ((Key("b", "backups"),), (), 1)
    assert distribution.admits(chosen, credential())
    assert not distribution.admits(offered, credential())


def test_a_reference_of_another_name_was_not_made_whatever_its_label_says() -> None:
    for form, wanted in ((handouts.OFFER, OFFERING), (handouts.TARGET, {})):
        planted = reference("b", form=form)
        assert distribution.admits(planted, credential(**wanted))
        planted["metadata"]["name"] = "planted"
        assert not distribution.admits(planted, credential(**wanted))


def test_peoples_own_references_are_admitted_whatever_is_distributed() -> None:
    assert distribution.admits(reference(form=None), credential(distribute=None))


# Words


def test_what_is_made_is_what_is_wanted() -> None:
    made = distribution.manifest(credential(), "b")
    plan = planned(credential(), made, reference("c"))
    assert (plan.made, plan.due) == (2, False)
    assert distribution.retargeting(credential())["value"] == ENV


def test_the_status_has_counts_and_the_first_names() -> None:
    nothing = credential()
    del nothing["spec"]["distribute"]
    assert distribution.status(nothing, distribution.Plan(), "") is None
    assert distribution.status(nothing, distribution.Plan(made=1), "") is not None
    everywhere: dict[str, Json] = {f"n{number:02}": {} for number in range(12)}
    taken = [reference(place, form=None) for place in everywhere]
    plan = planned(credential(), *taken, places=everywhere)
    told = distribution.status(credential(), plan, "x" * 2000)
    assert told is not None
    assert (told["observedGeneration"], told["wanted"], told["conflicts"]) == (3, 12, 12)
    assert [one["namespace"] for one in told["items"]] == [f"n{number:02}" for number in range(10)]
    assert len(told["message"]) == 1024
    assert "n09/backups and 2 more" in distribution.taken(plan)
    assert "more" not in distribution.taken(planned(credential(), reference("b", form=None)))


@given(st.lists(st.text(max_size=2), unique=True, max_size=30), st.integers(min_value=0))
def test_each_turn_begins_elsewhere_and_leaves_nothing_out(places: list[str], turn: int) -> None:
    assert sorted(distribution.rotated(places, turn)) == sorted(places)


def test_turns_come_round() -> None:
    assert {distribution.rotated("abc", turn)[0] for turn in range(3)} == set("abc")


FORMS = st.sampled_from(["target", "offer", None])
ANY = st.builds(
    reference,
    st.sampled_from(["b", "c", "d"]),
    form=FORMS,
    target=st.sampled_from([ENV, FILE, None]),
    secret=st.sampled_from(["", "shared-env"]),
    of=st.sampled_from(["a", "z"]),
    taken=st.booleans(),
    leaving=st.booleans(),
)


@given(
    references=st.lists(ANY, max_size=3, unique_by=lambda one: str(one["metadata"]["namespace"])),
    offering=st.booleans(),
)
def test_what_is_somebody_elses_is_never_touched(references: list[Json], *, offering: bool) -> None:
    plan = planned(credential(**(OFFERING if offering else {})), *references)
    ours = {
        Key.of(one)
        for one in references
        if handouts.form_of(one) and one["spec"]["credentialRef"]["namespace"] == "a"
    }
    assert {*plan.change, *plan.remove} <= ours
    assert {Key(place, "backups") for place in plan.make}.isdisjoint(Key.of(one) for one in references)


# What is known


def test_who_is_concerned_by_a_reference_is_found_by_its_name_and_by_whom_it_was_made_for() -> None:
    known = handouts.Handouts()
    known.put_credential(BACKUPS, distributing=True)
    known.put_credential(Key("z", "backups"), distributing=True)
    known.put_reference(Key("b", "copy"), reference("b", name="copy"))
    assert known.concerned(Key("b", "backups")) == {BACKUPS, Key("z", "backups")}
    assert known.concerned(Key("b", "copy")) == {BACKUPS}
    assert known.concerned(Key("b", "other")) == set()
    assert known.distributing() == [BACKUPS, Key("z", "backups")]

    known.put_credential(BACKUPS, distributing=False)
    known.put_credential(Key("z", "backups"), distributing=False)
    assert known.distributing() == []
    assert known.concerns(BACKUPS)
    known.put_reference(Key("b", "copy"), reference("b", name="copy", form=None))
    known.drop_reference(Key("b", "copy"))
    assert not known.concerns(BACKUPS)
    assert known.of(BACKUPS) == {}


def test_two_references_of_one_credential_are_forgotten_one_by_one() -> None:
    known = handouts.Handouts()
    for place in ("b", "c"):
        known.put_reference(Key(place, "backups"), reference(place))
    known.drop_reference(Key("b", "backups"))
    assert [*known.of(BACKUPS)] == [Key("c", "backups")]
    assert known.get(Key("b", "backups")) is None


def test_the_order_of_fields_makes_no_other_target() -> None:
    assert handouts.mark({"name": "a", "format": "env"}) == handouts.mark({"format": "env", "name": "a"})
    assert handouts.mark(None) == b""

"""The checker can fail: histories made up for what is promised of distributions, kept and broken."""

from collections.abc import Callable
from typing import Any

import pytest

from cluster import workloads
from races import ending, given, history, invariants
from races.history import BY, DISTRIBUTED, GIVEN_UP, Json
from races.tales import BY_NAME, NOBODY, START, TIME, Tale, told

OTHERS = "neighbour"
TARGET: Json = {"name": "d", "format": "env"}


class Gift(Tale):
    """A history of an owner who distributes, and of what the neighbour does about it."""

    def distribute(
        self,
        wanted: Json | None = None,
        *,
        shared: Json = BY_NAME,
        counts: tuple[int, int, int] | None = (1, 1, 1),
        type_: str = "MODIFIED",
        **metadata: Any,
    ) -> None:
        """The Credential; `counts` are what its status says of the distribution: wanted, made, published."""
        spec = {"allowedNamespaces": shared, "distribute": wanted or {"target": TARGET}}
        told_of = dict(zip(("wanted", "made", "published"), counts, strict=True)) if counts else None
        status = {"distribution": told_of} if told_of else {}
        metadata.setdefault("finalizers", [invariants.FINALIZER])
        self.put("credentials", "owner", "a", spec=spec, status=status, metadata=metadata, type_=type_)

    def give(
        self,
        form: str = "target",
        *,
        target: Json | None = TARGET,
        reason: str = "Bound",
        type_: str = "MODIFIED",
        marks: Json | None = None,
    ) -> None:
        """The neighbour's reference of the Credential's name; without a form it is their own."""
        spec: Json = {"credentialRef": {"name": "a", "namespace": "owner"}}
        status = told(reason)
        if target is not None:
            spec, status = spec | {"target": target}, status | {"target": {"name": target["name"]}}
        labels = {DISTRIBUTED: form} if form else {}
        metadata = {"labels": labels, "annotations": marks or {}}
        self.put(
            "credentialreferences", OTHERS, "a", spec=spec, status=status, metadata=metadata, type_=type_
        )

    def plant(self, data: str = "own", *, type_: str = "MODIFIED", marks: Json | None = None) -> None:
        """A Secret of the neighbour's own."""
        self.put(
            "secrets", OTHERS, "d", data={"KEY": data}, metadata={"annotations": marks or {}}, type_=type_
        )

    def use(self, *, type_: str = "MODIFIED") -> None:
        """A Job of the neighbour's that uses the Secret."""
        spec = workloads.job("j", "d", suspend=True)["spec"]
        self.put("jobs", OTHERS, "j", spec=spec, type_=type_)

    def ask(self, **metadata: Any) -> None:
        """The Credential's deletion is asked for."""
        self.distribute(deletionTimestamp=TIME.format(20), **metadata)

    def go(self, **metadata: Any) -> None:
        """The Credential is gone."""
        self.distribute(type_="DELETED", finalizers=[], deletionTimestamp=TIME.format(20), **metadata)

    def leave(self) -> None:
        """The neighbour's namespace is being deleted."""
        self.put("namespaces", OTHERS, OTHERS, metadata={"deletionTimestamp": TIME.format(20)})

    def wrong(self) -> list[str]:
        """What the checker says of what happened."""
        return [
            *given.broken(self.events),
            *given.released_in_use(self.events),
            *invariants.released_too_soon(self.events, tolerance=2.0),
        ]

    def left(self) -> list[str]:
        """What the checker says of the end."""
        return list(given.unsettled(history.standing(self.events), now=START + 100, tolerance=2.0))


# What is somebody else's


def reference_changed(tale: Gift) -> None:
    tale.give("", marks={BY: "1"})
    tale.give("", target={"name": "other"}, marks={BY: "1"})


def reference_labelled(tale: Gift) -> None:
    tale.give("", marks={BY: "1"})
    tale.give("target", marks={BY: "1"})


def reference_deleted(tale: Gift) -> None:
    tale.give("", marks={BY: "1"})
    tale.give("", type_="DELETED", marks={BY: "1"})


def secret_changed(tale: Gift) -> None:
    tale.plant(marks={BY: "1"})
    tale.plant("another", marks={BY: "1"})


def secret_deleted(tale: Gift) -> None:
    tale.plant(marks={BY: "1"})
    tale.plant(type_="DELETED", marks={BY: "1"})


@pytest.mark.parametrize(
    "happens", [reference_changed, reference_labelled, reference_deleted, secret_changed, secret_deleted]
)
def test_what_happens_to_somebodys_own_is_seen(happens: Callable[[Gift], None]) -> None:
    tale = Gift()
    happens(tale)
    (line,) = tale.wrong()
    assert line.startswith("somebody's own")


def changed_by_its_owner(tale: Gift) -> None:
    tale.give("", marks={BY: "1"})
    tale.give("", target=None, marks={BY: "2"})


def deleted_by_its_owner(tale: Gift) -> None:
    tale.plant(marks={BY: "1"})
    tale.plant(marks={BY: "1", GIVEN_UP: "true"})
    tale.plant(type_="DELETED", marks={BY: "1", GIVEN_UP: "true"})


def gone_with_its_namespace(tale: Gift) -> None:
    tale.plant(marks={BY: "1"})
    tale.leave()
    tale.plant(type_="DELETED", marks={BY: "1"})


def status_written(tale: Gift) -> None:
    tale.give("", reason="NotGranted", marks={BY: "1"})
    tale.give("", reason="Bound", marks={BY: "1"})


def made_and_brought_back(tale: Gift) -> None:
    tale.give("target", target=None, marks={BY: "1"})
    tale.give("target", marks={BY: "1"})
    tale.give("target", type_="DELETED", marks={BY: "1"})


@pytest.mark.parametrize(
    "happens",
    [
        changed_by_its_owner,
        deleted_by_its_owner,
        gone_with_its_namespace,
        status_written,
        made_and_brought_back,
    ],
)
def test_people_may_change_their_own_and_the_operator_its_own(happens: Callable[[Gift], None]) -> None:
    tale = Gift()
    happens(tale)
    assert tale.wrong() == []


# Who holds a Credential


def in_use() -> Gift:
    tale = Gift()
    tale.distribute()
    tale.give()
    tale.use()
    return tale


def stays_used(_: Gift) -> None:
    """Nobody does anything."""


def taken_back_while_used(tale: Gift) -> None:
    tale.give(type_="DELETED")


@pytest.mark.parametrize("happens", [stays_used, taken_back_while_used])
def test_a_credential_that_goes_while_what_it_distributes_is_used_is_seen(
    happens: Callable[[Gift], None],
) -> None:
    tale = in_use()
    tale.ask()
    happens(tale)
    tale.go()
    (line,) = tale.wrong()
    assert "used" not in line
    assert "uses" in line


def job_gone(tale: Gift) -> None:
    tale.use(type_="DELETED")


def rejected(tale: Gift) -> None:
    tale.give(type_="DELETED", marks={GIVEN_UP: "true"})


def other_secret(tale: Gift) -> None:
    tale.give(target={"name": "other"})


def neighbour_gone(tale: Gift) -> None:
    tale.leave()


def label_taken_off_late(tale: Gift) -> None:
    tale.give("")


@pytest.mark.parametrize("happens", [job_gone, rejected, other_secret, neighbour_gone, label_taken_off_late])
def test_a_credential_may_go_when_what_it_distributes_is_used_no_more(
    happens: Callable[[Gift], None],
) -> None:
    tale = in_use()
    tale.ask()
    happens(tale)
    tale.go()
    assert tale.wrong() == []


def test_a_credential_may_go_by_force_and_when_its_users_came_late() -> None:
    forced, late = in_use(), Gift()
    forced.ask(annotations={invariants.FORCED: "why"})
    forced.go(annotations={invariants.FORCED: "why"})
    late.distribute()
    late.give()
    late.ask()
    late.use()
    late.go()
    assert [forced.wrong(), late.wrong()] == [[], []]


def test_a_reference_whose_label_was_taken_off_holds_as_any_other() -> None:
    tale = Gift()
    tale.distribute()
    tale.give()
    tale.give("")
    tale.ask()
    tale.go()
    (line,) = tale.wrong()
    assert "was Bound to it" in line


# The end


def as_wanted(tale: Gift) -> None:
    tale.distribute()
    tale.give()


def offered(tale: Gift) -> None:
    tale.distribute({"advertise": True}, counts=(1, 1, 0))
    tale.give("offer", target=None, reason="Offered")


def taken_up_before_the_owner_chose(tale: Gift) -> None:
    tale.distribute()
    tale.give("offer", target={"name": "mine"})


def name_is_somebody_elses(tale: Gift) -> None:
    tale.distribute(counts=(1, 0, 0))
    tale.give("")


def cordoned(tale: Gift) -> None:
    tale.distribute(counts=(1, 0, 0))
    tale.events[-1].object["spec"]["acceptReferences"] = False


def withdrawn_in_its_time_of_grace(tale: Gift) -> None:
    tale.distribute(shared=NOBODY | {"revocationGracePeriod": "1h"}, counts=(0, 0, 0))
    tale.give(reason="Revoked")


def of_another_form_in_its_time_of_grace(tale: Gift) -> None:
    tale.distribute({"advertise": True}, shared=BY_NAME | {"revocationGracePeriod": "1h"}, counts=(1, 0, 0))
    tale.give(reason="Revoked")


def used_and_left(tale: Gift) -> None:
    tale.give(reason="NotGranted")
    tale.use()


def going_with_its_namespace(tale: Gift) -> None:
    tale.give(reason="NotGranted")
    tale.leave()


@pytest.mark.parametrize(
    "happens",
    [
        as_wanted,
        offered,
        taken_up_before_the_owner_chose,
        name_is_somebody_elses,
        cordoned,
        withdrawn_in_its_time_of_grace,
        of_another_form_in_its_time_of_grace,
        used_and_left,
        going_with_its_namespace,
    ],
)
def test_nothing_is_wrong_where_a_distribution_is_as_it_has_to_be(happens: Callable[[Gift], None]) -> None:
    tale = Gift()
    happens(tale)
    assert tale.left() == []


def missing(tale: Gift) -> None:
    tale.distribute(counts=(1, 0, 0))


def of_another_form(tale: Gift) -> None:
    tale.distribute({"advertise": True}, counts=(1, 0, 0))
    tale.give()


def drifted(tale: Gift) -> None:
    tale.distribute()
    tale.give(target={"name": "other", "format": "env"})


def miscounted(tale: Gift) -> None:
    tale.distribute(counts=(1, 1, 0))
    tale.give()


def told_on(tale: Gift) -> None:
    tale.distribute(shared=NOBODY, counts=(1, 0, 0))


def beyond_its_grace(tale: Gift) -> None:
    tale.distribute(shared=NOBODY, counts=(0, 0, 0))
    tale.give(reason="Revoked")


def left_by_a_credential_that_is_gone(tale: Gift) -> None:
    tale.give(reason="NotGranted")


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (missing, "there is no reference"),
        (of_another_form, "was distributed, and is left"),
        (drifted, "asks for another target"),
        (miscounted, "of its distribution, not"),
        (told_on, "of its distribution, not"),
        (beyond_its_grace, "was distributed, and is left"),
        (left_by_a_credential_that_is_gone, "was distributed, and is left"),
    ],
)
def test_what_is_wrong_with_a_distribution_in_the_end_is_named(
    happens: Callable[[Gift], None], said: str
) -> None:
    tale = Gift()
    happens(tale)
    assert any(said in line for line in tale.left()), tale.left()


def test_a_target_with_another_key_than_its_owners_is_named() -> None:
    tale = Gift()
    tale.put("secrets", "owner", "keys", data={"KEY": "new"})
    as_wanted(tale)
    labels, owners = {history.BORROWER: "a"}, [{"uid": "credentialreferences-a"}]
    metadata = {"labels": labels, "ownerReferences": owners}
    tale.put("secrets", OTHERS, "d", data={"KEY": "old"}, metadata=metadata)
    state = history.standing(tale.events)
    wrong = list(ending.unsettled(state, now=START + 100, tolerance=2.0))
    assert "target d has another key than Credential a" in wrong
    assert any("is Synced=('', ''), not ('True', 'Published')" in line for line in wrong)


def test_a_distributed_reference_counts_while_its_secret_is_used() -> None:
    idle, used = Gift(), in_use()
    as_wanted(idle)
    told_of = [
        next(line for line in ending.unsettled(history.standing(tale.events), now=START + 100, tolerance=2.0))
        for tale in (idle, used)
    ]
    assert "those that count are []" in told_of[0]
    assert "credentialreferences" in told_of[1]
    assert "jobs" in told_of[1]

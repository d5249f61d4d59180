"""The checker can fail: histories made up for what is promised of borrowers and holders, kept and broken."""

from collections.abc import Callable

import pytest

from races import borrowers
from races.tales import BY_LABEL, BY_NAME, NOBODY, TIME, Tale


def bound_by_name(tale: Tale) -> None:
    tale.credential(shared=BY_NAME)
    tale.borrow("Bound")
    tale.release(shared=BY_NAME)


def not_looked_at(tale: Tale) -> None:
    tale.borrow()
    tale.credential(shared=BY_NAME)
    tale.release(shared=BY_NAME)


def bound_by_label(tale: Tale) -> None:
    tale.neighbour(**borrowers.selector("owner")["matchLabels"])
    tale.credential(shared=BY_LABEL)
    tale.borrow("Bound")
    tale.release(shared=BY_LABEL)


def holder_not_there_yet(tale: Tale) -> None:
    tale.credential()
    tale.hold("Bound")
    tale.release()


def holder_on_its_way_out(tale: Tale) -> None:
    tale.credential()
    tale.job()
    tale.hold("Bound", seen="first")
    tale.job(deletionTimestamp=TIME.format(5))
    tale.release()


@pytest.mark.parametrize(
    "told", [bound_by_name, not_looked_at, bound_by_label, holder_not_there_yet, holder_on_its_way_out]
)
def test_a_credential_that_goes_while_a_borrower_or_a_holder_counts_is_seen(
    told: Callable[[Tale], None],
) -> None:
    tale = Tale()
    told(tale)
    (line,) = tale.broken()
    assert "Credential a" in line


def taken_back(tale: Tale) -> None:
    tale.credential(shared=BY_NAME)
    tale.borrow("Bound")
    tale.write()
    tale.credential(shared=NOBODY)
    tale.release(shared=NOBODY)


def label_is_another_objects(tale: Tale) -> None:
    tale.borrow()
    tale.neighbour(**borrowers.selector("owner")["matchLabels"])
    tale.credential(shared=BY_LABEL)
    tale.release(shared=BY_LABEL)


def holder_failed(tale: Tale) -> None:
    tale.credential()
    tale.job()
    tale.hold("Bound", seen="first")
    tale.job(done=True)
    tale.release()
    tale.hold("Finished", seen="first")


def holder_made_again(tale: Tale) -> None:
    tale.credential()
    tale.job()
    tale.hold("Bound", seen="first")
    tale.job(type_="DELETED")
    tale.job("second")
    tale.release()
    tale.hold("Finished", seen="first")


def given_again(tale: Tale) -> None:
    tale.credential(shared=BY_NAME)
    tale.borrow("Bound")
    tale.credential(shared=NOBODY)
    tale.borrow("Revoked")
    tale.credential(shared=BY_NAME)
    tale.write()


@pytest.mark.parametrize(
    "told", [taken_back, label_is_another_objects, holder_failed, holder_made_again, given_again]
)
def test_nothing_is_seen_in_what_may_happen_to_borrowers_and_holders(told: Callable[[Tale], None]) -> None:
    tale = Tale()
    told(tale)
    assert tale.broken() == []


def bound_without_a_grant(tale: Tale) -> None:
    tale.credential()
    tale.borrow("Bound")


def written_without_a_grant(tale: Tale) -> None:
    tale.credential(shared=BY_LABEL)
    tale.borrow()
    tale.write()


def written_on(tale: Tale) -> None:
    tale.credential(shared=BY_NAME)
    tale.borrow("Bound")
    tale.write()
    tale.credential(shared=NOBODY)
    tale.borrow("Revoked")
    tale.write()


def finished_too_soon(tale: Tale) -> None:
    tale.credential()
    tale.job(deletionTimestamp=TIME.format(3))
    tale.hold("Finished", seen="first")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (bound_without_a_grant, "is Bound, and its namespace was never allowed"),
        (written_without_a_grant, "for a namespace that was never allowed"),
        (written_on, "although its reference was Revoked"),
        (finished_too_soon, "is told Finished"),
    ],
)
def test_what_must_never_be_told_or_written_is_seen(told: Callable[[Tale], None], said: str) -> None:
    tale = Tale()
    told(tale)
    (line,) = tale.broken()
    assert said in line


# The end


def bound_although_taken_back(tale: Tale) -> None:
    tale.borrow("Bound")


def target_missing(tale: Tale) -> None:
    tale.credential(shared=BY_NAME)
    tale.borrow("Bound")


def beyond_its_grace(tale: Tale) -> None:
    tale.borrow("Revoked")
    tale.write()


def kept_for_good(tale: Tale) -> None:
    tale.borrow("Revoked")
    tale.write()
    tale.borrow("NotGranted")


def of_a_claim_that_is_gone(tale: Tale) -> None:
    tale.write()


def held_by_what_has_failed(tale: Tale) -> None:
    tale.job(done=True)
    tale.hold("Bound", seen="first")


def holder_not_seen(tale: Tale) -> None:
    tale.job()
    tale.hold("Bound")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (bound_although_taken_back, "reference c says ('True', 'Bound'"),
        (target_missing, "target c-env of Credential a is missing"),
        (beyond_its_grace, "target c-env is still there, and was Revoked"),
        (kept_for_good, "c-env was revoked, and is kept: it is NotGranted"),
        (of_a_claim_that_is_gone, "target c-env belongs to no reference"),
        (held_by_what_has_failed, "reference c says ('True', 'Bound'"),
        (holder_not_seen, "reference c has not seen its holder"),
    ],
)
def test_what_is_wrong_in_the_end_is_named(told: Callable[[Tale], None], said: str) -> None:
    tale = Tale()
    tale.credential(shared=NOBODY)
    told(tale)
    assert any(said in line for line in tale.unsettled()), tale.unsettled()


def test_a_revoked_target_may_stay_for_its_grace_period() -> None:
    tale = Tale()
    tale.credential(shared=NOBODY | {"revocationGracePeriod": "1h"})
    tale.borrow("Revoked")
    tale.write()
    assert [line for line in tale.unsettled() if "target" in line] == []

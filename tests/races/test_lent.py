"""The checker can fail: histories made up for what is promised of borrowers and holders, kept and broken."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from races import borrowers, ending, history, invariants, lent
from races.history import Event, Json

START = history.seconds("2026-11-22T12:00:00Z")
TIME = "2026-11-22T12:00:{:02d}Z"


class Tale:
    """A history of an owner's namespace and a neighbour's, told step by step; each step is a second."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._steps = itertools.count(1)
        self.put("namespaces", "owner", "owner")
        self.neighbour()

    def put(self, kind: str, namespace: str, name: str, *, type_: str = "MODIFIED", **fields: Any) -> None:
        step = next(self._steps)
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": f"{kind}-{name}",
            "resourceVersion": str(step),
            "generation": 1,
            "creationTimestamp": TIME.format(1),
            **fields.pop("metadata", {}),
        }
        self.events.append(Event(kind, type_, {"metadata": metadata, **fields}, START + step))

    def neighbour(self, **labels: str) -> None:
        self.put("namespaces", "neighbour", "neighbour", metadata={"labels": labels})

    def credential(self, *, shared: Json | None = None, **metadata: Any) -> None:
        metadata.setdefault("finalizers", [invariants.FINALIZER])
        spec = {} if shared is None else {"allowedNamespaces": shared}
        self.put("credentials", "owner", "a", spec=spec, metadata=metadata)

    def release(self, *, shared: Json | None = None) -> None:
        """The Credential goes."""
        spec = {} if shared is None else {"allowedNamespaces": shared}
        metadata = {"deletionTimestamp": TIME.format(30), "finalizers": []}
        self.put("credentials", "owner", "a", type_="DELETED", spec=spec, metadata=metadata)

    def borrow(self, reason: str = "") -> None:
        """A claim of the neighbour, and what it is told."""
        spec = {"credentialRef": {"name": "a", "namespace": "owner"}, "target": {"name": "c-env"}}
        self.put("credentialreferences", "neighbour", "c", spec=spec, status=_told(reason))

    def write(self) -> None:
        """The claim's target."""
        labels, owners = {history.BORROWER: "c"}, [{"uid": "credentialreferences-c"}]
        self.put("secrets", "neighbour", "c-env", metadata={"labels": labels, "ownerReferences": owners})

    def hold(self, reason: str = "", *, seen: str = "") -> None:
        """A claim beside the Credential that awaits a Job, whose uid it has seen or not."""
        spec = {
            "credentialRef": {"name": "a"},
            "holder": {"apiVersion": "batch/v1", "kind": "Job", "name": "h"},
            "until": "HolderFinished",
        }
        status = _told(reason) | ({"holder": {"uid": seen}} if seen else {})
        self.put("credentialreferences", "owner", "c", spec=spec, status=status)

    def job(
        self, uid: str = "first", *, done: bool = False, type_: str = "MODIFIED", **metadata: Any
    ) -> None:
        conditions = [{"type": "Failed", "status": "True"}] if done else []
        self.put(
            "jobs",
            "owner",
            "h",
            type_=type_,
            status={"conditions": conditions},
            metadata={"uid": uid, **metadata},
        )

    def broken(self) -> list[str]:
        return [*invariants.released_too_soon(self.events, tolerance=2.0), *lent.broken(self.events)]

    def unsettled(self) -> list[str]:
        state = history.standing(self.events)
        return [
            *ending.unsettled(state, now=START + 100, tolerance=2.0),
            *lent.outstaying(self.events),
        ]


def _told(reason: str) -> Json:
    bound = {
        "type": "Bound",
        "status": "True" if reason == "Bound" else "False",
        "reason": reason,
        "lastTransitionTime": TIME.format(10),
    }
    credential = {"credential": {"uid": "credentials-a"}} if reason == "Bound" else {}
    return {"observedGeneration": 1, "conditions": [bound] if reason else [], **credential}


BY_NAME: Json = {"names": ["neighbour"], "revocationGracePeriod": "2s"}
BY_LABEL: Json = {"selector": borrowers.SELECTOR}
NOBODY: Json = {"names": ["somebody-else"], "revocationGracePeriod": "2s"}


def bound_by_name(tale: Tale) -> None:
    tale.credential(shared=BY_NAME)
    tale.borrow("Bound")
    tale.release(shared=BY_NAME)


def not_looked_at(tale: Tale) -> None:
    tale.borrow()
    tale.credential(shared=BY_NAME)
    tale.release(shared=BY_NAME)


def bound_by_label(tale: Tale) -> None:
    tale.neighbour(**borrowers.SELECTOR["matchLabels"])
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
    tale.neighbour(**borrowers.SELECTOR["matchLabels"])
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
        (target_missing, "target c-env of reference c is missing"),
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

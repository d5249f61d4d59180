"""The checker can fail: histories made up for each promise, kept and broken."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from races import ending, history, invariants
from races.history import Event, Json

START = history.seconds("2026-11-22T12:00:00Z")
TIME = "2026-11-22T12:00:{:02d}Z"
LATER = "2026-11-22T13:00:00Z"


class Tale:
    """A history of one namespace, told step by step; each step is a second."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._steps = itertools.count(1)
        self.put("namespaces", "room", uid="n")

    def put(self, kind: str, name: str, *, uid: str, type_: str = "MODIFIED", **fields: Any) -> None:
        step = next(self._steps)
        metadata = {
            "name": name,
            "namespace": "room",
            "uid": uid,
            "resourceVersion": str(step),
            "generation": 1,
            "creationTimestamp": TIME.format(step),
            **fields.pop("metadata", {}),
        }
        for event in self.events:
            if event.uid == uid:
                metadata["creationTimestamp"] = event.metadata["creationTimestamp"]
        self.events.append(Event(kind, type_, {"metadata": metadata, **fields}, START + step))

    def credential(self, uid: str = "u1", *, accepts: bool = True, **metadata: Any) -> None:
        metadata.setdefault("finalizers", [invariants.FINALIZER])
        spec = {"acceptReferences": accepts, "targets": [{"name": "a-env"}]}
        self.put("credentials", "a", uid=uid, spec=spec, metadata=metadata)

    def claim(self, uid: str = "c", *, bound: str = "", lease: Json | None = None, **metadata: Any) -> None:
        """A reference; `lease` has what of its spec and status is about that."""
        spec = {"credentialRef": {"name": "a"}, **(lease or {}).get("spec", {})}
        condition = {
            "type": "Bound",
            "status": "True" if bound else "False",
            "reason": "Bound" if bound else "Expired",
        }
        status = {
            "observedGeneration": 1,
            "conditions": [condition],
            **({"credential": {"uid": bound}} if bound else {}),
            **(lease or {}).get("status", {}),
        }
        self.put("credentialreferences", "c", uid=uid, spec=spec, status=status, metadata=metadata)

    def new_claim(self, uid: str = "c") -> None:
        """A reference that nobody has looked at yet."""
        self.put("credentialreferences", "c", uid=uid, spec={"credentialRef": {"name": "a"}})

    def go(self, kind: str, name: str, uid: str, **metadata: Any) -> None:
        last = next(event for event in reversed(self.events) if event.uid == uid)
        kept = {key: value for key, value in last.metadata.items() if key != "resourceVersion"}
        rest = {key: value for key, value in last.object.items() if key != "metadata"}
        self.put(kind, name, uid=uid, type_="DELETED", metadata={**kept, **metadata}, **rest)

    def release(self, uid: str = "u1", *, asked: int = 9, **metadata: Any) -> None:
        """The Credential goes; its deletion was asked for in that second."""
        self.go("credentials", "a", uid, deletionTimestamp=TIME.format(asked), **metadata)

    def broken(self) -> list[str]:
        return list(invariants.released_too_soon(self.events, tolerance=2.0))


def leased(end: str = LATER, **spec: Any) -> Json:
    return {"spec": {"leaseDurationSeconds": 10, **spec}, "status": {"expiresAt": end}}


def bound(tale: Tale) -> None:
    tale.credential()
    tale.claim(bound="u1")


def bound_by_lease(tale: Tale) -> None:
    tale.credential()
    tale.claim(bound="u1", lease=leased())


def waiting_to_go(tale: Tale) -> None:
    tale.credential()
    tale.claim(bound="u1", deletionTimestamp=TIME.format(3), finalizers=["theirs"])


def cordoned_later(tale: Tale) -> None:
    tale.credential()
    tale.claim(bound="u1")
    tale.credential(accepts=False)


def not_looked_at(tale: Tale) -> None:
    tale.credential()
    tale.new_claim()


def there_before_the_credential(tale: Tale) -> None:
    tale.new_claim()
    tale.credential()


def not_looked_at_since_the_end_of_a_cordon(tale: Tale) -> None:
    tale.credential(accepts=False)
    tale.credential()
    tale.new_claim()


def bound_anew_after_a_lapse(tale: Tale) -> None:
    tale.credential()
    tale.claim(lease=leased(TIME.format(1)))
    tale.claim(bound="u1", lease=leased())


@pytest.mark.parametrize(
    "told",
    [
        bound,
        bound_by_lease,
        waiting_to_go,
        cordoned_later,
        not_looked_at,
        there_before_the_credential,
        not_looked_at_since_the_end_of_a_cordon,
        bound_anew_after_a_lapse,
    ],
)
def test_a_credential_that_goes_while_a_reference_counts_is_seen(told: Callable[[Tale], None]) -> None:
    tale = Tale()
    told(tale)
    assert tale.broken() == []
    tale.release()
    (line,) = tale.broken()
    assert "Credential a (u1)" in line
    assert "c (c)" in line


def gone_before(tale: Tale) -> None:
    bound(tale)
    tale.go("credentialreferences", "c", "c")
    tale.release()


def bound_to_another_of_the_name(tale: Tale) -> None:
    tale.credential()
    tale.credential("u0")
    tale.claim(bound="u0")
    tale.release(asked=1)


def forced(tale: Tale) -> None:
    bound(tale)
    tale.release(annotations={invariants.FORCED: "why"})


def with_its_namespace(tale: Tale) -> None:
    bound(tale)
    tale.put("namespaces", "room", uid="n", metadata={"deletionTimestamp": TIME.format(5)})
    tale.release()


def lease_over(tale: Tale) -> None:
    tale.credential()
    tale.claim(bound="u1", lease=leased(TIME.format(2)))
    tale.release()


def made_in_the_same_second(tale: Tale) -> None:
    tale.credential()
    tale.new_claim()
    tale.release(asked=3)


def cordoned_before_it_was_looked_at(tale: Tale) -> None:
    tale.credential()
    tale.new_claim()
    tale.credential(accepts=False)
    tale.credential()
    tale.release()


def never_protected(tale: Tale) -> None:
    tale.credential(finalizers=[])
    tale.new_claim()
    tale.release()


def renewed_after_a_lapse(tale: Tale) -> None:
    tale.credential()
    tale.claim(lease=leased(TIME.format(1)))
    tale.claim(lease={"spec": {"leaseDurationSeconds": 3600, "renewTime": TIME.format(4)}})
    tale.release()


@pytest.mark.parametrize(
    "told",
    [
        gone_before,
        bound_to_another_of_the_name,
        forced,
        with_its_namespace,
        lease_over,
        made_in_the_same_second,
        cordoned_before_it_was_looked_at,
        never_protected,
        renewed_after_a_lapse,
    ],
)
def test_a_credential_may_go_where_no_reference_surely_counts(told: Callable[[Tale], None]) -> None:
    tale = Tale()
    told(tale)
    assert tale.broken() == []


# The end


def conditions(**values: str) -> list[Json]:
    return [
        {"type": name, "status": value.split()[0], "reason": value.split()[1]}
        for name, value in values.items()
    ]


class End:
    """Everything as it has to be; each test spoils one thing."""

    def __init__(self) -> None:
        tale = Tale()
        tale.credential(finalizers=[invariants.FINALIZER])
        tale.claim(bound="u1")
        labels = {history.OWNER: "a"}
        tale.put("secrets", "a-env", uid="s", metadata={"labels": labels, "ownerReferences": [{"uid": "u1"}]})
        self.state = history.standing(tale.events)
        status = {"observedGeneration": 1, "references": {"count": 1}}
        self["credentials", "a"].object["status"] = status | {
            "conditions": conditions(Synced="True Published")
        }

    def __getitem__(self, name: tuple[str, str]) -> Event:
        return self.state[history.Name(name[0], "room", name[1])]

    def drop(self, kind: str, name: str) -> None:
        del self.state[history.Name(kind, "room", name)]

    def wrong(self) -> list[str]:
        return list(ending.unsettled(self.state, now=START + 100, tolerance=2.0))

    @property
    def credential(self) -> Json:
        return self["credentials", "a"].object

    @property
    def claim(self) -> Json:
        return self["credentialreferences", "c"].object


def free_and_there(end: End) -> None:
    end.credential["metadata"]["deletionTimestamp"] = TIME.format(50)
    end.credential["status"]["references"]["count"] = 0
    end.drop("credentialreferences", "c")


def unprotected(end: End) -> None:
    del end.credential["metadata"]["finalizers"]


def miscounted(end: End) -> None:
    end.credential["status"]["references"]["count"] = 2


def not_looked_at_again(end: End) -> None:
    end.credential["metadata"]["generation"] = 2


def not_published(end: End) -> None:
    end.drop("secrets", "a-env")


def orphaned_target(end: End) -> None:
    end["secrets", "a-env"].metadata["ownerReferences"] = [{"uid": "u0"}]


def bound_to_the_past(end: End) -> None:
    end.claim["status"]["credential"]["uid"] = "u0"


def not_bound(end: End) -> None:
    end.claim["status"]["conditions"] = conditions(Bound="False CredentialTerminating")


def bound_beyond_its_lease(end: End) -> None:
    end.claim["spec"]["leaseDurationSeconds"] = 10
    end.claim["status"]["expiresAt"] = TIME.format(30)


def claim_not_looked_at(end: End) -> None:
    end.claim["metadata"]["generation"] = 2


def namespace_there(end: End) -> None:
    end["namespaces", "room"].metadata["deletionTimestamp"] = TIME.format(50)


def test_nothing_is_wrong_where_everything_is_as_it_has_to_be() -> None:
    assert End().wrong() == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (free_and_there, "nothing holds it"),
        (unprotected, "no finalizer"),
        (miscounted, "counts"),
        (not_looked_at_again, "Credential a was not looked at"),
        (not_published, "target a-env of Credential a is missing"),
        (orphaned_target, "belongs to no Credential"),
        (bound_to_the_past, "reference c says ('True', 'Bound', 'u0')"),
        (not_bound, "reference c says ('False', 'CredentialTerminating', '')"),
        (bound_beyond_its_lease, "reference c says ('True', 'Bound', 'u1')"),
        (claim_not_looked_at, "reference c was not looked at"),
        (namespace_there, "namespace room is still there"),
    ],
)
def test_what_is_not_as_it_has_to_be_is_named(spoil: Callable[[End], None], told: str) -> None:
    end = End()
    spoil(end)
    assert any(told in line for line in end.wrong()), end.wrong()


def test_a_deletion_that_a_reference_holds_back_may_last() -> None:
    end = End()
    end.credential["metadata"]["deletionTimestamp"] = TIME.format(50)
    assert end.wrong() == []

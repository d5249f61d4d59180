"""Histories made up step by step, for the tests of the checker: an owner's namespace, and a neighbour's."""

import itertools
from typing import Any

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
        self.put("credentialreferences", "neighbour", "c", spec=spec, status=told(reason))

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
        status = told(reason) | ({"holder": {"uid": seen}} if seen else {})
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


def told(reason: str) -> Json:
    bound = {
        "type": "Bound",
        "status": "True" if reason == "Bound" else "False",
        "reason": reason,
        "lastTransitionTime": TIME.format(10),
    }
    credential = {"credential": {"uid": "credentials-a"}} if reason == "Bound" else {}
    return {"observedGeneration": 1, "conditions": [bound] if reason else [], **credential}


BY_NAME: Json = {"names": ["neighbour"], "revocationGracePeriod": "2s"}
BY_LABEL: Json = {"selector": borrowers.selector("owner")}
NOBODY: Json = {"names": ["somebody-else"], "revocationGracePeriod": "2s"}

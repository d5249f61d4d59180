"""What the API server says that happened: every version of every object, in the order of its revisions."""

import collections
import datetime
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]
Story = Sequence["Event"]

CREDENTIALS = "credentials"
CLAIMS = "credentialreferences"
NAMESPACES = "namespaces"
SECRETS = "secrets"
JOBS = "jobs"
PODS = "pods"
LEASES = "leases"
DELETED = "DELETED"
DOMAIN = "credential-operator.io"
OWNER = f"{DOMAIN}/credential"
BORROWER = f"{DOMAIN}/reference"
DISTRIBUTED = f"{DOMAIN}/distributed"
BY, GIVEN_UP = "races.example/by", "races.example/given-up"
"""Annotations of what people of the races change and delete: which change of theirs it was, and that it may go."""


class Name(NamedTuple):
    """A kind, and a namespace and a name in it; a namespace itself has its name twice."""

    kind: str
    namespace: str
    name: str


class Event(NamedTuple):
    """A version of an object; `at` is when it was seen, in seconds since 1970."""

    kind: str
    type: str
    object: Json
    at: float

    @property
    def metadata(self) -> Json:
        """The metadata of the object."""
        found: Json = self.object["metadata"]
        return found

    @property
    def uid(self) -> str:
        """Which object it is, whatever its name."""
        return str(self.metadata["uid"])

    @property
    def revision(self) -> int:
        """Where it stands in the order of everything; an object that is gone has that of its end."""
        return int(self.metadata["resourceVersion"])

    @property
    def namespace(self) -> str:
        """The namespace that it belongs to, or is."""
        return str(self.metadata["name"] if self.kind == NAMESPACES else self.metadata["namespace"])

    @property
    def name(self) -> Name:
        """Which place it has."""
        return Name(self.kind, self.namespace, self.metadata["name"])

    @property
    def terminating(self) -> bool:
        """Whether its end was asked for."""
        return "deletionTimestamp" in self.metadata

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return self.metadata.get("labels") or {}

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations."""
        return self.metadata.get("annotations") or {}

    @property
    def written(self) -> bool:
        """Whether it is a Secret that the operator wrote."""
        return self.kind == SECRETS and not self.labels.keys().isdisjoint({OWNER, BORROWER})

    def condition(self, name: str) -> tuple[str, str]:
        """Value and reason of a condition."""
        found = (self.object.get("status") or {}).get("conditions", ())
        return next(((one["status"], one["reason"]) for one in found if one["type"] == name), ("", ""))

    def __str__(self) -> str:
        state = ["terminating"] * self.terminating
        match self.kind:
            case "credentials":
                counted = (self.object.get("status") or {}).get("references", {})
                state += [f"Ready={' '.join(self.condition('Ready'))}", f"count={counted.get('count')}"]
                state += [f"finalizers={len(self.metadata.get('finalizers', ()))}"]
            case "credentialreferences":
                bound = (self.object.get("status") or {}).get("credential", {}).get("uid", "")[:8]
                state += [f"Bound={' '.join(self.condition('Bound'))} {bound}", f"spec={self.object['spec']}"]
        words = (
            f"{self.at:.3f}",
            self.revision,
            self.type,
            self.kind,
            f"{self.namespace}/{self.metadata['name']}",
            self.uid[:8],
            *state,
        )
        return " ".join(map(str, words))


class History:
    """Everything that was seen, by namespace."""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = collections.defaultdict(list)

    def add(self, event: Event) -> None:
        """Takes in what a watch shows."""
        self._events[event.namespace].append(event)

    def story(self, namespaces: Iterable[str]) -> Story:
        """Gives what happened in some namespaces, in order."""
        found = (event for namespace in namespaces for event in self._events.get(namespace, ()))
        return sorted(found, key=lambda event: event.revision)

    def forget(self, namespaces: Iterable[str]) -> None:
        """Drops what happened in namespaces that are done with."""
        for namespace in namespaces:
            self._events.pop(namespace, None)


def standing(story: Story) -> dict[Name, Event]:
    """Gives what is there at the end of a story."""
    found: dict[Name, Event] = {}
    for event in story:
        if event.type == DELETED:
            found.pop(event.name, None)
        else:
            found[event.name] = event
    return found


def seconds(text: str) -> float:
    """Reads a time of the API as seconds since 1970."""
    return datetime.datetime.fromisoformat(text).timestamp()

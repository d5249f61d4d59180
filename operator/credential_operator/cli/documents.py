"""Credentials and CredentialReferences as kubectl gives them, read. Pure."""

import dataclasses
import datetime
import functools
import importlib.resources
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self

Json = Mapping[str, Any]

GROUP = "credential-operator.io"
API_VERSION = f"{GROUP}/v1beta1"
CREDENTIALS, REFERENCES = f"credentials.{GROUP}", f"credentialreferences.{GROUP}"
RECONCILE_AT, FORCE_DELETE = f"{GROUP}/reconcile-at", f"{GROUP}/force-delete"
ROTATE_AT, FORCE_DELETE = f"{GROUP}/rotate-at", f"{GROUP}/force-delete"
DISTRIBUTED = f"{GROUP}/distributed"
"""The label of references that the operator keeps."""
UNKNOWN = "unknown"
"""The type of a Credential that is newer than this command."""


class Condition(NamedTuple):
    """What a condition says."""

    type: str
    status: str
    reason: str
    message: str
    since: str = ""


class User(NamedTuple):
    """Who needs a Credential."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, item: Json) -> Self:
        """Reads an entry of the status."""
        return cls(item["kind"], item.get("namespace", ""), item["name"])

    def seen_from(self, namespace: str) -> str:
        """Names it; with its namespace where that is another one."""
        elsewhere = f"{self.namespace}/" if self.namespace not in (namespace, "") else ""
        return f"{self.kind} {elsewhere}{self.name}"


@functools.cache
def types() -> Mapping[str, Json]:
    """Gives title and public fields of the credential types by name; generated from their models."""
    text = importlib.resources.files(__package__).joinpath("types.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["types"])


@dataclasses.dataclass(frozen=True, slots=True)
class Credential:
    """A Credential; `document` is the whole of it."""

    document: Json

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.document["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.document["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(self.document["metadata"]["uid"])

    @property
    def spec(self) -> Json:
        """What its owner wrote."""
        return dict(self.document["spec"])

    @property
    def status(self) -> Json:
        """What the operator knows."""
        return dict(self.document.get("status") or {})

    @property
    def type(self) -> str:
        """The credential type."""
        known = (name for name in self.spec if name in types())
        return str(self.status.get("type") or next(known, UNKNOWN))

    @property
    def public(self) -> dict[str, Any]:
        """The public fields that are no parts of their own, in the order of the type's model."""
        written = {
            name: value
            for name, value in sorted((self.spec.get(self.type) or {}).items())
            if not (isinstance(value, dict) or "\n" in str(value))
        }
        order: Iterable[str] = types().get(self.type, {}).get("fields", ())
        return {name: written.pop(name) for name in order if name in written} | written

    @property
    def conditions(self) -> dict[str, Condition]:
        """Its conditions by type."""
        return conditions(self.document)

    @property
    def ready(self) -> Condition:
        """Whether consumers can work."""
        return self.conditions.get("Ready", Condition("Ready", "Unknown", "Pending", ""))

    @property
    def key_id(self) -> str:
        """The public name of its key."""
        return str((self.status.get("key") or {}).get("id", ""))

    @property
    def source(self) -> str:
        """Says where its key material comes from."""
        if self.store:
            return f"Secret {self.store}"
        if "secretRef" in self.spec:
            return f"Secret {self.spec['secretRef']['name']}"
        return f"ServiceAccount {self.spec['workloadIdentity']['serviceAccountName']}"

    @property
    def store(self) -> str:
        """The Secret in which the operator keeps the keys that it makes; empty where it makes none, or none yet."""
        name = str((self.spec.get("rotation") or {}).get("store", ""))
        return name if (self.status.get("source") or {}).get("secretName") == name else ""

    @property
    def managed(self) -> dict[str, Any]:
        """Which key is which, where the operator makes them."""
        return dict((self.status.get("rotation") or {}).get("managed") or {})

    @property
    def previous(self) -> str:
        """The public name of the key before the present one, while the operator has not ended it."""
        return str(self.managed.get("previousKeyID", ""))

    @property
    def users(self) -> list[User]:
        """Who needs it, as far as the status names them."""
        return [User.of(item) for item in (self.status.get("references") or {}).get("items", ())]

    @property
    def count(self) -> int:
        """How many need it."""
        return int((self.status.get("references") or {}).get("count", 0))

    @property
    def secrets(self) -> dict[str, str]:
        """The Secrets in its namespace that hold its key -> what they are."""
        found = {one["name"]: one["format"] for one in self.spec.get("targets", ())}
        given = {self.spec["secretRef"]["name"]: "source"} if "secretRef" in self.spec else {}
        kept = {self.store: "source", **dict.fromkeys(given, "first key")} if self.store else given
        return kept | found


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """A CredentialReference; `document` is the whole of it."""

    document: Json

    @property
    def user(self) -> User:
        """Names it as one who needs the Credential."""
        metadata = self.document["metadata"]
        return User("CredentialReference", metadata["namespace"], metadata["name"])

    @property
    def why(self) -> str:
        """What it is needed for."""
        return str(self.document["spec"].get("description", ""))

    @property
    def holder(self) -> str:
        """Who needs it."""
        holder = self.document["spec"].get("holder")
        return f"{holder['kind']} {holder['name']}" if holder else ""

    @property
    def target(self) -> Json | None:
        """The Secret of its own."""
        found: Json | None = self.document["spec"].get("target")
        return found

    @property
    def until(self) -> str | None:
        """When its lease ends."""
        end: str | None = (self.document.get("status") or {}).get("expiresAt")
        return end

    @property
    def conditions(self) -> dict[str, Condition]:
        """Its conditions by type."""
        return conditions(self.document)

    @property
    def counts(self) -> bool:
        """Tells whether it holds the Credential, or may do so soon."""
        bound = self.conditions.get("Bound")
        return bound is None or bound.status != "False"

    @property
    def distributed(self) -> bool:
        """Tells whether the operator keeps it, for an owner who distributes."""
        return DISTRIBUTED in (self.document["metadata"].get("labels") or {})

    def needs(self, credential: Credential) -> bool:
        """Tells whether it is bound to this Credential, or names it and nothing is said of it yet."""
        if self.bound:
            return self.bound == credential.uid
        return self.counts and self.named == (credential.namespace, credential.name)

    @property
    def bound(self) -> str:
        """The uid of the Credential that it is bound to; empty while it is bound to none."""
        found = (self.document.get("status") or {}).get("credential") or {}
        return str(found.get("uid", ""))

    @property
    def named(self) -> tuple[str, str]:
        """Namespace and name of the Credential that it asks for; no name where it selects one."""
        named = self.document["spec"].get("credentialRef") or {}
        return named.get("namespace", self.user.namespace), named.get("name", "")


def conditions(document: Json) -> dict[str, Condition]:
    """Gives the conditions of an object by type."""
    found = (document.get("status") or {}).get("conditions", ())
    return {
        one["type"]: Condition(
            one["type"],
            one["status"],
            one["reason"],
            one.get("message", ""),
            one.get("lastTransitionTime", ""),
        )
        for one in found
    }


def needing(references: Iterable[Reference], credentials: Iterable[Credential]) -> dict[str, list[Reference]]:
    """Gives the references that need a Credential, sorted, by its uid; of those alone that any needs."""
    known = {one.uid: one for one in credentials}
    places = {(one.namespace, one.name): one for one in known.values()}
    found: dict[str, list[Reference]] = {}
    for each in sorted(references, key=lambda reference: reference.user):
        one = known.get(each.bound) or places.get(each.named)
        if one is not None and each.needs(one):
            found.setdefault(one.uid, []).append(each)
    return found


def grouped(credentials: Iterable[Credential]) -> Iterator[tuple[str, list[Credential]]]:
    """Gives Credentials by their type, sorted by type, namespace and name."""
    groups: dict[str, list[Credential]] = {}
    for one in sorted(credentials, key=lambda each: (each.type, each.namespace, each.name)):
        groups.setdefault(one.type, []).append(one)
    yield from groups.items()


def moment(text: str | None) -> datetime.datetime | None:
    """Reads a time as Kubernetes writes it."""
    return datetime.datetime.fromisoformat(text) if text else None

"""What the operator knows of the cluster: both kinds, and the versions of all Secrets.

Pure memory: watches write it, reconciles read it. An object is kept packed, and only what a reconcile needs
of it: ten thousand parsed objects would take forty times that.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from credential_operator import packing

Json = dict[str, Any]

DOMAIN = "credential-operator.io"
FINALIZER = f"{DOMAIN}/in-use-protection"
RECONCILE_AT = f"{DOMAIN}/reconcile-at"
FORCE_DELETE = f"{DOMAIN}/force-delete"
OWNER = f"{DOMAIN}/credential"
"""Label of a target Secret: the name of the Credential that it belongs to."""
DIGEST = f"{DOMAIN}/digest"
"""Annotation of a target Secret: HMAC over what was written."""
SOURCE_DIGEST = f"{DOMAIN}/source-digest"
"""Annotation of a target Secret: HMAC over the key material that it was rendered from."""
GENERATION = f"{DOMAIN}/generation"
"""Annotation of a target Secret: how often it was written; reloaders watch it."""


class Key(NamedTuple):
    """A namespaced name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Holder(NamedTuple):
    """The object that holds a reference until its work is done."""

    kind: str
    key: Key


@dataclasses.dataclass(slots=True)
class Record:
    """An object of either kind, as a watch or our own write last showed it.

    `endpoint`, `state` (type, Ready's value and reason) and `owner` (team and contact) are a Credential's.
    """

    uid: str
    version: str
    generation: int
    document: bytes
    endpoint: str = ""
    state: tuple[str, ...] = ()
    owner: tuple[str, str] | None = None

    def parse(self) -> Json:
        """Gives metadata (without managed fields), spec and status as a fresh document."""
        return packing.unpack(self.document)


@dataclasses.dataclass(slots=True, frozen=True)
class Target:
    """A Secret that carries our label: what its metadata says of it."""

    uid: str
    version: str
    owner: str
    digest: str
    source_digest: str
    generation: int


def record(document: Mapping[str, Any]) -> Record:
    """Projects an object as the API server sends it onto what is kept."""
    metadata = document["metadata"]
    return Record(
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        generation=metadata["generation"],
        document=packing.pack(_kept(document)),
    )


def _kept(document: Mapping[str, Any]) -> Json:
    metadata = document["metadata"]
    return {
        "metadata": {
            **{
                name: metadata[name] for name in ("namespace", "name", "uid", "resourceVersion", "generation")
            },
            **{name: metadata[name] for name in ("finalizers", "deletionTimestamp") if name in metadata},
            "creationTimestamp": metadata["creationTimestamp"],
            "annotations": _own(metadata.get("annotations")),
        },
        "spec": document.get("spec", {}),
        "status": document.get("status", {}),
    }


def _own(annotations: Mapping[str, str] | None) -> dict[str, str]:
    """Keeps our own annotations: those of a client-side apply hold the whole object once more."""
    return {name: value for name, value in (annotations or {}).items() if name.startswith(f"{DOMAIN}/")}


def target(metadata: Mapping[str, Any]) -> Target | None:
    """Projects a Secret's metadata; None for a Secret without our label."""
    owner = (metadata.get("labels") or {}).get(OWNER)
    if owner is None:
        return None
    annotations = metadata.get("annotations") or {}
    generation = annotations.get(GENERATION, "")
    return Target(
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        owner=owner,
        digest=annotations.get(DIGEST, ""),
        source_digest=annotations.get(SOURCE_DIGEST, ""),
        generation=int(generation) if generation.isdigit() else 0,
    )


class Index:
    """Which names stand behind a key, both ways; small tuples, since most keys have one name."""

    def __init__(self) -> None:
        self._names: dict[Key, tuple[str, ...]] = {}
        self._keys: dict[Key, tuple[str, ...]] = {}

    def put(self, owner: Key, names: Iterable[str]) -> None:
        """Says which names in its own namespace an owner stands behind, in place of what was said before."""
        new = tuple(sorted({sys.intern(name) for name in names}))
        old = self._keys.get(owner, ())
        if new == old:
            return
        for name in set(old) - set(new):
            self._drop(Key(owner.namespace, name), owner.name)
        for name in set(new) - set(old):
            key = Key(owner.namespace, name)
            self._names[key] = (*self._names.get(key, ()), owner.name)
        if new:
            self._keys[owner] = new
        else:
            self._keys.pop(owner, None)

    def owners(self, key: Key) -> Iterator[Key]:
        """Yields who stands behind a name."""
        return (Key(key.namespace, name) for name in self._names.get(key, ()))

    def keys(self) -> Iterator[Key]:
        """Gives the names that somebody stands behind."""
        return iter(tuple(self._names))

    def _drop(self, key: Key, name: str) -> None:
        rest = tuple(other for other in self._names[key] if other != name)
        if rest:
            self._names[key] = rest
        else:
            del self._names[key]


class Inventory:
    """All that is known, with the indexes that say whom a change concerns."""

    def __init__(self, endpoint_of: Callable[[Json], str]) -> None:
        self._endpoint_of = endpoint_of
        self.credentials: dict[Key, Record] = {}
        self.references: dict[Key, Record] = {}
        self.versions: dict[Key, str] = {}
        """Secret -> its resourceVersion."""
        self.targets: dict[Key, Target] = {}
        """Secret with our label -> what its metadata says."""
        self._secrets = Index()
        self._referenced = Index()
        self._held: dict[str, Index] = {}

    # Credentials

    def is_news(self, document: Mapping[str, Any]) -> bool:
        """Tells whether a Credential is newer than the one known, so not the echo of our own write."""
        known = self.credentials.get(key_of(document))
        return known is None or _newer(document["metadata"]["resourceVersion"], known.version)

    def differs_in_status_only(self, document: Mapping[str, Any]) -> bool:
        """Tells whether nothing but the status of a Credential is other than what is known."""
        known = self.credentials.get(key_of(document))
        if known is None or known.generation != document["metadata"]["generation"]:
            return False
        before, now = known.parse(), _kept(document)
        for one in (before, now):
            del one["metadata"]["resourceVersion"]
        return bool(before["metadata"] == now["metadata"])

    def put_credential(self, document: Mapping[str, Any]) -> bool:
        """Takes in a Credential; tells whether it is news."""
        if not self.is_news(document):
            return False
        key = key_of(document)
        known = self.credentials.get(key)
        spec = document.get("spec", {})
        same = known is not None and (known.uid, known.generation) == (
            document["metadata"]["uid"],
            document["metadata"]["generation"],
        )
        seen = record(document)
        seen.endpoint = sys.intern(known.endpoint if same and known is not None else self._endpoint_of(spec))
        seen.state = _state(document.get("status") or {})
        seen.owner = _owner(spec)
        self.credentials[key] = seen
        named = [one["name"] for one in (document.get("status") or {}).get("targets", ())]
        self._secrets.put(key, [*_secret_names(spec), *named])
        return True

    def drop_credential(self, key: Key, uid: str) -> bool:
        """Forgets a Credential; False if it is not known, or another of its name has taken its place."""
        known = self.credentials.get(key)
        if known is None or known.uid != uid:
            return False
        del self.credentials[key]
        self._secrets.put(key, ())
        return True

    def states(self) -> Iterator[tuple[str, ...]]:
        """Gives type, Ready's value and reason of every Credential."""
        return (seen.state for seen in self.credentials.values())

    def owners(self) -> Iterator[tuple[str, ...]]:
        """Gives namespace, name, team and contact of every Credential that has an owner."""
        return ((*key, *seen.owner) for key, seen in self.credentials.items() if seen.owner)

    # References

    def put_reference(self, document: Mapping[str, Any]) -> bool:
        """Takes in a CredentialReference; tells whether it is another version than the one known."""
        key = key_of(document)
        known = self.references.get(key)
        if known is not None and not _newer(document["metadata"]["resourceVersion"], known.version):
            return False
        self.references[key] = record(document)
        self._referenced.put(key, [document["spec"]["credentialRef"]["name"]])
        self._hold(key, holder_of(document))
        return True

    def drop_reference(self, key: Key, uid: str) -> Key | None:
        """Forgets a CredentialReference; gives the Credential that it named, None if it is not known."""
        known = self.references.get(key)
        if known is None or known.uid != uid:
            return None
        del self.references[key]
        self._referenced.put(key, ())
        self._hold(key, None)
        return named_by(known.parse())

    def references_to(self, credential: Key) -> list[Key]:
        """Gives the references that name a Credential, sorted."""
        return sorted(self._referenced.owners(credential))

    def held_by(self, holder: Holder) -> Iterator[Key]:
        """Gives the references that an object holds."""
        held = self._held.get(holder.kind)
        return iter(()) if held is None else held.owners(holder.key)

    def holders(self, kind: str) -> Iterator[Key]:
        """Gives the objects of a kind that hold references, whether or not they exist."""
        held = self._held.get(kind)
        return iter(()) if held is None else held.keys()

    def _hold(self, reference: Key, holder: Holder | None) -> None:
        if holder is not None:
            self._held.setdefault(holder.kind, Index())
        for kind, held in self._held.items():
            held.put(reference, [holder.key.name] if holder is not None and holder.kind == kind else ())

    # Secrets

    def put_secret(self, metadata: Mapping[str, Any]) -> list[Key]:
        """Takes in a Secret's metadata; gives the Credentials that a change of it concerns."""
        key = _key(metadata)
        if not _newer(metadata["resourceVersion"], self.versions.get(key, "")):
            return []
        self.versions[key] = metadata["resourceVersion"]
        projected = target(metadata)
        if projected is None:
            self.targets.pop(key, None)
        else:
            self.targets[key] = projected
        return list(self.owners_of(key))

    def drop_secret(self, key: Key) -> list[Key]:
        """Forgets a Secret; gives the Credentials that this concerns."""
        self.versions.pop(key, None)
        self.targets.pop(key, None)
        return list(self.owners_of(key))

    def owners_of(self, secret: Key) -> Iterator[Key]:
        """Gives the Credentials that name a Secret."""
        return self._secrets.owners(secret)


def _newer(version: str, known: str) -> bool:
    """Tells whether a resourceVersion is news: an event can arrive after our own later write's answer."""
    if version.isdigit() and known.isdigit():
        return int(version) > int(known)
    return version != known


def key_of(document: Mapping[str, Any]) -> Key:
    """Gives an object's key."""
    return _key(document["metadata"])


def _key(metadata: Mapping[str, Any]) -> Key:
    """Gives a key whose names are kept once, however many keys have them."""
    return Key(sys.intern(metadata.get("namespace", "")), sys.intern(metadata["name"]))


def named_by(reference: Mapping[str, Any]) -> Key:
    """Gives the Credential that a CredentialReference names."""
    return Key(reference["metadata"]["namespace"], reference["spec"]["credentialRef"]["name"])


def holder_of(reference: Mapping[str, Any]) -> Holder | None:
    """Gives the holder of a CredentialReference; None where it names none."""
    holder = reference["spec"].get("holder")
    return (
        None
        if holder is None
        else Holder(holder["kind"], Key(reference["metadata"]["namespace"], holder["name"]))
    )


def _state(status: Json) -> tuple[str, ...]:
    ready = next((one for one in status.get("conditions", ()) if one["type"] == "Ready"), None)
    value, reason = ("Unknown", "Pending") if ready is None else (ready["status"], ready["reason"])
    return tuple(map(sys.intern, (status.get("type", ""), value, reason)))


def _owner(spec: Json) -> tuple[str, str] | None:
    owner = spec.get("owner")
    return None if not owner else (owner.get("team", ""), owner.get("contact", ""))


def _secret_names(spec: Json) -> list[str]:
    source = [spec["secretRef"]["name"]] if "secretRef" in spec else []
    return [*source, *(one["name"] for one in spec.get("targets", ()))]

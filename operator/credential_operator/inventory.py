"""What the operator knows of the cluster: both kinds, and the versions of all Secrets.

Pure memory: watches write it, reconciles read it. An object is kept packed, and only what a reconcile needs
of it: ten thousand parsed objects would take forty times that.
"""

import collections
import dataclasses
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from credential_operator import census, handouts, naming, packing
from credential_operator.objects import Index, Key, Links, Object

Json = dict[str, Any]

DOMAIN = "credential-operator.io"
FINALIZER = f"{DOMAIN}/in-use-protection"
RECONCILE_AT = f"{DOMAIN}/reconcile-at"
FORCE_DELETE = f"{DOMAIN}/force-delete"
ROTATE_AT = f"{DOMAIN}/rotate-at"
OWNER = f"{DOMAIN}/credential"
"""Label of a target Secret: the name of the Credential that it belongs to."""
BORROWER = f"{DOMAIN}/reference"
"""Label of a borrowed target Secret: the name of the CredentialReference that it belongs to."""
DIGEST = f"{DOMAIN}/digest"
"""Annotation of a target Secret: HMAC over what was written."""
SOURCE_DIGEST = f"{DOMAIN}/source-digest"
"""Annotation of a target Secret: HMAC over the key material that it was rendered from."""
GENERATION = f"{DOMAIN}/generation"
"""Annotation of a target Secret: how many contents it has had; reloaders watch it."""
EXPIRES = f"{DOMAIN}/expires-at"
"""Annotation of a target Secret that holds a short-lived key, and of a backup: when that ends."""
STORE = f"{DOMAIN}/store"
"""Label of the Secret in which the operator keeps the keys that it had made: the name of their Credential."""
REMEMBERED = 10_000
"""How many objects that are gone are remembered."""

CREDENTIAL, REFERENCE = "Credential", "CredentialReference"
"""Both kinds."""
DISTRIBUTION = "Distribution"
"""The references that are made for a Credential: what is to be looked at, by the Credential's key."""


@dataclasses.dataclass(slots=True)
class Record:
    """An object of either kind, as a watch or our own write last showed it.

    `state`: type, value and reason of Ready, or of a reference's Bound. `endpoint`, `facts`: a Credential's.
    """

    uid: str
    version: str
    generation: int
    document: bytes
    endpoint: str = ""
    state: tuple[str, ...] = ()
    facts: census.Facts = census.NOTHING

    def parse(self) -> Json:
        """Gives metadata (without managed fields), spec and status as a fresh document."""
        return packing.unpack(self.document)


@dataclasses.dataclass(slots=True, frozen=True)
class Target:
    """A Secret that carries a label of ours: what its metadata says of it."""

    uid: str
    version: str
    digest: str
    source_digest: str
    generation: int


def record(document: Mapping[str, Any], condition: str = "Ready") -> Record:
    """Projects an object as the API server sends it onto what is kept; `condition` is the one of its state."""
    metadata = document["metadata"]
    return Record(
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        generation=metadata["generation"],
        document=packing.pack(_kept(document)),
        state=_state(document.get("status") or {}, condition),
    )


def _kept(document: Mapping[str, Any]) -> Json:
    metadata = document["metadata"]
    return {
        "metadata": {
            **{
                name: metadata[name] for name in ("namespace", "name", "uid", "resourceVersion", "generation")
            },
            **{
                name: metadata[name]
                for name in ("finalizers", "deletionTimestamp", "labels")
                if name in metadata
            },
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
    """Projects a Secret's metadata; None for a Secret without a label of ours."""
    if not {OWNER, BORROWER} & (metadata.get("labels") or {}).keys():
        return None
    annotations = metadata.get("annotations") or {}
    generation = annotations.get(GENERATION, "")
    return Target(
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        digest=annotations.get(DIGEST, ""),
        source_digest=annotations.get(SOURCE_DIGEST, ""),
        generation=int(generation) if generation.isdigit() else 0,
    )


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
        self.namespaces: dict[str, Mapping[str, str]] = {}
        """Namespace -> its labels, where all namespaces are served."""
        self.leaving: set[str] = set()
        """Those of them that are being deleted."""
        self.handouts = handouts.Handouts()
        self._secrets = Index()
        self._borrowed = Index()
        self._references = Links()
        self._held: dict[str, Index] = {}
        self._selecting: dict[str, set[Key]] = {}
        # The answer to a write can come after the word of the watch that its object is gone.
        self._gone: collections.OrderedDict[str, None] = collections.OrderedDict()

    # Credentials

    def is_news(self, document: Mapping[str, Any]) -> bool:
        """Tells whether a Credential is newer than the one known, so not the echo of our own write."""
        return self._newer(self.credentials.get(key_of(document)), document)

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
        seen.facts = census.facts(document)
        self.credentials[key] = seen
        status = document.get("status") or {}
        self._secrets.put(key, naming.secrets_of(document))
        self.handouts.put_credential(key, distributing="distribute" in spec or "distribution" in status)
        return True

    def drop_credential(self, key: Key, uid: str) -> bool:
        """Forgets a Credential; False if it is not known, or another of its name has taken its place."""
        self._bury(uid)
        known = self.credentials.get(key)
        if known is None or known.uid != uid:
            return False
        del self.credentials[key]
        self._secrets.put(key, ())
        self.handouts.put_credential(key, distributing=False)
        return True

    # References

    def is_reference_news(self, document: Mapping[str, Any]) -> bool:
        """Tells whether a CredentialReference is newer than the one known, so not the echo of our own write."""
        return self._newer(self.references.get(key_of(document)), document)

    def put_reference(self, document: Mapping[str, Any]) -> bool:
        """Takes in a CredentialReference; tells whether it is another version than the one known."""
        if not self.is_reference_news(document):
            return False
        key = key_of(document)
        self.references[key] = record(document, "Bound")
        self._references.put(key, naming.named_by(document))
        self.handouts.put_reference(key, document)
        self._borrowed.put(key, naming.borrowed_by(document))
        self._hold(key, naming.holder_of(document))
        self._select(key, naming.selects_in(document) if naming.named_by(document) is None else None)
        return True

    def drop_reference(self, key: Key, uid: str) -> Key | None:
        """Forgets a CredentialReference; gives the Credential that it named, None if it is not known."""
        self._bury(uid)
        known = self.references.get(key)
        if known is None or known.uid != uid:
            return None
        del self.references[key]
        self._references.put(key, None)
        self.handouts.drop_reference(key)
        self._borrowed.put(key, ())
        self._hold(key, None)
        self._select(key, None)
        return naming.named_by(known.parse())

    def references_to(self, credential: Key) -> list[Key]:
        """Gives the references that name a Credential, from whatever namespace, sorted."""
        return self._references.pointing_at(credential)

    def named_by(self, reference: Key) -> Key | None:
        """Gives the Credential that a reference was last known to name."""
        return self._references.target_of(reference)

    def place_of(self, reference: Key) -> str:
        """Gives the namespace of the Credential that a reference names or looks for; its own where it is not known."""
        named = self._references.target_of(reference)
        if named is not None:
            return named.namespace
        looking = (place for place, found in self._selecting.items() if reference in found)
        return next(looking, reference.namespace)

    def selecting_in(self, namespace: str) -> list[Key]:
        """Gives the references that look for a Credential in a namespace and have none yet, sorted."""
        return sorted(self._selecting.get(namespace, ()))

    def credentials_in(self, namespace: str) -> Iterator[Record]:
        """Gives the Credentials of a namespace."""
        return (seen for key, seen in self.credentials.items() if key.namespace == namespace)

    def _select(self, reference: Key, namespace: str | None) -> None:
        for looking in self._selecting.values():
            looking.discard(reference)
        if namespace is not None:
            self._selecting.setdefault(namespace, set()).add(reference)

    def references_from(self, namespace: str) -> list[Key]:
        """Gives the references in a namespace to Credentials of others."""
        return [
            key
            for key in self.references
            if key.namespace == namespace
            and (named := self._references.target_of(key)) is not None
            and named.namespace != namespace
        ]

    def held_by(self, holder: Object) -> Iterator[Key]:
        """Gives the references that an object holds."""
        held = self._held.get(holder.kind)
        return iter(()) if held is None else held.owners(holder.key)

    def holders(self, kind: str) -> Iterator[Key]:
        """Gives the objects of a kind that hold references, whether or not they exist."""
        held = self._held.get(kind)
        return iter(()) if held is None else held.keys()

    def _hold(self, reference: Key, holder: Object | None) -> None:
        if holder is not None:
            self._held.setdefault(holder.kind, Index())
        for kind, held in self._held.items():
            held.put(reference, [holder.key.name] if holder is not None and holder.kind == kind else ())

    # Secrets

    def put_secret(self, metadata: Mapping[str, Any]) -> list[Object]:
        """Takes in a Secret's metadata; gives whom a change of it concerns."""
        key = _key(metadata)
        if metadata["uid"] in self._gone or not _newer(
            metadata["resourceVersion"], self.versions.get(key, "")
        ):
            return []
        self.versions[key] = metadata["resourceVersion"]
        projected = target(metadata)
        if projected is None:
            self.targets.pop(key, None)
        else:
            self.targets[key] = projected
        return self.concerned(key)

    def drop_secret(self, key: Key, uid: str = "") -> list[Object]:
        """Forgets a Secret, of that uid where it is known; gives whom this concerns."""
        self._bury(uid)
        self.versions.pop(key, None)
        self.targets.pop(key, None)
        return self.concerned(key)

    def concerned(self, secret: Key) -> list[Object]:
        """Gives the Credentials and references that name a Secret as source or target."""
        owners = [Object(CREDENTIAL, key) for key in self._secrets.owners(secret)]
        return [*owners, *(Object(REFERENCE, key) for key in self._borrowed.owners(secret))]

    def lacks(self, owner: Object) -> bool:
        """Tells whether one of the Secrets that an object names is not there."""
        index = self._secrets if owner.kind == CREDENTIAL else self._borrowed
        return any(secret not in self.versions for secret in index.named_by(owner.key))

    def needed_from(self, secret: Key) -> list[Object]:
        """Gives the Credentials that are needed by who uses a Secret: its own, and those it is borrowed from."""
        owners = [Object(CREDENTIAL, key) for key in self._secrets.owners(secret)]
        lenders = (self._references.target_of(key) for key in self._borrowed.owners(secret))
        return [*owners, *(Object(CREDENTIAL, key) for key in lenders if key is not None)]

    # Namespaces

    def put_namespace(self, metadata: Mapping[str, Any]) -> list[Object]:
        """Takes in a namespace's labels, and whether it is being deleted; gives what this may concern."""
        name, labels = metadata["name"], metadata.get("labels") or {}
        leaving = "deletionTimestamp" in metadata
        if (self.namespaces.get(name), name in self.leaving) == (labels, leaving):
            return []
        self.namespaces[name] = labels
        (self.leaving.add if leaving else self.leaving.discard)(name)
        return [*(Object(REFERENCE, key) for key in self.references_from(name)), *self.distributions()]

    def drop_namespace(self, name: str) -> list[Object]:
        """Forgets a namespace, whose references are gone already; gives what this may concern."""
        self.namespaces.pop(name, None)
        self.leaving.discard(name)
        return self.distributions()

    def distributions(self) -> list[Object]:
        """Gives all distributions."""
        return [Object(DISTRIBUTION, key) for key in self.handouts.distributing()]

    def _newer(self, known: Record | None, document: Mapping[str, Any]) -> bool:
        if document["metadata"]["uid"] in self._gone:
            return False
        return known is None or _newer(document["metadata"]["resourceVersion"], known.version)

    def _bury(self, uid: str) -> None:
        """Remembers that an object is gone, for as long as an answer about it may still come."""
        self._gone[uid] = None
        if len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)


def _newer(version: str, known: str) -> bool:
    """Tells whether a resourceVersion is news: an event can arrive after our own later write's answer."""
    if version.isdigit() and known.isdigit():
        return int(version) > int(known)
    return version != known


def overtaken(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tells whether more than the status changed between two versions of an object, from their metadata.

    The answer to our own write shows what others have changed just before it, and makes the watch's word of
    that no news.
    """
    changed = any(before.get(name) != after.get(name) for name in ("generation", "deletionTimestamp"))
    return changed or _own(before.get("annotations")) != _own(after.get("annotations"))


def key_of(document: Mapping[str, Any]) -> Key:
    """Gives the key of an object that is kept: its names are there once, however many keys have them."""
    return _key(document["metadata"])


def _key(metadata: Mapping[str, Any]) -> Key:
    return Key(sys.intern(metadata.get("namespace", "")), sys.intern(metadata["name"]))


def _state(status: Json, condition: str) -> tuple[str, ...]:
    told = next((one for one in status.get("conditions", ()) if one["type"] == condition), None)
    value, reason = ("Unknown", "Pending") if told is None else (told["status"], told["reason"])
    return _told_once(status.get("type", ""), value, reason)


@functools.cache
def _told_once(*texts: str) -> tuple[str, ...]:
    """Gives one and the same tuple for the same texts: there are few, and ten thousand objects have them."""
    return texts

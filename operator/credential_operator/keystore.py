"""The store of a Credential whose keys renew themselves: the Secret that the operator keeps them in.

It holds the current key under the names of its fields, a candidate under the same names with a prefix, and in an
annotation which is which. It belongs to nobody: when the Credential goes it stays, for no other copy of the key
may be left. Every write tests what was read.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from credential_operator import cluster, contents, errors, inventory, objects, patches, succession, view
from credential_operator.api import credential
from credential_operator.providers import contract

Json = dict[str, Any]

ROTATION = f"{inventory.DOMAIN}/rotation"
"""Annotation of a store: which key is which."""
CANDIDATE = "candidate."
"""Before the names of the fields of a key that was made and not accepted yet."""
NO_KEY: Mapping[str, bytes] = {}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What a store holds, as it was read or written; `state` is None where nothing says which key is which."""

    key: objects.Key
    uid: str
    version: str
    state: succession.State | None
    annotations: Mapping[str, str]
    current: Mapping[str, bytes] = dataclasses.field(repr=False)
    candidate: Mapping[str, bytes] = dataclasses.field(repr=False)


def keys_of(seen: view.View, data: Mapping[str, bytes]) -> Any:
    """Reads a type's key material out of fields by their own names; raises InvalidKeyMaterial."""
    return contract.load(seen.provider, data, {})


def fields_of(keys: contract.Keys) -> dict[str, bytes]:
    """Gives key material by its fields' public names."""
    given = {field.alias or name: getattr(keys, name) for name, field in type(keys).model_fields.items()}
    return {name: value.get_secret_value().encode() for name, value in given.items() if value is not None}


class Keystore:
    """Reads and writes stores."""

    def __init__(self, connection: cluster.Cluster, known: inventory.Inventory, wake: objects.Wake) -> None:
        self._connection = connection
        self._known = known
        self._wake = wake

    async def read(self, seen: view.View, rotation: credential.KeyRotation) -> Store | None:
        """Reads a Credential's store, None if there is none; raises TargetConflict for somebody else's Secret."""
        key = objects.Key(seen.key.namespace, rotation.store)
        try:
            found = await self._connection.secret(*key)
        except cluster.NotFound:
            return None
        if not is_store(found["metadata"], seen.key.name):
            raise errors.TargetConflict(
                f"Secret {key.name} exists and belongs to someone else: delete it, or choose another name for "
                "spec.rotation.store."
            )
        return _store(key, found)

    async def create(
        self,
        seen: view.View,
        rotation: credential.KeyRotation,
        fields: Mapping[str, bytes],
        state: succession.State,
    ) -> Store:
        """Creates a store with the key that a person gave."""
        key = objects.Key(seen.key.namespace, rotation.store)
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "labels": {"app.kubernetes.io/managed-by": cluster.MANAGER, inventory.STORE: seen.key.name},
                "annotations": {ROTATION: state.text()},
            },
            "type": "Opaque",
            "data": contents.encoded(fields),
        }
        try:
            return self._noted(key, await self._connection.create_secret(manifest))
        except cluster.Exists:
            raise errors.Conflict(f"Secret {key.name} came about between a look and a write.") from None

    async def write(self, store: Store, state: succession.State) -> Store:
        """Writes which key is which; raises Conflict if the store has changed."""
        return await self._patch(store, state, [])

    async def put(
        self,
        store: Store,
        state: succession.State,
        *,
        current: Mapping[str, bytes],
        candidate: Mapping[str, bytes] = NO_KEY,
    ) -> Store:
        """Writes the keys, too."""
        data = {**current, **{f"{CANDIDATE}{name}": value for name, value in candidate.items()}}
        change = {"op": "add", "path": "/data", "value": contents.encoded(data)}
        return await self._patch(store, state, [change])

    async def _patch(self, store: Store, state: succession.State, changes: list[Json]) -> Store:
        annotations = {**store.annotations, ROTATION: state.text()}
        patch = [
            *patches.unchanged(store.uid, store.version),
            {"op": "add", "path": "/metadata/annotations", "value": annotations},
            *changes,
        ]
        return self._noted(store.key, await self._connection.patch_secret(*store.key, patch))

    def _noted(self, key: objects.Key, secret: Json) -> Store:
        self._wake(self._known.put_secret(secret["metadata"]))
        return _store(key, secret)


def is_store(metadata: Mapping[str, Any], credential_name: str) -> bool:
    """Tells whether a Secret is the store of the Credential of this name in its namespace."""
    return bool((metadata.get("labels") or {}).get(inventory.STORE) == credential_name)


def current_id(metadata: Mapping[str, Any]) -> str | None:
    """Gives the public name of the key in a store, by its metadata; None where that says nothing."""
    text = (metadata.get("annotations") or {}).get(ROTATION)
    return (succession.parse(text).current.id or None) if text else None


def _store(key: objects.Key, secret: Json) -> Store:
    metadata = secret["metadata"]
    data = contents.decoded(secret)
    annotations = metadata.get("annotations") or {}
    text = annotations.get(ROTATION)
    return Store(
        key=key,
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        state=succession.parse(text) if text else None,
        annotations=annotations,
        current={name: value for name, value in data.items() if not name.startswith(CANDIDATE)},
        candidate={
            name.removeprefix(CANDIDATE): value for name, value in data.items() if name.startswith(CANDIDATE)
        },
    )

"""JSON patches (RFC 6902) of an object as it was read. Pure."""

from collections.abc import Mapping
from typing import Any

from credential_operator import cluster

Json = dict[str, Any]


def unchanged(uid: str, version: str) -> list[Json]:
    """Tests that an object is still that one, as it was seen."""
    return [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
    ]


def same(found: Json) -> list[Json]:
    """Tests that an object is as it was read."""
    return unchanged(found["metadata"]["uid"], found["metadata"]["resourceVersion"])


def put(field: str, name: str, value: str) -> Json:
    """Sets one of the labels or annotations, of which there are some."""
    return {"op": "add", "path": _pointer(field, name), "value": value}


def drop(field: str, name: str) -> Json:
    """Takes one of the labels or annotations off, which is there."""
    return {"op": "remove", "path": _pointer(field, name)}


def bring(field: str, metadata: Json, desired: Mapping[str, str]) -> list[Json]:
    """Patches labels or annotations: sets what is desired, drops what we set before, leaves the rest."""
    have = metadata.get(field)
    if have is None:
        return [{"op": "add", "path": f"/metadata/{field}", "value": dict(desired)}]
    stale = sorted((_set_by_us(metadata, field) & set(have)) - set(desired))
    return [drop(field, name) for name in stale] + [
        put(field, name, value) for name, value in desired.items() if have.get(name) != value
    ]


def _set_by_us(metadata: Json, field: str) -> set[str]:
    """Gives the labels or annotations that the API server noted as written by the operator."""
    names: set[str] = set()
    for entry in metadata.get("managedFields") or ():
        if entry.get("manager") == cluster.MANAGER:
            fields = entry.get("fieldsV1", {}).get("f:metadata", {}).get(f"f:{field}", {})
            names |= {name.removeprefix("f:") for name in fields if name.startswith("f:")}
    return names


def _pointer(field: str, name: str) -> str:
    """Points at one of the labels or annotations, its name escaped (RFC 6901)."""
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"/metadata/{field}/{escaped}"

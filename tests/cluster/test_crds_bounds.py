"""Values, lengths and required fields: full objects are spoilt in every way that the schema knows."""

import copy
import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.crds import (
    KINDS,
    Json,
    another,
    document,
    dry_run,
    manifest,
    renamed,
    schema_of,
    serve,
    serving,
    spec,
    stored_objects,
)
from controlplane import ControlPlane
from credential_operator import formats, providers
from credential_operator.api import kinds, schema


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with serving() as started:
        yield started


@dataclasses.dataclass(frozen=True)
class Spoilt:
    """A copy of a full object with one field spoilt, and what kubectl says to that."""

    document: Json
    says: str


def spoilt(whole: Json, root: Json) -> Iterator[Spoilt]:
    for path, field in walk(root["properties"]["spec"], whole["spec"], ("spec",)):
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
        for says, value in _spoilers(field, at(whole, path)):
            changed = copy.deepcopy(whole)
            at(changed, path[:-1])[path[-1]] = value
            yield Spoilt(changed, f"{where}: {says}")
        for name in field.get("required", ()):
            changed = copy.deepcopy(whole)
            at(changed, path).pop(name)
            yield Spoilt(changed, f"{where}.{name}: Required value")


def _spoilers(field: Json, value: Any) -> Iterator[tuple[str, Any]]:
    if "enum" in field:
        yield 'Unsupported value: "Nonsense": supported values: ', "Nonsense"
    elif "maxLength" in field:
        yield f"Too long: may not be more than {field['maxLength']} bytes", value + "a" * field["maxLength"]
    if "minimum" in field:
        yield from ((f"Invalid value: {bad}: ", bad) for bad in (field["minimum"] - 1, field["maximum"] + 1))
    if field["type"] == "array":
        yield from _list_spoilers(field, value)
    if "maxProperties" in field:
        entries = {
            f"{key}{number}": value[key] for key in value for number in range(field["maxProperties"] + 1)
        }
        yield f"Too many: {len(entries)}: must have at most {field['maxProperties']} items", entries
    if field["type"] == "boolean":
        yield "Invalid value: ", "maybe"


def _list_spoilers(field: Json, value: Any) -> Iterator[tuple[str, Any]]:
    most = field["maxItems"]
    if "minItems" in field:
        yield "Invalid value: 0: ", []
    items = [_another(value[0], number) for number in range(most + 1)]
    yield f"Too many: {len(items)}: must have at most {most} items", items


def _another(item: Any, number: int) -> Any:
    """Return another item like this one."""
    if isinstance(item, dict):
        known_by = "name" if "name" in item else "key"
        return {**item, known_by: f"{item[known_by]}{number}"}
    return item + number if isinstance(item, int) else f"{item}{number}"


def walk(field: Json, value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Json]]:
    yield path, field
    for name, child in field.get("properties", {}).items():
        if name in value:
            yield from walk(child, value[name], (*path, name))
    if "items" in field:
        for number, item in enumerate(value):
            yield from walk(field["items"], item, (*path, number))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def full_objects() -> list[Json]:
    return [each for each in stored_objects() if each["metadata"]["name"].endswith("full")]


def test_full_objects_have_every_field() -> None:
    known = {
        f"{kind}.{path}"
        for kind in KINDS
        for path, _ in schema.fields(schema_of(kind)["properties"]["spec"], "spec")
        if not path.endswith((".*", "[]"))
    }
    used = {
        f"{whole['kind']}.{re.sub('[.][0-9]+', '[]', '.'.join(map(str, path)))}"
        for whole in full_objects()
        for path, _ in walk(schema_of(whole["kind"])["properties"]["spec"], whole["spec"], ("spec",))
    }
    assert known - used == set()


def test_every_bound_and_value_is_enforced_with_words_that_name_it(plane: ControlPlane) -> None:
    attempts = [each for whole in full_objects() for each in spoilt(whole, schema_of(whole["kind"]))]
    for number, attempt in enumerate(attempts):
        attempt.document["metadata"]["name"] = f"spoilt-{number}"

    answers = dry_run(plane, *(attempt.document for attempt in attempts))

    assert answers.accepted == ""
    unheard = [
        attempt.says
        for number, attempt in enumerate(attempts)
        if attempt.says not in answers.why(f"spoilt-{number}")
    ]
    assert unheard == []
    assert len(attempts) > 60


def test_the_largest_object_is_accepted(plane: ControlPlane) -> None:
    keys = {f"{'k' * 60}{number}": "x" * 63 for number in range(16)}
    notes = {f"{'n' * 60}{number}": "x" * 1000 for number in range(16)}
    fields = {f"{'f' * 200}{number}": "secretAccessKey" for number in range(16)}
    targets = [
        {
            "name": f"{'t' * 250}{number}",
            "format": "fields",
            "keys": fields,
            "labels": keys,
            "annotations": notes,
        }
        for number in range(16)
    ]
    whole = document("a" * 63, spec(targets=targets, description="x" * 1024))
    plane.kubectl("create", "--dry-run=server", "-f", "-", input=manifest(whole))


def test_there_is_room_for_twice_the_types_and_formats(plane: ControlPlane) -> None:
    """What first runs out is the length of an expression, of which the API server takes 100,000 characters."""
    aws, velero = providers.find()["aws"], formats.find()["velero"]
    types = [
        *providers.find().values(),
        *(another(aws, name=f"type{number}") for number in range(len(providers.find()))),
    ]
    layouts = [
        *formats.find().values(),
        *(
            another(velero, name=f"format{number}", serves=lambda _, __: False)
            for number in range(len(formats.find()))
        ),
    ]
    sources = [
        *formats.sources().values(),
        *(another(velero, name=f"format{number}") for number in range(len(formats.sources()))),
    ]
    serve(plane, *renamed(kinds.crds(types, layouts, sources)[:1], "many.test"))

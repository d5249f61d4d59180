"""Documents are packed small, and unpacked as they were."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from credential_operator import packing

SCALARS = some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text(max_size=20)
DOCUMENTS = some.dictionaries(
    some.text(max_size=10),
    some.recursive(
        SCALARS,
        lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=10), inner),
        max_leaves=10,
    ),
    max_size=5,
)


@given(DOCUMENTS)
def test_a_document_is_unpacked_as_it_was_packed(document: dict[str, Any]) -> None:
    assert packing.unpack(packing.pack(document)) == document


def test_a_long_document_is_whole() -> None:
    document = {"annotation": "".join(chr(65 + index * index % 57) for index in range(300_000))}
    assert packing.unpack(packing.pack(document)) == document


def test_a_usual_document_takes_little_more_than_its_own_names() -> None:
    usual = json.loads(packing.USUAL)
    usual["metadata"] |= {"namespace": "team-a", "name": "backups", "resourceVersion": "123456"}
    assert len(packing.pack(usual)) < len(packing.USUAL) / 10


def test_whoever_unpacks_a_document_owns_it() -> None:
    packed = packing.pack({"spec": {}})
    packing.unpack(packed)["spec"]["changed"] = True
    assert packing.unpack(packed) == {"spec": {}}

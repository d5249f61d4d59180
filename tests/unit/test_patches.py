"""Patches of Secrets: only of what was read, and of others' labels nothing."""

from typing import Any

from credential_operator import patches


def managed(manager: str, **fields: list[str]) -> dict[str, Any]:
    """Return what the API server notes of who wrote which labels and annotations."""
    named: dict[str, Any] = {
        f"f:{field}": {".": {}} | {f"f:{name}": {} for name in names} for field, names in fields.items()
    }
    return {"manager": manager, "fieldsV1": {"f:metadata": named}}


def test_a_patch_is_of_the_secret_as_it_was_read() -> None:
    assert patches.same({"metadata": {"uid": "u", "resourceVersion": "7"}}) == [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
    ]


def test_names_are_escaped() -> None:
    assert patches.put("annotations", "a~b/c", "1") == {
        "op": "add",
        "path": "/metadata/annotations/a~0b~1c",
        "value": "1",
    }
    assert patches.drop("labels", "a/b") == {"op": "remove", "path": "/metadata/labels/a~1b"}


def test_labels_begin_where_there_are_none() -> None:
    assert patches.bring("labels", {}, {"a": "1"}) == [
        {"op": "add", "path": "/metadata/labels", "value": {"a": "1"}}
    ]


def test_what_we_set_and_want_no_more_goes_and_what_others_set_stays() -> None:
    metadata = {
        "labels": {"ours": "1", "changed": "1", "same": "1", "theirs": "1"},
        "managedFields": [
            managed("credential-operator", labels=["ours", "changed", "same", "gone"], annotations=["note"]),
            managed("kubectl", labels=["theirs"]),
        ],
    }

    assert patches.bring("labels", metadata, {"changed": "2", "same": "1", "new": "1"}) == [
        {"op": "remove", "path": "/metadata/labels/ours"},
        {"op": "add", "path": "/metadata/labels/changed", "value": "2"},
        {"op": "add", "path": "/metadata/labels/new", "value": "1"},
    ]

"""The schema of the chart's values follows from their file."""

import json

import pytest

from delivery import values

TEXT = (values.ROOT / values.VALUES).read_text()


def test_every_value_of_the_file_is_told_with_its_comment_and_nothing_else_is_taken() -> None:
    found = values.schema(TEXT + "# How many.\n# More than one.\nmany: 3\nsome: {one: true, words: a}\n")
    assert found["properties"]["many"] == {"description": "How many. More than one.", "type": "integer"}
    assert found["properties"]["some"] == {
        "type": "object",
        "additionalProperties": False,
        "properties": {"one": {"type": "boolean"}, "words": {"type": "string"}},
    }
    assert found["additionalProperties"] is False


def test_the_schema_is_that_of_the_file() -> None:
    assert json.loads((values.ROOT / values.SCHEMA).read_text()) == values.schema(TEXT)


def test_what_is_said_of_a_value_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="logLevel"):
        values.schema(TEXT.replace("logLevel:", "level:"))


def test_a_list_says_what_may_be_in_it() -> None:
    with pytest.raises(ValueError, match="ours has items"):
        values.schema(TEXT + "ours: [1]\n")

"""Models become schemas that a CRD can hold."""

import datetime
from typing import Annotated, Literal

import pydantic
import pytest

from credential_operator.api import schema, values

Short = Annotated[str, pydantic.Field(max_length=9)]


class _Part(values.Model):
    """A part."""

    level: Literal["Low", "High"] = "Low"
    """How
    much.

    * Low: little
      of it.
    * High: much."""
    every: Annotated[datetime.timedelta, values.Duration(minimum="1m", maximum="1h")] = datetime.timedelta(
        minutes=5
    )
    """How often."""


class _Whole(values.Model):
    """A whole."""

    rules = (values.Rule(rule="has(self.part)", message="must have a part"),)

    displayName: Short | None = None  # noqa: N815 (as an alias would be)
    """Its name."""
    part: _Part = _Part()
    """Its part."""
    parts: Annotated[tuple[_Part, ...], pydantic.Field(max_length=3)] = ()
    """Its parts."""
    kind: Literal["Whole"]
    """Its kind."""
    tags: dict[values.SecretKey, Short] = pydantic.Field(default={}, max_length=3)
    """Its tags."""


def test_optional_fields_are_absent_and_not_null() -> None:
    assert schema.of(_Whole)["properties"]["displayName"] == {
        "description": "Its name.",
        "type": "string",
        "maxLength": 9,
    }


def test_only_fields_without_a_default_are_required() -> None:
    assert schema.of(_Whole)["required"] == ["kind"]


def test_a_part_is_written_out_under_the_words_of_its_field() -> None:
    part = schema.of(_Whole)["properties"]["part"]
    assert part["description"] == "Its part."
    assert part["default"] == {}
    assert part["properties"]["level"]["enum"] == ["Low", "High"]


def test_defaults_are_written_as_people_write_them() -> None:
    fields = schema.of(_Part)["properties"]
    assert (fields["level"]["default"], fields["every"]["default"]) == ("Low", "5m")


def test_empty_lists_and_maps_are_no_default() -> None:
    fields = schema.of(_Whole)["properties"]
    assert "default" not in fields["parts"]
    assert "default" not in fields["tags"]


def test_a_single_value_is_an_enum() -> None:
    assert schema.of(_Whole)["properties"]["kind"]["enum"] == ["Whole"]


def test_rules_of_a_model_are_in_its_schema() -> None:
    assert values.rules_of(schema.of(_Whole)) == [{"rule": "has(self.part)", "message": "must have a part"}]


def test_a_rule_of_keys_becomes_a_rule_of_the_map_that_names_a_wrong_key() -> None:
    (rule,) = values.rules_of(schema.of(_Whole)["properties"]["tags"])
    assert rule["rule"] == "self.all(key, key.matches(r'^[-._a-zA-Z0-9]+$'))"
    assert rule["message"].startswith("every key must be a key of a Secret")
    assert "self.filter(key, !(key.matches(r'^[-._a-zA-Z0-9]+$')))[0]" in rule["messageExpression"]


def test_a_list_says_how_it_is_merged() -> None:
    assert schema.of(_Whole)["properties"]["parts"]["x-kubernetes-list-type"] == "atomic"


def test_lines_of_a_docstring_are_joined_and_its_lists_kept() -> None:
    text = schema.of(_Part)["properties"]["level"]["description"]
    assert text == "How much.\n\n* Low: little of it.\n* High: much."


def test_nothing_is_left_that_a_crd_refuses() -> None:
    for path, field in schema.fields(schema.of(_Whole), "whole"):
        assert not {"title", "$ref", "anyOf", "const", "examples", "propertyNames"} & field.keys(), path
        assert field.get("additionalProperties") is not False, path


@pytest.mark.parametrize(
    "kind", [int | str, Annotated[int, pydantic.Field(gt=1)], set[str]], ids=["union", "exclusive", "set"]
)
def test_what_a_crd_cannot_say_is_refused_with_its_place(kind: type) -> None:
    model = pydantic.create_model("Sample", field=(kind, ...))
    with pytest.raises(ValueError, match=r"Sample\.field"):
        schema.of(model)


def test_fields_without_words_or_bounds_are_named() -> None:
    model = pydantic.create_model(
        "Sample", text=(str, ...), texts=(list[str], ...), more=(dict[str, str], ...)
    )
    found = schema.flaws(schema.of(model), "Sample")
    assert "Sample.text: has no description" in found
    assert "Sample.text: has no maxLength" in found
    assert "Sample.texts: has no maxItems" in found
    assert "Sample.texts[]: has no maxLength" in found
    assert "Sample.more: has no maxProperties" in found
    assert "Sample.texts[]: has no description" not in found


def test_a_described_and_bounded_model_has_no_flaws() -> None:
    assert schema.flaws(schema.of(_Whole), "Whole") == []

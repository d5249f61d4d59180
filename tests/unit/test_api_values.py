"""Durations, times and patterns mean the same to Python as to the API server."""

import datetime
import re
from typing import Annotated

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as some

from credential_operator.api import credential, publication, schema, values

HOUR = datetime.timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1h30m5s", 5405), ("720h", 2_592_000)],
)
def test_durations_are_read_as_go_reads_them(text: str, seconds: int) -> None:
    assert values.duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "1", "h", "1d", "-1h", "1.5h", "1h ", " 1h", "1h\n", "1234567h", "1h1h1h1h", None]
)
def test_what_is_no_duration_is_refused_with_one_that_is(text: object) -> None:
    with pytest.raises(ValueError, match="30m"):
        values.duration(text)


@given(some.integers(min_value=0, max_value=999_999 * 3600))
def test_a_written_duration_is_read_as_the_same(seconds: int) -> None:
    length = datetime.timedelta(seconds=seconds)
    assert values.duration(values.duration_text(length)) == length


@pytest.mark.parametrize(("length", "text"), [(HOUR, "1h"), (HOUR * 0, "0s"), (HOUR * 1.5, "1h30m")])
def test_durations_are_written_as_people_write_them(length: datetime.timedelta, text: str) -> None:
    assert values.duration_text(length) == text


@pytest.mark.parametrize("text", ["1m", "720h", "0s"])
def test_a_duration_within_its_bounds_is_accepted(text: str) -> None:
    assert credential.Validation.model_validate({"interval": text}).interval == values.duration(text)


@pytest.mark.parametrize("text", ["59s", "721h", "soon"])
def test_a_duration_out_of_its_bounds_is_refused_with_the_bounds(text: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="a duration"):
        credential.Validation.model_validate({"interval": text})


def test_zero_is_refused_where_it_means_nothing() -> None:
    with pytest.raises(pydantic.ValidationError, match="from 1s to 30s"):
        credential.Validation.model_validate({"timeout": "0s"})


def test_a_duration_is_stored_as_text() -> None:
    assert credential.Validation(interval=HOUR).model_dump(mode="json")["interval"] == "1h"


@pytest.mark.parametrize(
    "text",
    [
        "2027-01-31T00:00:00Z",
        "2028-02-29T23:59:59.999999999Z",
        "2027-04-30T12:00:00+05:30",
        "2027-12-31T00:00:00-11:00",
    ],
)
def test_every_time_of_the_pattern_is_read(text: str) -> None:
    assert re.fullmatch(values.TIME, text)
    assert pydantic.TypeAdapter(values.Moment).validate_python(text).tzinfo


@pytest.mark.parametrize(
    "text",
    [
        "2027-01-31",
        "2027-01-31T00:00:00",
        "2027-02-30T00:00:00Z",
        "2027-04-31T00:00:00Z",
        "2027-01-31T24:00:00Z",
    ],
)
def test_what_is_no_time_with_a_zone_is_refused(text: str) -> None:
    assert not re.fullmatch(values.TIME, text)


class _Sample(values.Model):
    """A sample."""

    name: values.SecretName | None = None
    """A name."""
    maybe: Annotated[str | None, pydantic.Field(max_length=9), values.Matching("^[a-z]+$", "letters")] = None
    """Letters."""


@pytest.mark.parametrize("name", ["a", "a-b", "a.b-c.d1", "0"])
def test_names_of_secrets_are_accepted(name: str) -> None:
    assert _Sample(name=name).name == name


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a\n", "ä", "a" * 254])
def test_what_cannot_name_a_secret_is_refused(name: str) -> None:
    with pytest.raises(pydantic.ValidationError):
        _Sample(name=name)


def test_nothing_is_not_held_against_a_pattern() -> None:
    assert _Sample(maybe=None).maybe is None


def test_a_pattern_is_a_rule_that_says_what_it_must_be() -> None:
    assert values.rules_of(schema.of(_Sample)["properties"]["maybe"]) == [
        {"rule": "self.matches(r'^[a-z]+$')", "message": "must be letters"}
    ]


@pytest.mark.parametrize("key", ["app", "example.com/team", "a/" + "b" * 63, "App_1.x"])
def test_keys_of_labels_are_accepted(key: str) -> None:
    assert publication.Target.model_validate({"name": "a", "format": "env", "labels": {key: "x"}}).labels == {
        key: "x"
    }


@pytest.mark.parametrize("key", ["", "/a", "a/", "a b", "-a", "a//b", "A.com/a", "b" * 64])
def test_what_cannot_be_the_key_of_a_label_is_refused(key: str) -> None:
    with pytest.raises(pydantic.ValidationError):
        publication.Target.model_validate({"name": "a", "format": "env", "labels": {key: "x"}})


def test_a_rule_has_only_what_it_says() -> None:
    assert values.Rule(rule="true", message="no").document() == {"rule": "true", "message": "no"}
    full = values.Rule(rule="true", message="no", expression="'no'", path=".a", optional_old_self=True)
    assert full.document() == {
        "rule": "true",
        "message": "no",
        "messageExpression": "'no'",
        "fieldPath": ".a",
        "optionalOldSelf": True,
    }

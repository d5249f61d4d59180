"""Which flags the schema of a type has, and what they set; and the manifests that are made of it."""

import io
from typing import Any

import click
import pytest

from credential_operator.cli import flags, manifests
from credential_operator.cli.flags import Flag

SCHEMA: dict[str, Any] = {
    "properties": {
        "tenantID": {"type": "string", "description": "The `tenant`.\n\nMore of it."},
        "assumeRole": {"type": "object", "properties": {"roleARN": {"type": "string"}}},
        "claims": {"type": "object", "additionalProperties": {"type": "string"}},
        "scopes": {"type": "array", "items": {"type": "string"}},
        "ports": {"type": "array", "items": {"type": "integer"}},
        "anything": {"type": "object"},
        "lifetime": {"type": "integer", "default": 5},
        "disableSSL": {"type": "boolean", "default": False},
        "verify": {"type": "boolean", "default": True},
        "caBundle": {"type": "string", "maxLength": 65536},
        "grant": {"type": "string", "enum": ["A", "B"]},
        "class": {"type": "string", "enum": ["LONG" * 10, "LONGER" * 10]},
    }
}
FLAGS = list(flags.flags(SCHEMA))


def parsed(*words: str) -> dict[str, Any]:
    """Return what a command line sets."""
    command = click.Command("c", params=[flag.option("Fields") for flag in FLAGS])
    with command.make_context("c", list(words)) as context:
        return flags.collected(FLAGS, context.params)


def test_every_field_that_fits_on_a_line_has_a_flag() -> None:
    assert [flag.name for flag in FLAGS] == [
        "--tenant-id",
        "--assume-role-role-arn",
        "--claims",
        "--scopes",
        "--lifetime",
        "--disable-ssl",
        "--no-verify",
        "--ca-bundle",
        "--grant",
        "--class",
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), {}),
        (("--assume-role-role-arn", "arn"), {"assumeRole": {"roleARN": "arn"}}),
        (("--claims", "a=b", "--claims", "c=d=e"), {"claims": {"a": "b", "c": "d=e"}}),
        (("--scopes", "x", "--scopes", "y"), {"scopes": ["x", "y"]}),
        (("--lifetime", "7", "--grant", "B"), {"lifetime": 7, "grant": "B"}),
        (("--disable-ssl", "--no-verify"), {"disableSSL": True, "verify": False}),
    ],
)
def test_flags_set_fields_of_their_kind(words: tuple[str, ...], found: dict[str, Any]) -> None:
    assert parsed(*words) == found


@pytest.mark.parametrize(
    "words", [("--claims", "a"), ("--claims", "=b"), ("--lifetime", "x"), ("--grant", "C")]
)
def test_a_value_that_cannot_be_meant_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(click.BadParameter):
        parsed(*words)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("scopes", "a b,c", ["a", "b", "c"]),
        ("disableSSL", "True", True),
        ("disableSSL", "no", False),
        ("lifetime", "7", 7),
        ("lifetime", "7m", "7m"),
        ("tenantID", "x", "x"),
    ],
)
def test_a_text_is_read_as_a_field_of_its_kind(path: str, text: str, value: object) -> None:
    assert next(flag for flag in FLAGS if flag.path == (path,)).parse(text) == value


def test_a_long_text_is_read_from_a_file() -> None:
    bundle = next(flag for flag in FLAGS if flag.path == ("caBundle",))

    assert bundle.read(io.StringIO("PEM")) == "PEM"


def test_the_help_of_a_flag_has_the_first_paragraph_and_the_default() -> None:
    helps = {flag.name: flag.option("Fields").help for flag in FLAGS}

    assert helps["--tenant-id"] == "The tenant."
    assert helps["--lifetime"] == "[default: 5]"
    assert helps["--no-verify"] == "[default: true]"
    assert str(helps["--class"]).startswith("One of LONG")


def test_a_field_without_a_flag_is_named_by_its_path() -> None:
    assert flags.named(FLAGS, ["tenantID"]) == "--tenant-id"
    assert flags.named(FLAGS, ["targets", "0"]) == "targets.0"
    assert Flag(("a", "bC"), {"type": "string"}).parameter == "field_a__bC"


def test_manifests_have_a_namespace_where_one_is_given() -> None:
    secret = manifests.secret("keys", None, {"b": b"2", "a": b"1"})
    credential = manifests.credential("a", "team-a", {"jwt": {}}, {"tier": "gold"})

    assert (secret["metadata"], secret["data"]) == ({"name": "keys"}, {"a": "MQ==", "b": "Mg=="})
    assert credential["metadata"] == {"name": "a", "namespace": "team-a", "labels": {"tier": "gold"}}

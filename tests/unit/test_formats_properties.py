"""Whatever a key is made of: it is read back as it was, or refused, in every format and for every type."""

from __future__ import annotations

import configparser
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from credential_operator import errors, formats
from credential_operator.formats import _lines
from unit.material import fields
from unit.reading import render, secret_values

CANARY = "canary"
Reader = Callable[[bytes], Mapping[str, Any]]


def flat(document: Any, path: str = "") -> dict[str, Any]:
    """Return the values of a document by their paths."""
    if not isinstance(document, dict):
        return {path: document}
    return {
        place: value for name in document for place, value in flat(document[name], f"{path}/{name}").items()
    }


def ini(content: bytes) -> dict[str, Any]:
    """Read an INI file as strictly as any reader: a comment may begin anywhere in a line."""
    parser = configparser.RawConfigParser(
        default_section="", comment_prefixes=("#", ";"), inline_comment_prefixes=("#", ";")
    )
    parser.read_string(content.decode("ascii"))
    return flat({section: dict(parser[section]) for section in parser.sections()})


READERS: Mapping[str, Reader] = {
    "json": lambda content: flat(json.loads(content)),
    "yaml": lambda content: flat(yaml.safe_load(content)),
    "ini": ini,
    "lines": lambda content: _lines.read(content.decode(), "the file"),
    "text": lambda content: {"": content.decode()},
}
OWN = {"keys": {"user": "accessKeyID", "pass_word": "secretAccessKey"}}
BUCKET = {"bucket": "backups"}
LAID_OUT: list[tuple[str, str, str, Mapping[str, Any]]] = [
    ("aws", "crossplane", "ini", {}),
    ("azure", "crossplane", "json", {}),
    ("azure", "external-dns", "json", {}),
    ("azure", "external-dns", "yaml", {}),
    ("s3", "thanos", "yaml", {}),
    ("azureStorage", "thanos", "yaml", BUCKET),
    ("s3", "pgbackrest", "ini", {}),
    ("azureStorage", "pgbackrest", "ini", {}),
    ("s3", "rclone", "ini", {}),
    ("azureStorage", "rclone", "ini", {}),
    ("s3", "pharmer", "json", {}),
    ("azureStorage", "pharmer", "json", {}),
    ("s3", "json", "json", OWN),
    ("s3", "ini", "ini", OWN),
    ("s3", "env-file", "lines", OWN),
    ("azure", "terraform", "text", {}),
    ("s3", "terraform", "text", {}),
    ("aws", "external-secrets", "text", {}),
    ("aws", "cert-manager", "text", {}),
    ("aws", "cluster-api", "text", {}),
    ("s3", "cloudnative-pg", "text", {}),
    ("s3", "longhorn", "text", {}),
    ("s3", "portworx", "text", {}),
    ("s3", "loki", "text", {}),
    ("s3", "restic", "text", {}),
    ("basic", "basic-auth", "text", {}),
]
"""Type, format, how what it writes is read, and options."""
HIDDEN = ["\x00", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"]


def read(type_name: str, layout: str, reader: str, found: Mapping[str, str], options: Any) -> dict[str, Any]:
    data = render(type_name, layout, found, **options)
    return {
        f"{key}{place}": value
        for key, content in data.items()
        for place, value in READERS[reader](content).items()
    }


def test_every_format_that_writes_a_text_is_here_or_has_a_test_of_its_own() -> None:
    elsewhere = {"env", "fields", "aws-credentials-file", "velero", "azure-sdk-auth"}
    files = {"google-key-file", "docker-registry", "oci-config"}
    assert {layout for _, layout, _, _ in LAID_OUT} | elsewhere | files == {*formats.find()}


@pytest.mark.parametrize(("type_name", "layout", "reader", "options"), LAID_OUT)
@settings(max_examples=60)
@given(drawn=st.data())
def test_a_value_stays_where_it_is_put(
    type_name: str, layout: str, reader: str, options: Mapping[str, Any], drawn: st.DataObject
) -> None:
    usual = fields(type_name)
    secret = {name: drawn.draw(st.text(), label=name) for name in secret_values(type_name, usual)}
    try:
        found = read(type_name, layout, reader, {**usual, **secret}, options)
    except errors.InvalidKeyMaterial:
        return
    marks = {usual[name]: value for name, value in secret.items()}
    expected = read(type_name, layout, reader, usual, options)
    assert found == {place: marks.get(value, value) for place, value in expected.items()}


@pytest.mark.parametrize("sign", HIDDEN)
@pytest.mark.parametrize(("type_name", "layout", "reader", "options"), LAID_OUT)
def test_what_hides_in_a_value_is_refused_and_its_field_named(
    type_name: str, layout: str, reader: str, options: Mapping[str, Any], sign: str
) -> None:
    usual = fields(type_name)
    name = max(secret_values(type_name, usual))
    with pytest.raises(errors.InvalidKeyMaterial, match=name) as raised:
        read(type_name, layout, reader, {**usual, name: f"{CANARY}{sign}{CANARY}"}, options)
    assert CANARY not in repr(raised.value)


@pytest.mark.parametrize("sign", ["\n", "\r", "\r\n[x]\r\n"])
@pytest.mark.parametrize(
    ("type_name", "layout", "reader", "options"), [row for row in LAID_OUT if row[2] in {"ini", "lines"}]
)
def test_a_line_end_in_a_line_is_refused(
    type_name: str, layout: str, reader: str, options: Mapping[str, Any], sign: str
) -> None:
    usual = fields(type_name)
    name = max(secret_values(type_name, usual))
    with pytest.raises(errors.InvalidKeyMaterial, match=name):
        read(type_name, layout, reader, {**usual, name: f"{CANARY}{sign}{CANARY}"}, options)


@pytest.mark.parametrize(
    ("type_name", "layout", "reader", "options"), [row for row in LAID_OUT if row[2] == "text"]
)
def test_no_key_of_a_secret_ends_in_a_line_end_that_its_value_has_not(
    type_name: str, layout: str, reader: str, options: Mapping[str, Any]
) -> None:
    data = render(type_name, layout, fields(type_name), **options)
    assert not [key for key, content in data.items() if content.endswith((b"\n", b" "))]

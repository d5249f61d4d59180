"""Any Secret is read or refused without showing what it holds; and what is rendered is read again."""

from __future__ import annotations

import configparser
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import errors, formats, providers
from credential_operator.formats import _ini
from providers import suite
from unit.reading import ACCOUNT, SPECS, load, render

CANARY = "canary key"
"""Has the form of no public field."""

SIGNS = st.characters(exclude_categories=("C", "Zl", "Zp"))
LINES = st.text(SIGNS, min_size=1).filter(lambda value: value == value.strip())
PLAIN = st.text("abcXYZ019+/=~._-$#'\"\\ ;[]", min_size=1).filter(lambda value: value == value.strip())
VALUES = LINES | PLAIN
SECRETS: Mapping[str, Mapping[str, st.SearchStrategy[str]]] = {
    "aws": {"accessKeyID": VALUES, "secretAccessKey": VALUES, "sessionToken": VALUES},
    "s3": {"accessKeyID": VALUES, "secretAccessKey": VALUES},
    "azure": {"clientSecret": VALUES},
    "azureStorage": {"accountKey": VALUES},
    "google": {"serviceAccountJSON": VALUES.map(lambda key: json.dumps({**ACCOUNT, "private_key": key}))},
    "oracle": {"privateKey": VALUES, "passphrase": VALUES},
    "basic": {"username": VALUES, "password": VALUES},
    "registry": {"username": VALUES, "password": VALUES},
}
"""Key material of every type that is read here."""

READ = {
    name: [type_name for type_name in SECRETS if layout.serves(providers.find()[type_name].variables)]
    for name, layout in formats.sources().items()
}
"""Every layout -> the types that can be read from it."""


@pytest.mark.parametrize("layout", sorted(READ.keys() & formats.find().keys()))
@given(data=st.data())
def test_what_is_rendered_is_read_again(layout: str, data: st.DataObject) -> None:
    type_name = data.draw(st.sampled_from(READ[layout]))
    fields = load(type_name, "fields", data.draw(st.fixed_dictionaries({**SECRETS[type_name]})))
    try:
        rendered = render(type_name, layout, fields)
    except errors.InvalidKeyMaterial:
        return
    assert load(type_name, layout, rendered) == fields


KEYS = ["credentials", "cloud", "config", "key.json", "creds", ".dockerconfigjson", "key.pem", "a"]
NAMES = [
    *(
        "aws_access_key_id",
        "aws_secret_access_key",
        "role_arn",
        "source_profile",
        "region",
        "user",
        "key_file",
    ),
    *("AZURE_CLIENT_SECRET", "AZURE_CLIENT_ID", "AZURE_CLOUD_NAME", "AZURE_STORAGE_ACCOUNT_ACCESS_KEY"),
    *("clientSecret", "clientId", "activeDirectoryEndpointUrl", "username", "password", "auth"),
]
FRAGMENTS = [
    *(
        "[default]",
        "[DEFAULT]",
        "[a]",
        "[",
        "]",
        "=",
        ":",
        "\n",
        "\r",
        "  ",
        "\t",
        "#",
        ";",
        "'",
        '"',
        "$",
        "\\",
    ),
    *(f"{name}={CANARY}" for name in NAMES),
    *(f"\n{name} = {CANARY}\n" for name in NAMES),
    *("{", "}", ",", "\0", "\ufeff", "\u2028", f'"{CANARY}"', f"'{CANARY}'", f"= {CANARY}"),
]
LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from([CANARY, "", "Y2FuYXJ5IGtleTpw"])
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*NAMES, "auths", "ghcr.io", "https://ghcr.io"]), inner, max_size=4)
    ),
    max_leaves=6,
)
CONTENTS = (
    st.binary().map(lambda raw: raw.replace(b"[", b""))
    | st.lists(st.sampled_from(FRAGMENTS)).map(lambda parts: "".join(parts).encode())
    | DOCUMENTS.map(lambda document: json.dumps(document).encode())
    | DOCUMENTS.map(lambda entry: json.dumps({"auths": {"ghcr.io": entry}}).encode())
    | DOCUMENTS.map(lambda document: json.dumps(document).replace("}", ",}").encode())
)


@pytest.mark.parametrize("layout", sorted(READ))
@given(data=st.data())
def test_any_secret_is_read_or_refused_without_its_values(layout: str, data: st.DataObject) -> None:
    type_name = data.draw(st.sampled_from(READ[layout]))
    keys = variables(type_name) if layout == "env" else KEYS
    secret = data.draw(st.dictionaries(st.sampled_from(keys), CONTENTS, max_size=3))
    options: dict[str, Any] = {}
    if "key" in formats.sources()[layout].source_options.model_fields and data.draw(st.booleans()):
        options["key"] = data.draw(st.sampled_from(keys))
    shown = ""
    try:
        load(type_name, layout, secret, **options)
    except (errors.InvalidKeyMaterial, errors.InvalidSpec, errors.Misconfigured) as error:
        shown = suite.everything(error)
    assert CANARY not in shown
    assert "Y2FuYXJ5" not in shown


def variables(type_name: str) -> list[str]:
    """Return the variables of key material; those of public fields may be shown."""
    secret = SECRETS[type_name]
    return [
        name
        for field, names in providers.find()[type_name].variables.items()
        if field in secret
        for name in names
    ]


@given(st.lists(st.sampled_from(FRAGMENTS)).map("".join) | st.text("[]=: ab\n\t#;"))
def test_a_file_has_the_sections_that_pythons_own_parser_finds(content: str) -> None:
    theirs = configparser.RawConfigParser()
    try:
        theirs.read_string(content.replace("\r", "\n"))
    except configparser.Error:
        with pytest.raises(errors.InvalidKeyMaterial):
            _ini.sections(content, "the file")
    else:
        assert _ini.sections(content, "the file") == theirs


def test_every_type_is_read_here_that_a_layout_of_its_own_serves() -> None:
    own = [layout for name, layout in formats.sources().items() if name not in {"env", "ini"}]
    served = {
        name
        for name, provider in providers.find().items()
        if any(one.serves(provider.variables) for one in own)
    }
    assert served <= SECRETS.keys()
    assert SECRETS.keys() == SPECS.keys()

"""Key material of any kind: read to the byte, published to the byte, and nobody is asked about it."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import errors, formats, installation
from credential_operator.formats import contract as formats_contract
from credential_operator.providers import contract, network, opaque
from providers import suite

CANARY = "canary"
KEYSTORE = bytes(range(256)) * 4
NAMES = st.from_regex(r"[-._a-zA-Z0-9]{1,20}", fullmatch=True) | st.just("a" * 253)


def load(data: Mapping[str, bytes], **keys: str) -> opaque.Keys:
    return contract.load(opaque.PROVIDER, data, keys)


def fields(data: Mapping[str, bytes], **keys: str) -> Mapping[str, str | bytes]:
    return opaque.PROVIDER.fields(opaque.Config(), load(data, **keys))


def render(name: str, data: Mapping[str, bytes], **options: Any) -> Mapping[str, bytes]:
    layout, read = formats.find()[name], fields(data)
    material = formats_contract.Material(
        type="opaque", fields=read, variables={field: (field,) for field in read}
    )
    return layout.render(material, layout.options.model_validate(options))


def problem(data: Mapping[str, bytes], **keys: str) -> str:
    with pytest.raises(errors.InvalidKeyMaterial) as raised:
        load(data, **keys)
    assert CANARY not in suite.everything(raised.value)
    return raised.value.message


def test_every_key_of_the_secret_is_a_field_of_its_own_name() -> None:
    data = {"tls.p12": KEYSTORE, "password": b" pass word\n", "empty": b"", "model_config": b"x"}
    assert fields(data) == {
        "tls.p12": KEYSTORE,
        "password": " pass word\n",
        "empty": "",
        "model_config": "x",
    }


def test_a_key_that_is_given_another_name_has_only_that() -> None:
    data = {"licence.key": b"a", "LICENSE": b"b", "other": b"c"}
    assert fields(data, LICENSE_KEY="licence.key") == {"LICENSE": "b", "other": "c", "LICENSE_KEY": "a"}
    assert fields(data, LICENSE="licence.key") == {"LICENSE": "a", "other": "c"}


def test_a_named_key_must_be_there() -> None:
    assert problem({"a": b"canary"}, b="c", a="d") == (
        "a is missing: write it under the Secret key d; b is missing: write it under the Secret key c."
    )


@pytest.mark.parametrize("data", [{}, {"a": b""}])
def test_an_empty_secret_holds_no_key(data: Mapping[str, bytes]) -> None:
    assert "is empty" in problem(data)


@given(st.dictionaries(NAMES, st.binary(), min_size=1, max_size=8).filter(lambda data: any(data.values())))
def test_any_bytes_are_published_as_they_are(data: dict[str, bytes]) -> None:
    assert render("fields", data) == data
    keys = {f"{position}": name for position, name in enumerate(data)}
    assert render("fields", data, keys=keys) == {key: data[name] for key, name in keys.items()}


def test_a_keystore_of_the_size_of_a_secret_is_published() -> None:
    keystore = KEYSTORE * 1024
    assert len(keystore) == 1024 * 1024
    assert render("fields", {"it": keystore}, keys={"keystore.jks": "it"}) == {"keystore.jks": keystore}


def test_the_environment_has_the_keys_that_can_be_variables() -> None:
    data = {"LICENSE_KEY": b"a", "_x1": b"-----BEGIN\nEND\n", "licence.key": b"b", "1st": b"c", "a-b": b"d"}
    assert render("env", data) == {"LICENSE_KEY": b"a", "_x1": b"-----BEGIN\nEND\n"}


def test_where_no_key_can_be_a_variable_that_is_said() -> None:
    with pytest.raises(errors.InvalidSpec, match="format fields"):
        render("env", {"keystore.p12": KEYSTORE})


def test_bytes_that_are_no_text_are_refused_by_name_where_only_text_can_stand() -> None:
    data = {"LICENSE_KEY": b"a", "KEYSTORE": b"\xff\x00canary"}
    with pytest.raises(errors.InvalidKeyMaterial) as raised:
        render("env", data)
    assert raised.value.message.startswith("KEYSTORE is not text")
    assert CANARY not in suite.everything(raised.value)
    for layout in ("aws-credentials-file", "velero"):
        with pytest.raises(errors.InvalidKeyMaterial, match="secretAccessKey is not text"):
            render(layout, {"accessKeyID": b"a", "secretAccessKey": b"\xff"})


def test_a_set_of_fields_is_another_key_when_a_field_comes_goes_or_is_renamed() -> None:
    sets: list[Mapping[str, bytes]] = [
        {"a": b"1"},
        {"a": b"1", "b": b"2"},
        {"b": b"1", "a": b"2"},
        {"b": b"1"},
        {"a": b"1", "b": b""},
        {"a": b"\xff"},
        {"a": base64.b64encode(b"\xff")},
    ]
    keyring = installation.Installation(b"k" * 32)
    assert len({keyring.source("team-a", "licence", fields(data)) for data in sets}) == len(sets)


def test_keys_print_no_values() -> None:
    keys = load({"a": b"canary", "b": b"canary\xff"})
    assert CANARY not in f"{keys!r}{keys}{keys.model_dump()}{keys.model_dump_json()}"


def test_nobody_is_asked() -> None:
    config, keys = opaque.Config(), load({"a": b"canary"})
    assert opaque.PROVIDER.endpoint(config) == ""
    opaque.PROVIDER.inspect(config, keys)
    with network.Session(network.Policy()) as session:
        context = contract.Context(
            session=session,
            timeout=1,
            now=lambda: datetime.datetime.now(datetime.UTC),
            external_id=suite.EXTERNAL_ID,
        )
        validation = opaque.PROVIDER.validate(config, keys, context)
    assert "opaque" in validation.unasked
    assert CANARY not in repr(validation)

"""Layouts of target Secrets, read back by those who will read them."""

from __future__ import annotations

import configparser
import os
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

import botocore.configloader
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import errors, formats, providers
from credential_operator.formats import contract

KEY = {
    "accessKeyID": "AKIAIOSFODNN7EXAMPLE",
    "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
ROLE = {
    **KEY,
    "region": "eu-west-1",
    "roleARN": "arn:aws:iam::123456789012:role/team/backup",
    "externalID": "external/id:1",
    "sessionName": "nightly",
    "durationSeconds": "1800",
}
STORE = {**KEY, "region": "garage", "endpoint": "https://minio.example:9000", "bucket": "backups"}
FILES = {"aws-credentials-file": "credentials", "velero": "cloud"}
CANARY = "canary"


def render(
    name: str, fields: Mapping[str, str], *, type_name: str = "aws", **options: Any
) -> Mapping[str, bytes]:
    layout = formats.find()[name]
    material = contract.Material(
        type=type_name, fields=fields, variables=providers.find()[type_name].variables
    )
    return layout.render(material, layout.options.model_validate(options))


def test_the_formats_are_found_by_name() -> None:
    assert {"env", "fields", "aws-credentials-file", "velero"} <= formats.find().keys()
    for name, layout in formats.find().items():
        assert layout.name == name
        assert layout.secret_type
        layout.options()


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_of_keys_serves_types_that_have_an_access_key(name: str) -> None:
    layout = formats.find()[name]
    assert layout.serves(["accessKeyID", "secretAccessKey", "region"])
    assert not layout.serves(["accessKeyID", "token"])


@pytest.mark.parametrize("name", ["env", "fields"])
def test_other_formats_serve_every_type_with_fields(name: str) -> None:
    assert formats.find()[name].serves(["token"])
    assert not formats.find()[name].serves([])


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Any:
    """Gives botocore as a Pod has it: nothing but the Secret."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def environment(data: Mapping[str, bytes]) -> botocore.session.Session:
        for variable, value in data.items():
            monkeypatch.setenv(variable, value.decode())
        return botocore.session.Session()

    def file(content: bytes, profile: str | None = None) -> botocore.session.Session:
        path = tmp_path / "credentials"
        path.write_bytes(content)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
        return botocore.session.Session(profile=profile)

    return environment, file


def test_botocore_reads_the_environment(consumer: Any) -> None:
    environment, _ = consumer
    session = environment(render("env", {**KEY, "sessionToken": "token==", "region": "eu-west-1"}))
    found = session.get_credentials()
    assert (found.access_key, found.secret_key, found.token) == (*KEY.values(), "token==")
    assert found.method == "env"
    assert session.get_config_variable("region") == "eu-west-1"


def test_botocore_finds_a_store_by_the_environment(consumer: Any) -> None:
    environment, _ = consumer
    client = environment(render("env", STORE, type_name="s3")).create_client("s3")
    assert client.meta.endpoint_url == "https://minio.example:9000"
    assert client.meta.region_name == "garage"


def test_the_environment_has_the_usual_variables_and_nothing_else() -> None:
    assert render("env", {**STORE, "storageClass": "STANDARD"}, type_name="s3") == {
        "AWS_ACCESS_KEY_ID": b"AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_REGION": b"garage",
        "AWS_DEFAULT_REGION": b"garage",
        "AWS_ENDPOINT_URL_S3": b"https://minio.example:9000",
    }


def test_a_key_without_a_name_that_a_variable_can_have_is_refused() -> None:
    with pytest.raises(errors.InvalidSpec, match="an environment variable can have"):
        render("env", {"licence.p12": "a"}, type_name="opaque")


def test_the_environment_of_a_role_holds_the_key_alone() -> None:
    assert not [name for name in render("env", ROLE) if "ROLE" in name]


@pytest.mark.parametrize("profile", [None, "backup-1.x_y"])
@pytest.mark.parametrize("name", sorted(FILES))
def test_botocore_reads_the_file(consumer: Any, name: str, profile: str | None) -> None:
    _, file = consumer
    options = {"profile": profile} if profile else {}
    data = render(name, {**KEY, "sessionToken": "token=="}, **options)
    assert list(data) == [FILES[name]]
    found = file(data[FILES[name]], profile).get_credentials()
    assert (found.access_key, found.secret_key, found.token) == (*KEY.values(), "token==")
    assert found.method == "shared-credentials-file"


@pytest.mark.parametrize("name", sorted(FILES))
def test_botocore_assumes_the_role_that_the_file_names(consumer: Any, name: str) -> None:
    _, file = consumer
    session = file(render(name, ROLE)[FILES[name]])
    assert session.get_credentials().method == "assume-role"
    profiles = session.full_config["profiles"]
    assert profiles["default"] == {
        "role_arn": ROLE["roleARN"],
        "external_id": ROLE["externalID"],
        "role_session_name": ROLE["sessionName"],
        "duration_seconds": ROLE["durationSeconds"],
        "source_profile": "default-source",
        **({"region": "eu-west-1"} if name == "aws-credentials-file" else {}),
    }
    assert profiles["default-source"] == {
        "aws_access_key_id": KEY["accessKeyID"],
        "aws_secret_access_key": KEY["secretAccessKey"],
    }


def test_botocore_reads_region_and_endpoint_of_a_store_in_the_file(consumer: Any) -> None:
    _, file = consumer
    client = file(render("aws-credentials-file", STORE, type_name="s3")["credentials"]).create_client("s3")
    assert (client.meta.endpoint_url, client.meta.region_name) == (STORE["endpoint"], "garage")


def test_the_endpoint_of_the_token_service_is_not_every_services() -> None:
    assert (
        b"endpoint"
        not in render("aws-credentials-file", {**KEY, "endpoint": "https://sts.example"})["credentials"]
    )


def test_veleros_file_holds_neither_region_nor_endpoint() -> None:
    assert render("velero", STORE, type_name="s3") == {
        "cloud": b"[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"
        b"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
    }


@pytest.mark.parametrize("profile", ["", "a]", "a b", "a\nb", "[a", "-a", "a" * 65])
def test_a_profile_that_would_end_its_line_is_refused(profile: str) -> None:
    with pytest.raises(ValueError, match="profile"):
        render("velero", KEY, profile=profile)


@pytest.mark.parametrize("name", sorted(FILES))
@given(
    fields=st.fixed_dictionaries(
        {"accessKeyID": st.text(), "secretAccessKey": st.text()},
        optional={"sessionToken": st.text(), "region": st.text()},
    )
)
def test_no_value_gets_out_of_its_line_in_a_file(name: str, fields: dict[str, str]) -> None:
    try:
        content = render(name, fields)[FILES[name]]
    except errors.InvalidKeyMaterial as error:
        content, message = b"", error.message
    if not content:
        assert any(field in message for field in fields)
        return
    lines = {
        "aws_access_key_id": "accessKeyID",
        "aws_secret_access_key": "secretAccessKey",
        "aws_session_token": "sessionToken",
        **({"region": "region"} if name == "aws-credentials-file" else {}),
    }
    expected = {"default": {line: fields[field] for line, field in lines.items() if field in fields}}
    assert _read_by_botocore(content) == expected
    assert _read_by_the_strictest(content) == expected


def _read_by_botocore(content: bytes) -> Any:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return botocore.configloader.raw_config_parse(file.name)


def _read_by_the_strictest(content: bytes) -> Any:
    """Reads as the Go SDKs do: a comment may begin anywhere in a line."""
    parser = configparser.RawConfigParser(
        default_section="", comment_prefixes=("#", ";"), inline_comment_prefixes=("#", ";")
    )
    parser.read_string(content.decode("ascii"))
    return {section: dict(parser[section]) for section in parser.sections()}


HIDDEN = ["\n", "\r", "\x00", "\x1b", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        *((name, sign) for name in sorted(FILES) for sign in HIDDEN),
        *(("env", sign) for sign in HIDDEN if sign not in "\r\n"),
    ],
)
@pytest.mark.parametrize("field", ["accessKeyID", "secretAccessKey", "sessionToken"])
def test_a_line_end_in_a_value_is_refused_and_its_field_named(name: str, sign: str, field: str) -> None:
    fields = {**KEY, field: f"{CANARY}{sign}[other]{sign}aws_access_key_id = {CANARY}"}
    with pytest.raises(errors.InvalidKeyMaterial) as raised:
        render(name, fields)
    assert field in raised.value.message
    assert CANARY not in repr(raised.value)


def test_a_variable_may_have_lines_as_private_keys_have() -> None:
    key = "-----BEGIN PRIVATE KEY-----\r\n\tabc\n-----END PRIVATE KEY-----\n"
    assert render("env", {**KEY, "secretAccessKey": key})["AWS_SECRET_ACCESS_KEY"] == key.encode()


@pytest.mark.parametrize("value", ["#x", ";x", '"x"', "'x'", " x", "x ", "x #y", "x\ty", "sécret", ""])
def test_what_readers_of_files_differ_on_is_refused(value: str) -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match="secretAccessKey"):
        render("velero", {**KEY, "secretAccessKey": value})


@given(st.dictionaries(st.sampled_from(sorted(KEY)), st.text(min_size=1), min_size=1))
def test_the_environment_is_the_value_or_refused(fields: dict[str, str]) -> None:
    variables = providers.find()["aws"].variables
    try:
        data = render("env", fields)
    except errors.InvalidKeyMaterial:
        return
    assert data == {name: fields[field].encode() for field in fields for name in variables[field]}
    assert not [
        value
        for value in data.values()
        if any((byte < 0x20 and byte not in b"\r\n\t") or byte == 0x7F for byte in value)
    ]


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_fields_are_the_values_to_the_byte(fields: dict[str, str]) -> None:
    assert render("fields", fields) == {name: value.encode() for name, value in fields.items()}


def test_fields_stand_under_keys_of_ones_own_choice() -> None:
    keys = {"user": "accessKeyID", "user.again": "accessKeyID", "pass_word": "secretAccessKey"}
    assert render("fields", STORE, keys=keys) == {
        "user": KEY["accessKeyID"].encode(),
        "user.again": KEY["accessKeyID"].encode(),
        "pass_word": KEY["secretAccessKey"].encode(),
    }


def test_a_field_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(errors.InvalidSpec, match=r"sessionToken, token.*accessKeyID, secretAccessKey"):
        render("fields", KEY, keys={"b": "token", "a": "sessionToken", "c": "accessKeyID"})


@pytest.mark.parametrize("key", ["a/b", "a b", "", "a\n"])
def test_a_key_that_no_secret_has_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        render("fields", KEY, keys={key: "accessKeyID"})


def test_material_prints_no_values() -> None:
    material = contract.Material(type="aws", fields={"secretAccessKey": CANARY}, variables={})
    assert CANARY not in repr(material)

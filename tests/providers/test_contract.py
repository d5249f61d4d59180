"""How types are found, and how key material is read out of a source Secret."""

from __future__ import annotations

import importlib
import pathlib
import subprocess
import sys
import types
from collections.abc import Mapping
from typing import Any, ClassVar

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import errors, plugins, providers
from credential_operator.providers import _xml, contract, network
from providers import suite

HERE = pathlib.Path(__file__).parent
CANARY = "canary"


class Keys(contract.Keys):
    user_name: contract.Line = pydantic.Field(alias="userName")
    pass_word: contract.Line = pydantic.Field(alias="passWord")
    key_file: contract.Document | None = pydantic.Field(None, alias="keyFile")


class Provider:
    name: ClassVar[str] = "fake"
    title: ClassVar[str] = "A type for tests."
    config = contract.Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "userName": ("FAKE_USER", "FAKE_LOGIN"),
        "passWord": ("FAKE_PASSWORD",),
    }
    example: ClassVar[Mapping[str, Any]] = {}

    def endpoint(self, _: contract.Config) -> str:
        return ""

    def inspect(self, _: contract.Config, __: Keys) -> None:
        pass

    def validate(self, _: contract.Config, __: Keys, ___: contract.Context) -> contract.Validation:
        return contract.Validation()

    def fields(self, _: contract.Config, __: Keys) -> Mapping[str, str]:
        return {}


def load(data: Mapping[str, bytes], **keys: str) -> dict[str, str]:
    provider: Any = Provider()
    read = contract.load(provider, data, keys)
    return {
        name: value.get_secret_value()
        for name in Keys.model_fields
        if (value := getattr(read, name)) is not None
    }


def problem(data: Mapping[str, bytes], **keys: str) -> str:
    with pytest.raises(errors.InvalidKeyMaterial) as raised:
        load(data, **keys)
    assert CANARY not in suite.everything(raised.value)
    return raised.value.message


def _declared(encoding: str) -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?><Error><Code>a</Code></Error>'.encode()


GOOD = {"userName": b"me", "passWord": b"secret"}


def test_a_field_stands_under_its_own_name_or_a_variable_or_the_mapped_key() -> None:
    assert load(GOOD) == {"user_name": "me", "pass_word": "secret"}
    assert load({"FAKE_LOGIN": b"me", "FAKE_PASSWORD": b"p"}) == {"user_name": "me", "pass_word": "p"}
    assert load({**GOOD, "FAKE_USER": b"other"})["user_name"] == "me"
    assert load({**GOOD, "FAKE_USER": b"third", "mine": b"other"}, userName="mine")["user_name"] == "other"


def test_a_mapped_key_must_be_there_although_the_field_is_under_its_own_name() -> None:
    assert "userName is missing: write it under the Secret key mine" in problem(GOOD, userName="mine")
    assert "keyFile is missing: write it under the Secret key mine" in problem(GOOD, keyFile="mine")


def test_all_problems_are_named_at_once_and_sorted() -> None:
    assert problem({"userName": b" "}) == (
        "passWord is missing: write it under the Secret key passWord or FAKE_PASSWORD; "
        "userName (Secret key userName) is empty."
    )


def test_a_mapping_of_a_field_that_no_type_has_is_the_specs_fault() -> None:
    with pytest.raises(errors.InvalidSpec, match=r"login.*keyFile, passWord, userName"):
        load(GOOD, login="x")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe\x00", "is not text"),
        (b"canary\n", "ends with a newline"),
        (b"canary\r\n", "ends with a newline"),
        (b" canary", "white space"),
        (b"canary\t", "white space"),
        ("canary\u00a0".encode(), "white space"),
        (b"can\ncanary", "control characters or newlines"),
        (b"can\x00canary", "control characters"),
        ("can\u2028canary".encode(), "control characters"),
        ("\ufeffcanary".encode(), "byte order mark"),
    ],
)
def test_what_cannot_be_a_key_is_named_without_its_value(value: bytes, says: str) -> None:
    message = problem({**GOOD, "FAKE_PASSWORD": value, "passWord": value})
    assert message.startswith("passWord (Secret key passWord) ")
    assert says in message
    assert "userName" not in message


def test_a_document_has_lines() -> None:
    document = b"-----BEGIN KEY-----\r\n\tabc\n-----END KEY-----\n"
    assert load({**GOOD, "keyFile": document})["key_file"] == document.decode()
    assert "keyFile (Secret key keyFile) holds control" in problem({**GOOD, "keyFile": b"canary\x00"})
    assert "keyFile (Secret key keyFile) is empty" in problem({**GOOD, "keyFile": b"\n"})


@given(st.binary())
def test_any_value_is_read_as_it_is_or_refused(value: bytes) -> None:
    try:
        read = load({**GOOD, "passWord": value})
    except errors.InvalidKeyMaterial as error:
        message = error.message
    else:
        message = "passWord"
        assert read["pass_word"].encode() == value
    assert "passWord" in message
    assert len(message) < 150


@given(st.binary() | st.sampled_from(["nope", "utf-16", "gb18030", "idna", "big5"]).map(_declared))
def test_any_answer_is_read_or_is_no_document(body: bytes) -> None:
    root, texts = _xml.read(network.Response(status=200, headers={}, body=body), frozenset({"Code"}))
    assert isinstance(root, str)
    assert texts.keys() <= {"Code"}


def test_keys_print_no_values() -> None:
    provider: Any = Provider()
    keys = contract.load(provider, {"userName": b"me", "passWord": CANARY.encode()}, {})
    assert CANARY not in f"{keys!r}{keys}{keys.model_dump()}{keys.model_dump_json()}"


def test_every_type_that_somebody_can_be_asked_about_has_a_file_of_tests_that_keeps_the_contract() -> None:
    for provider in providers.find().values():
        module = type(provider).__module__.rpartition(".")[2]
        tests = vars(importlib.import_module(f"providers.test_{module}")).values()
        asked = provider.endpoint(provider.config.model_validate(provider.example))
        assert not asked or any(isinstance(one, type) and issubclass(one, suite.Contract) for one in tests)


@pytest.fixture
def package(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a package of modules that is gone after the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "some_types"
    folder.mkdir()
    (folder / "__init__.py").write_text("")

    def write(**modules: str) -> types.ModuleType:
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text)
        return __import__("some_types")

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "some_types"]:
        del sys.modules[name]


ONE = "import types; ONE = types.SimpleNamespace(name={!r})"


def test_modules_are_found_by_name_and_shared_code_is_left_out(package: Any) -> None:
    made = package(b=ONE.format("second"), a=ONE.format("first"), _shared="", contract="")
    assert list(plugins.find(made, "ONE", skip={"contract"})) == ["first", "second"]


@pytest.mark.parametrize(
    ("modules", "says"),
    [
        ({"a": "import no_such_module"}, "no_such_module"),
        ({"a": ""}, "some_types.a has no ONE"),
        ({"a": ONE.format("same"), "b": ONE.format("same")}, "second 'same'"),
    ],
)
def test_a_module_that_cannot_be_used_fails_loudly(package: Any, modules: dict[str, str], says: str) -> None:
    with pytest.raises(ImportError, match=says):
        plugins.find(package(**modules), "ONE", skip=())


def test_installed_packages_add_theirs(package: Any, tmp_path: pathlib.Path) -> None:
    made = package(a=ONE.format("ours"))
    (tmp_path / "theirs.py").write_text(ONE.format("theirs"))
    metadata = tmp_path / "theirs-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[some_types]\ntheirs = theirs:ONE\n")
    assert list(plugins.find(made, "ONE", skip=())) == ["ours", "theirs"]


SDKS = ("boto3", "botocore", "azure", "google", "spnego", "jwt", "cryptography", "requests")


def test_an_sdk_is_loaded_by_whoever_needs_it_and_not_by_listing_the_types() -> None:
    code = (
        "import sys; from credential_operator import providers;"
        "[each.endpoint(each.config.model_validate(each.example)) for each in providers.find().values()];"
        f"print([name for name in sys.modules if name.partition('.')[0] in {SDKS}])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

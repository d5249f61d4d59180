"""The kinds of short-lived keys of all types together."""

from __future__ import annotations

import importlib
import pathlib
from typing import Any

import pytest

from credential_operator import providers
from credential_operator.providers import issue
from providers import issuance

KINDS = [
    pytest.param(provider, kind, id=f"{provider.name}-{kind.name}")
    for provider in providers.find().values()
    for kind in issue.kinds(provider).values()
]
HERE = pathlib.Path(__file__).parent


def test_kinds_of_one_name_take_the_same_options() -> None:
    options: dict[str, object] = {}
    for provider in providers.find().values():
        for name, kind in issue.kinds(provider).items():
            assert options.setdefault(name, kind.options) is kind.options


@pytest.mark.parametrize(("provider", "kind"), KINDS)
def test_a_kind_is_described_and_tells_when_its_keys_end(provider: object, kind: issue.Kind[Any]) -> None:
    assert isinstance(provider, issue.Issuer)
    assert kind.title.endswith(".")
    assert kind.cost.endswith(".")
    assert kind.variables["expiresAt"] == ()
    assert not kind.options.rules


def test_a_type_that_has_none_has_no_kinds() -> None:
    assert issue.kinds(providers.find()["basic"]) == {}


def test_every_kind_has_tests_that_keep_the_contract() -> None:
    modules = [importlib.import_module(f"providers.{file.stem}") for file in HERE.glob("test_*_issue.py")]
    tested = {
        (test.type_name, test.kind)
        for module in modules
        for test in vars(module).values()
        if isinstance(test, type) and issubclass(test, issuance.Issuance) and hasattr(test, "kind")
    }
    types = providers.find().values()
    assert tested == {(provider.name, kind) for provider in types for kind in issue.kinds(provider)}

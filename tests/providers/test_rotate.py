"""The rotations of all types together."""

from __future__ import annotations

import datetime
import importlib
import pathlib

import pytest

from credential_operator import providers
from credential_operator.providers import rotate
from providers import rotating

ABLE = [
    pytest.param(rotation, id=provider.name)
    for provider in providers.find().values()
    if (rotation := rotate.rotation_of(provider))
]
HERE = pathlib.Path(__file__).parent


@pytest.mark.parametrize("rotation", ABLE)
def test_a_rotation_says_what_it_needs_and_costs(rotation: rotate.Rotation) -> None:
    assert rotation.cost.endswith(".")
    assert rotation.needs
    assert [*rotation.needs] == sorted(set(rotation.needs))
    assert rotation.most >= 2
    assert rotation.settles > datetime.timedelta(0)


def test_a_type_that_cannot_has_none() -> None:
    assert rotate.rotation_of(providers.find()["basic"]) is None


def test_every_rotation_has_tests_that_keep_the_contract() -> None:
    modules = [importlib.import_module(f"providers.{file.stem}") for file in HERE.glob("test_*_rotate.py")]
    tested = {
        test.type_name
        for module in modules
        for test in vars(module).values()
        if isinstance(test, type) and issubclass(test, rotating.Rotations) and hasattr(test, "type_name")
    }
    assert tested == {each.name for each in providers.find().values() if rotate.rotation_of(each)}

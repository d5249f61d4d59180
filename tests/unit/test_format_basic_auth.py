"""Kubernetes' own Secret type for user names and passwords."""

from __future__ import annotations

import pytest

from credential_operator import formats
from unit.material import decoded, fields
from unit.reading import render


@pytest.mark.parametrize("type_name", ["basic", "registry"])
def test_both_stand_under_the_keys_of_the_type(type_name: str) -> None:
    assert formats.find()["basic-auth"].secret_type == "kubernetes.io/basic-auth"
    assert decoded(render(type_name, "basic-auth", fields(type_name))) == {
        "username": "me",
        "password": "a word",
    }

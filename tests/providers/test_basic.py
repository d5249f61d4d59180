"""User name and password, before an HTTP server that looks at both and locks accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from credential_operator import errors
from credential_operator.providers import basic
from emulators.http_api import HttpApi
from providers import probing, suite

GOOD = {"username": "alice", "password": "canary-pässword: with everything"}


@pytest.fixture(scope="module")
def api() -> Iterator[HttpApi]:
    yield from probing.served()


class TestBasic(probing.Probing):
    @pytest.fixture
    def stage(self, api: HttpApi) -> suite.Stage:
        api.reset()
        api.set_user("alice", GOOD["password"])
        return suite.Stage(
            provider=basic.PROVIDER,
            emulator=api,
            config=probing.probing({}, api.url),
            good=GOOD,
            wrong={
                "password": {**GOOD, "password": "canary-wrong"},
                "user": {**GOOD, "username": "bob"},
            },
            principal="alice",
            secret_fields=("password",),
            at=probing.probing,
        )

    def test_a_user_who_may_not_is_known(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        stage.emulator.set_user("alice", GOOD["password"], allowed=False)
        assert "grant it the right" in refused(errors.PermissionDenied).message


def test_accounts_lock() -> None:
    assert basic.PROVIDER.locks


def test_a_colon_in_the_name_is_named() -> None:
    assert "colon" in probing.message_of(basic.PROVIDER, {}, username="alice:x", password="canary")

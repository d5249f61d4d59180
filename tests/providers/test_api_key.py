"""API keys, before an HTTP server that looks at where they are sent and what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from credential_operator import errors
from credential_operator.providers import api_key
from emulators.http_api import HttpApi
from providers import probing, suite

KEY = "canary-key+/=&?%"


@pytest.fixture(scope="module")
def api() -> Iterator[HttpApi]:
    yield from probing.served()


def stage_of(api: HttpApi, config: Mapping[str, Any], *, sent: str, **place: str) -> suite.Stage:
    api.reset()
    api.add_key(sent, **place)  # type: ignore[arg-type]
    return suite.Stage(
        provider=api_key.PROVIDER,
        emulator=api,
        config=probing.probing(config, api.url),
        good={"key": KEY},
        wrong={"key": {"key": "canary-wrong"}},
        secret_fields=("key",),
        at=probing.probing,
    )


class TestHeader(probing.Probing):
    @pytest.fixture
    def stage(self, api: HttpApi) -> suite.Stage:
        return stage_of(api, {"field": "X-API-Key"}, sent=KEY, field="X-API-Key")

    def test_a_key_that_may_not_is_known(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        stage.emulator.add_key("canary-other", field="X-API-Key", allowed=False)
        refused(errors.PermissionDenied, {"key": "canary-other"})


class TestPrefix(probing.Probing):
    @pytest.fixture
    def stage(self, api: HttpApi) -> suite.Stage:
        return stage_of(api, {"prefix": "Bearer"}, sent=f"Bearer {KEY}", field="Authorization")


class TestQuery(probing.Probing):
    @pytest.fixture
    def stage(self, api: HttpApi) -> suite.Stage:
        return stage_of(
            api, {"location": "Query", "field": "api_key"}, sent=KEY, location="Query", field="api_key"
        )

    def test_what_the_url_asks_for_already_stays(self, stage: suite.Stage) -> None:
        stage.check(config={**stage.config, "probe": {"url": f"{stage.emulator.url}/account?page=1"}})


def test_a_key_with_its_prefix_is_named() -> None:
    config = {"prefix": "Bearer"}
    assert "begins with the prefix" in probing.message_of(api_key.PROVIDER, config, key="Bearer canary")


def test_a_query_has_no_prefix() -> None:
    config = {"location": "Query", "field": "key", "prefix": "Bearer"}
    assert "prefix is for headers" in probing.message_of(api_key.PROVIDER, config, key="canary")

"""What is known of a container registry's user before anybody is asked."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic
import pytest

from credential_operator import errors
from credential_operator.providers import _signing, registry
from emulators.registry import Registry
from providers import registries
from providers.probing import message_of
from providers.registries import APP, GOOD, USER, stage_of


@pytest.fixture(scope="module")
def emulator() -> Iterator[Registry]:
    yield from registries.served()


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [
        ("docker.io", "registry-1.docker.io:443"),
        ("Index.Docker.io", "registry-1.docker.io:443"),
        ("ghcr.io", "ghcr.io:443"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("[2001:db8::1]:5000", "[2001:db8::1]:5000"),
    ],
)
def test_the_endpoint_is_the_registry_itself(host: str, endpoint: str) -> None:
    assert registry.PROVIDER.endpoint(registry.Config.model_validate({"host": host})) == endpoint


@pytest.mark.parametrize(
    "config",
    [
        {"host": "https://index.docker.io/v1/"},
        {"host": "ghcr.io/team"},
        {"host": "alice@ghcr.io"},
        {"host": "ghcr.io:"},
        {"host": "ghcr.io:123456"},
        {"host": ""},
        {"host": "ghcr.io", "repository": "team/app:1.0"},
        {"host": "ghcr.io", "repository": "Team/app"},
        {"host": "ghcr.io", "repository": "/app"},
        {"host": "ghcr.io", "repository": "team/../app"},
        {"host": "ghcr.io", "repository": ""},
    ],
)
def test_a_config_that_cannot_be_is_refused(config: Mapping[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        registry.Config.model_validate(config)


@pytest.mark.parametrize(
    ("username", "says"),
    [
        ("alice:x", "colon"),
        ("dckr_pat_AAAAAAAAAAAAAAAAAAAAAAAAAAA", "access token"),
        ("ghp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "access token"),
        ("glpat-AAAAAAAAAAAAAAAAAAAA", "access token"),
    ],
)
def test_what_cannot_be_a_user_name_is_named(username: str, says: str) -> None:
    assert says in message_of(registry.PROVIDER, {"host": "ghcr.io"}, username=username, password="canary")


@pytest.mark.parametrize(
    "username", ["gh_alice", "ghs_team", "glenn-the-backup-robot-of-us", "_json_key", "robot$team+ci", "AWS"]
)
def test_the_names_of_users_and_robots_are_taken_as_they_are(username: str) -> None:
    keys = registry.Keys.model_validate({"username": username, "password": "canary"})
    registry.PROVIDER.inspect(registry.Config.model_validate({"host": "ghcr.io"}), keys)


class TestPasswordsThatAreTokens:
    @staticmethod
    def fields(expires: datetime.datetime) -> Mapping[str, str]:
        key = _signing.load("x" * 32, "HS256")
        return {**GOOD, "password": key.sign({"exp": int(expires.timestamp())}, {})}

    def test_their_end_is_told(self, emulator: Registry) -> None:
        stage = stage_of(emulator, "basic")
        expires = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(hours=3)
        fields = self.fields(expires)
        emulator.set_user(USER, fields["password"])
        assert stage.check(fields).expires_at == expires

    def test_one_that_is_over_is_certainly_expired_and_shown_to_nobody(self, emulator: Registry) -> None:
        stage = stage_of(emulator, "basic")
        with pytest.raises(errors.Expired) as raised:
            stage.check(self.fields(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)))
        assert raised.value.certain
        assert emulator.calls == []


def test_a_token_that_is_the_name_too_is_shown_nowhere(emulator: Registry) -> None:
    stage = stage_of(emulator, "basic")
    fields = {"username": "canary-token", "password": "canary-token"}
    emulator.set_user("canary-token", "canary-token")
    assert "canary-token" not in repr(stage.check(fields))


def test_docker_hubs_own_repositories_are_found_by_one_word() -> None:
    read = registry.Config.model_validate
    assert registry.repository_of(read({"host": "docker.io", "repository": "nginx"})) == "library/nginx"
    assert registry.repository_of(read({"host": "docker.io", "repository": APP})) == APP
    assert registry.repository_of(read({"host": "ghcr.io", "repository": "nginx"})) == "nginx"


def test_a_refused_user_locks_nothing() -> None:
    assert not registry.PROVIDER.locks

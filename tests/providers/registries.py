"""Container registries on a stage, for the tests of their credential type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from credential_operator.providers import _signing, contract, registry
from emulators.registry import Registry
from providers import suite

USER = "alice"
PASSWORD = "canary-pässword: with everything"
GOOD = {"username": USER, "password": PASSWORD}
APP, PUBLIC, FOREIGN, GONE = "team/app", "team/public", "other/app", "team/gone"
TAGS = f"/v2/{APP}/tags/list"


def at(config: Mapping[str, Any], url: str) -> Mapping[str, Any]:
    """Gives the config that asks the registry at a URL."""
    return {**config, "host": url.partition("//")[2]}


def served() -> Iterator[Registry]:
    """Serves a registry."""
    with Registry(hosts=["rebind.example.com"]) as running:
        yield running


def stage_of(emulator: Registry, way: Any) -> suite.Stage:
    """Gives a registry of one way, with a user and repositories of every kind."""
    emulator.set_way(way)
    emulator.reset()
    emulator.set_user(USER, PASSWORD, pulls=[APP, GONE])
    for name in (APP, PUBLIC, FOREIGN):
        emulator.add_repository(name, public=name == PUBLIC)
    return suite.Stage(
        provider=registry.PROVIDER,
        emulator=emulator,
        config=at({}, emulator.url),
        good=GOOD,
        wrong={
            "password": {**GOOD, "password": "canary-wrong"},
            "user": {**GOOD, "username": "bob"},
            "both": {"username": "bob", "password": "canary-wrong"},
        },
        principal=USER,
        expect={
            "identity": contract.Identity(principal=USER, account=emulator.host),
            "expires_at": None,
            "warnings": (),
        },
        secret_fields=("password",),
        at=at,
    )


def reading(stage: suite.Stage, repository: str) -> Mapping[str, Any]:
    """Gives the config that reads a repository."""
    return {**stage.config, "repository": repository}


def asked(stage: suite.Stage) -> list[tuple[str, int]]:
    """Gives what was asked for, and the statuses of the answers."""
    return [(call.path, call.status) for call in stage.emulator.calls]


def token(claims: Mapping[str, Any]) -> str:
    """Gives a token that says so much of itself, and that no registry believes."""
    key = _signing.load("x" * 32, "HS256")
    return key.sign(claims, {})

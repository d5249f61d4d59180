"""Users of a container registry, before the program that most registries are made of or follow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from credential_operator import errors
from credential_operator.providers import contract, network, registry
from emulators import distribution
from emulators.distribution import Distribution
from emulators.registry import Registry
from providers import registries, suite
from providers.registries import APP, FOREIGN, GONE, GOOD, USER, stage_of, token


@pytest.fixture(scope="module")
def emulator() -> Iterator[Registry]:
    yield from registries.served()


@pytest.fixture(scope="module")
def basic() -> Iterator[Distribution]:
    with Distribution([APP]) as running:
        yield running


@pytest.fixture(scope="module")
def bearer(emulator: Registry) -> Iterator[Distribution]:
    emulator.set_way("hub")
    with Distribution([APP, FOREIGN], realm=emulator.realm, key_set=emulator.key_set) as running:
        yield running


def login(
    served: Distribution, fields: Mapping[str, str], *others: Registry | Distribution, **config: Any
) -> None:
    """Checks, where the registry and its token server have authorities of their own."""
    trusted = "".join(each.ca_pem.decode() for each in (served, *others))
    stage = suite.Stage(
        provider=registry.PROVIDER,
        emulator=served,
        config={"host": served.host, "caBundle": trusted, **config},
        good=fields,
        wrong={},
    )
    policy = network.Policy(allow=[each.host for each in (served, *others)])
    with network.Session(policy) as session:
        validation = stage.check(within=session)
    assert validation.identity == contract.Identity(principal=fields["username"], account=served.host)


def test_it_looks_at_the_password_itself(basic: Distribution) -> None:
    good = {"username": distribution.USERNAME, "password": distribution.PASSWORD}
    login(basic, good)
    login(basic, good, repository=APP)
    for wrong in ({**good, "password": "canary-wrong"}, {**good, "username": "bob"}):
        with pytest.raises(errors.Rejected):
            login(basic, wrong)
    with pytest.raises(errors.Misconfigured, match="look at repository"):
        login(basic, good, repository=GONE)


def test_it_looks_at_tokens(bearer: Distribution, emulator: Registry) -> None:
    stage_of(emulator, "hub")
    login(bearer, GOOD, emulator)
    login(bearer, GOOD, emulator, repository=APP)
    with pytest.raises(errors.Rejected):
        login(bearer, {**GOOD, "password": "canary-wrong"}, emulator)
    with pytest.raises(errors.PermissionDenied):
        login(bearer, GOOD, emulator, repository=FOREIGN)
    with pytest.raises(errors.Misconfigured, match="look at repository"):
        login(bearer, GOOD, emulator, repository=GONE)


def test_it_refuses_tokens_that_it_does_not_believe(bearer: Distribution, emulator: Registry) -> None:
    stage_of(emulator, "hub")
    access = [{"type": "repository", "name": APP, "actions": ["pull"]}]
    forged = token({"sub": USER, "access": access})
    emulator.faults.answer(json.dumps({"token": forged}), action="/token")
    for config in ({}, {"repository": APP}):
        with pytest.raises(errors.ProviderUnreachable, match="its own token server"):
            login(bearer, GOOD, emulator, **config)

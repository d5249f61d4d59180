"""Container registries, in the ways of several that there are."""

import functools
from collections.abc import Mapping
from typing import Any

from emulators.registry import Registry
from providers import registries
from verdicts.script import Cannot, Case, Says, Script
from verdicts.situations import ACCEPTED

NOT_TOLD = "The registry answers as to a wrong password."


def _prepare(way: Any, emulator: Registry) -> Mapping[str, Case]:
    registries.stage_of(emulator, way)
    emulator.set_user("bob", "battery-staple")
    emulator.set_user("carol", "its-life-is-over", state="expired")
    config = {"host": emulator.host, "repository": registries.APP}
    cases = {
        "good": Case(config, registries.GOOD),
        "wrong secret": Case(config, {**registries.GOOD, "password": "wrong"}),
        "unknown id": Case(config, {**registries.GOOD, "username": "nobody"}),
        "no permission": Case(config, {"username": "bob", "password": "battery-staple"}),
        "misconfigured": Case({**config, "repository": registries.GONE}, registries.GOOD),
    }
    if way == "hub":
        cases["expired"] = Case(config, {"username": "carol", "password": "its-life-is-over"})
    return cases


def _script(way: str, **exceptions: Cannot | Says) -> Script:
    return Script(
        type="registry",
        variant=way,
        emulator=Registry,
        prepare=functools.partial(_prepare, way),
        exceptions={
            "disabled": Cannot(NOT_TOLD),
            "clock skew": Says(ACCEPTED, "A password is shown, not signed with: no clock is looked at."),
            **({} if way == "hub" else {"expired": Cannot(NOT_TOLD)}),
            **exceptions,
        },
    )


SCRIPTS = tuple(_script(way) for way in ("hub", "ghcr", "harbor", "basic"))

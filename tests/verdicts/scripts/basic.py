"""Users and passwords."""

from collections.abc import Mapping

from emulators.http_api import HttpApi
from verdicts.script import Case, Script
from verdicts.scripts import _probed


def _keys(user: str, password: str) -> dict[str, str]:
    return {"username": user, "password": password}


def _prepare(api: HttpApi) -> Mapping[str, Case]:
    api.set_user("alice", "correct-horse")
    api.set_user("bob", "battery-staple")
    api.set_user("carol", "correct-horse", allowed=False)
    config = _probed.probe(api.url)
    good = _keys("alice", "correct-horse")
    return {
        "good": Case(config, good),
        "wrong secret": Case(config, _keys("bob", "wrong")),
        "unknown id": Case(config, _keys("nobody", "correct-horse")),
        "no permission": Case(config, _keys("carol", "correct-horse")),
        "misconfigured": Case(_probed.probe(api.url, "/open"), good),
    }


SCRIPTS = (Script(type="basic", emulator=HttpApi, prepare=_prepare, exceptions=_probed.EXCEPTIONS),)

"""Users of a Windows domain."""

from collections.abc import Mapping

from emulators.ntlm import Ntlm
from verdicts.script import Case, Says, Script
from verdicts.scripts import _probed
from verdicts.situations import ACCEPTED

CLOCK = Says(ACCEPTED, "The server tells its time during the login, and that is what is signed.")


def _keys(user: str, password: str) -> dict[str, str]:
    return {"username": f"DOMAIN\\{user}", "password": password}


def _prepare(server: Ntlm) -> Mapping[str, Case]:
    for user, password in (("alice", "correct-horse"), ("bob", "battery-staple")):
        server.set_user(f"DOMAIN\\{user}", password)
    server.set_user("DOMAIN\\carol", "correct-horse", allowed=False)
    config = _probed.probe(server.url)
    good = _keys("alice", "correct-horse")
    return {
        "good": Case(config, good),
        "wrong secret": Case(config, _keys("bob", "wrong")),
        "unknown id": Case(config, _keys("nobody", "correct-horse")),
        "no permission": Case(config, _keys("carol", "correct-horse")),
        "misconfigured": Case(_probed.probe(server.url, "/open"), good),
    }


SCRIPTS = (
    Script(
        type="ntlm",
        emulator=Ntlm,
        prepare=_prepare,
        exceptions={**_probed.EXCEPTIONS, "clock skew": CLOCK},
    ),
)

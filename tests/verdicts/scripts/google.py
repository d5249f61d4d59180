"""Keys of service accounts."""

import json
from collections.abc import Mapping

from emulators.google import Google
from verdicts.script import Cannot, Case, Json, Script

PROJECT = "example-project"
BACKUP, OTHER, OFF = (f"{name}@{PROJECT}.iam.gserviceaccount.com" for name in ("backup", "other", "off"))


def _keys(document: Mapping[str, str]) -> dict[str, str]:
    return {"serviceAccountJSON": json.dumps(document)}


def _prepare(emulator: Google) -> Mapping[str, Case]:
    for email in (BACKUP, OTHER, OFF):
        emulator.create_account(email, project=PROJECT)
    made, other, off = (emulator.create_key(email) for email in (BACKUP, OTHER, OFF))
    emulator.set_disabled(OFF)
    config: Json = {"tokenURL": emulator.token_url}
    return {
        "good": Case(config, _keys(made)),
        "wrong secret": Case(config, _keys({**made, "private_key": other["private_key"]})),
        "unknown id": Case(config, _keys({**made, "private_key_id": "0" * 40})),
        "disabled": Case(config, _keys(off)),
        "misconfigured": Case({**config, "scopes": ["https://api.example.com/none-of-theirs"]}, _keys(made)),
    }


SCRIPTS = (
    Script(
        type="google",
        emulator=Google,
        prepare=_prepare,
        exceptions={
            "expired": Cannot("A key has no end, unless its organization sets one, which is told nowhere."),
            "no permission": Cannot("What is asked for is a token, which needs no permission."),
        },
    ),
)

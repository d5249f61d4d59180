"""API keys."""

from collections.abc import Mapping

from emulators.http_api import HttpApi
from verdicts.script import Cannot, Case, Script
from verdicts.scripts import _probed

FIELD = "X-API-Key"


def _prepare(api: HttpApi) -> Mapping[str, Case]:
    api.add_key("good-key", field=FIELD)
    api.add_key("idle-key", field=FIELD, allowed=False)
    config = {"field": FIELD, **_probed.probe(api.url)}
    return {
        "good": Case(config, {"key": "good-key"}),
        "wrong secret": Case(config, {"key": "wrong-key"}),
        "no permission": Case(config, {"key": "idle-key"}),
        "misconfigured": Case({**config, **_probed.probe(api.url, "/open")}, {"key": "good-key"}),
    }


SCRIPTS = (
    Script(
        type="apiKey",
        emulator=HttpApi,
        prepare=_prepare,
        exceptions={**_probed.EXCEPTIONS, "unknown id": Cannot("An API key has no id beside itself.")},
    ),
)

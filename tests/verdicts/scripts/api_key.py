"""API keys: one that a probe proves, and those of providers that are known."""

import functools
from collections.abc import Mapping

from emulators.http_api import HttpApi
from emulators.presets import Providers
from verdicts.script import Cannot, Case, Says, Script
from verdicts.scripts import _probed
from verdicts.situations import ACCEPTED

FIELD = "X-API-Key"
NO_ID = Cannot("An API key has no id beside itself.")
NOT_TOLD = Cannot("The provider answers as to a wrong key.")
STATES = {"no permission": "forbidden", "expired": "expired", "disabled": "disabled"}
PRESETS: Mapping[str, tuple[str, ...]] = {
    "Cloudflare": ("no permission", "expired", "disabled"),
    "GitHub": ("no permission",),
    "Slack": ("no permission", "expired"),
}
"""Some of the presets, with what they can tell; the others differ in data only."""


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


def _prepare_preset(name: str, provider: Providers) -> Mapping[str, Case]:
    config = {"preset": name, "endpoint": provider.address(name)}
    keys = {"good": "good", **{situation: STATES[situation] for situation in PRESETS[name]}}
    for state in keys.values():
        provider.add_key(name, f"{state}-key", state)
    return {
        **{situation: Case(config, {"key": f"{state}-key"}) for situation, state in keys.items()},
        "wrong secret": Case(config, {"key": "another-key"}),
        "misconfigured": Case({**config, "endpoint": "https://127.0.0.2"}, {"key": "good-key"}),
    }


def _preset(name: str) -> Script:
    return Script(
        type="apiKey",
        variant=name,
        emulator=Providers,
        prepare=functools.partial(_prepare_preset, name),
        exceptions={
            "unknown id": NO_ID,
            **{one: NOT_TOLD for one in STATES if one not in PRESETS[name]},
            "clock skew": Says(ACCEPTED, "A key is shown, not signed with: no clock is looked at."),
        },
    )


SCRIPTS = (
    Script(
        type="apiKey",
        emulator=HttpApi,
        prepare=_prepare,
        exceptions={**_probed.EXCEPTIONS, "unknown id": NO_ID},
    ),
    *(_preset(name) for name in PRESETS),
)

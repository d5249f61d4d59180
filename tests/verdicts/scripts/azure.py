"""Applications of Entra ID, with a secret and with a certificate."""

import datetime
import functools
from collections.abc import Callable, Mapping

from emulators.azure import AzureEmulator
from providers import entra
from verdicts.script import Case, Json, Says, Script
from verdicts.situations import ACCEPTED

DISABLED, STRANGER, NOBODY = (f"5c6f2b7e-0000-4000-8000-0000000000{end}" for end in ("aa", "bb", "cc"))
OVER = datetime.timedelta(days=-1)


def _secret(emulator: AzureEmulator, client: str) -> dict[str, str]:
    emulator.add_secret(client, entra.SECRET)
    return {"clientSecret": entra.SECRET}


def _certificate(emulator: AzureEmulator, client: str) -> dict[str, str]:
    emulator.add_certificate(client, entra.CERTIFICATE)
    return {"clientCertificate": entra.CERTIFICATE}


def _wrong_secret(emulator: AzureEmulator) -> tuple[dict[str, str], dict[str, str]]:
    emulator.add_secret(entra.CLIENT, "its-life-is-over", seconds=-1)
    return {"clientSecret": "wrong"}, {"clientSecret": "its-life-is-over"}


def _wrong_certificate(_: AzureEmulator) -> tuple[dict[str, str], dict[str, str]]:
    other = entra.certified(entra.OF_ANOTHER, entra.YEARS)
    return {"clientCertificate": other}, {"clientCertificate": entra.certified(entra.OURS, OVER)}


def _prepare(
    known: Callable[[AzureEmulator, str], dict[str, str]],
    bad: Callable[[AzureEmulator], tuple[dict[str, str], dict[str, str]]],
    emulator: AzureEmulator,
) -> Mapping[str, Case]:
    for client in (entra.CLIENT, DISABLED, STRANGER):
        emulator.add_application(entra.TENANT, client)
        good = known(emulator, client)
    emulator.set_application(DISABLED, disabled=True)
    emulator.add_subscription(entra.SUBSCRIPTION, entra.TENANT, readers=[entra.CLIENT])
    wrong, over = bad(emulator)
    config: Json = {
        "tenantID": entra.TENANT,
        "clientID": entra.CLIENT,
        "subscriptionID": entra.SUBSCRIPTION,
        "authority": emulator.url,
        "endpoint": emulator.url,
    }
    return {
        "good": Case(config, good),
        "wrong secret": Case(config, wrong),
        "unknown id": Case({**config, "clientID": NOBODY}, good),
        "expired": Case(config, over),
        "disabled": Case({**config, "clientID": DISABLED}, good),
        "no permission": Case({**config, "clientID": STRANGER}, good),
        "misconfigured": Case({**config, "tenantID": "nobody.example.com"}, good),
    }


SCRIPTS = (
    Script(
        type="azure",
        emulator=AzureEmulator,
        prepare=functools.partial(_prepare, _secret, _wrong_secret),
        exceptions={
            "clock skew": Says(ACCEPTED, "A client secret is shown, not signed with: no clock is looked at.")
        },
    ),
    Script(
        type="azure",
        variant="certificate",
        emulator=AzureEmulator,
        prepare=functools.partial(_prepare, _certificate, _wrong_certificate),
    ),
)

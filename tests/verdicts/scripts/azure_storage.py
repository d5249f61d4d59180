"""Keys of storage accounts."""

import base64
from collections.abc import Mapping

from emulators.azure_storage import AzureStorageEmulator
from verdicts.script import Cannot, Case, Json, Script


def _key(text: bytes) -> str:
    return base64.b64encode(text.ljust(64, b"+")).decode()


def _prepare(emulator: AzureStorageEmulator) -> Mapping[str, Case]:
    first = _key(b"first")
    emulator.set_account("backups", [first])
    emulator.set_account("switchedoff", [first], disabled=True)
    emulator.set_account("walled", [first], walled=True)
    emulator.set_account("keyless", [first], keyless=True)
    good = {"accountKey": first}

    def of(account: str) -> Json:
        return {"accountName": account, "endpoint": emulator.url}

    return {
        "good": Case(of("backups"), good),
        "wrong secret": Case(of("backups"), {"accountKey": _key(b"second")}),
        "unknown id": Case(of("nobody"), good),
        "disabled": Case(of("switchedoff"), good),
        "no permission": Case(of("walled"), good),
        "misconfigured": Case(of("keyless"), good),
    }


SCRIPTS = (
    Script(
        type="azureStorage",
        emulator=AzureStorageEmulator,
        prepare=_prepare,
        exceptions={"expired": Cannot("The keys of a storage account are good until they are replaced.")},
    ),
)

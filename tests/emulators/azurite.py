"""Microsoft's own emulator of Azure Storage: Azurite's blob service, which shares no code with ours."""

from __future__ import annotations

import base64
import pathlib
import secrets
from collections.abc import Mapping, Sequence
from typing import ClassVar

from controlplane import ports
from emulators import program

_KEY_BYTES = 64
# It keeps everything in memory, knows every version of the protocol, and reports to nobody.
_OPTIONS = ("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent")


class Azurite(program.Program):
    """Azurite on 127.0.0.1 with TLS, gone with its `with` block or with this process.

    An account has one key or two, in base64, and stands in the path: `url/account`. Signatures are
    verified, clocks are not looked at. It is installed on first use.
    """

    name: ClassVar[str] = "azurite-blob"
    start_seconds: ClassVar[float] = 30.0

    def __init__(
        self, *, accounts: Mapping[str, Sequence[str]] | None = None, hosts: Sequence[str] = ()
    ) -> None:
        super().__init__(hosts=hosts)
        usual = {"backups": [base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()]}
        self.accounts = {name: list(keys) for name, keys in (accounts or usual).items()}

    def prepare(self, folder: pathlib.Path) -> None:
        """Needs nothing: its accounts are in its environment."""

    def command(self, binary: pathlib.Path, folder: pathlib.Path) -> tuple[program.Argv, Mapping[str, str]]:
        """Gives arguments and environment."""
        where = ("--blobHost", ports.ADDRESS, "--blobPort", str(self.port))
        trust = ("--cert", folder / "certificate.pem", "--key", folder / "key.pem")
        accounts = ";".join(":".join((name, *keys)) for name, keys in self.accounts.items())
        return [binary, *where, *trust, *_OPTIONS], {"HOME": str(folder), "AZURITE_ACCOUNTS": accounts}

    def is_itself(self, status: int) -> bool:
        """Takes any answer for its own: nothing else has our certificate."""
        return bool(status)

"""Microsoft's own emulator of Azure Storage: Azurite's blob service, which shares no code with ours."""

from __future__ import annotations

import base64
import http.client
import pathlib
import secrets
import time
import types
from collections.abc import Mapping, Sequence
from typing import Self

from controlplane import ports, processes, tools
from emulators import certificates, versity_admin

_NAME = "azurite-blob"
_ATTEMPTS = 5
_START_SECONDS = 30.0
_POLL_SECONDS = 0.02
_KEY_BYTES = 64
# It keeps everything in memory, knows every version of the protocol, and reports to nobody.
_OPTIONS = ("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent")


class Azurite:
    """Azurite on 127.0.0.1 with TLS, gone with its `with` block or with this process.

    An account has one key or two, in base64, and stands in the path: `url/account`. Signatures are
    verified, clocks are not looked at. It is installed on first use.
    """

    def __init__(
        self, *, accounts: Mapping[str, Sequence[str]] | None = None, hosts: Sequence[str] = ()
    ) -> None:
        usual = {"backups": [base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()]}
        self.accounts = {name: list(keys) for name, keys in (accounts or usual).items()}
        self._hosts = hosts
        self._supervisor: processes.Supervisor | None = None
        self._authority: certificates.Authority | None = None
        self.port = 0

    def __enter__(self) -> Self:
        """Starts serving."""
        program = tools.path(_NAME)
        self._supervisor = processes.Supervisor()
        try:
            self._start(program, self._supervisor)
        except BaseException:
            self._supervisor.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        """Stops serving; no process and no file is left behind."""
        if self._supervisor:
            self._supervisor.close()

    @property
    def url(self) -> str:
        """Where it serves, for example https://127.0.0.1:20001."""
        return f"https://{ports.ADDRESS}:{self.port}"

    @property
    def ca_pem(self) -> bytes:
        """The certificate of its authority."""
        return self._authority.ca_pem.encode() if self._authority else b""

    @property
    def ca_path(self) -> str | None:
        """A file with `ca_pem` that lives as long as the server."""
        return str(self._authority.ca_path) if self._authority else None

    def _start(self, program: pathlib.Path, supervisor: processes.Supervisor) -> None:
        """Starts it on a port nobody has; another process may take the port first, so it tries again."""
        folder = supervisor.folder
        self._authority = certificates.issue(folder, self._hosts)
        certificate, key = certificates.write(self._authority, folder)
        accounts = ";".join(":".join((name, *keys)) for name, keys in self.accounts.items())
        for _ in range(_ATTEMPTS):
            self.port = ports.free(1)[0]
            where = ["--blobHost", ports.ADDRESS, "--blobPort", str(self.port)]
            argv = [program, *where, "--cert", certificate, "--key", key, *_OPTIONS]
            environment = {"HOME": str(folder), "AZURITE_ACCOUNTS": accounts}
            supervisor.start(_NAME, argv, env=environment, cwd=folder)
            if self._serves(supervisor):
                return
            supervisor.stop(_NAME)
        raise processes.ProcessError(f"Azurite does not serve:\n{supervisor.tail(_NAME)}")

    def _serves(self, supervisor: processes.Supervisor) -> bool:
        """Waits until it answers under our certificate; False when it ended or stays silent."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and supervisor.exit_code(_NAME) is None:
            try:
                versity_admin.ask(self.url, self.ca_path, "GET", "/")
            except (OSError, http.client.HTTPException):
                time.sleep(_POLL_SECONDS)
            else:
                # Asked again: whoever answered, it was not Azurite if that has ended.
                return supervisor.exit_code(_NAME) is None
        return False

"""An S3 server that shares no code with moto: versitygw over an empty folder, with users of its own."""

from __future__ import annotations

import http.client
import pathlib
import secrets
import time
import types
from collections.abc import Sequence
from typing import Self

from controlplane import ports, processes, tools
from emulators import certificates, versity_admin

_NAME = "versitygw"
_ATTEMPTS = 5
_START_SECONDS = 15.0
_POLL_SECONDS = 0.02
_HEALTH = "/emulator-health"


class Versity:
    """versitygw on 127.0.0.1, gone with its `with` block or with this process.

    Key ids are whatever its administrator chose, as with any S3 server but AWS. A bucket opens for its
    owner and for root. It is built on first use unless `binary` names one.
    """

    def __init__(
        self,
        *,
        binary: str | pathlib.Path | None = None,
        tls: bool = True,
        region: str = "us-east-1",
        hosts: Sequence[str] = (),
    ) -> None:
        self.region = region
        self.root_key = (f"root-{secrets.token_hex(4)}", secrets.token_urlsafe(24))
        self._binary = binary
        self._tls = tls
        self._hosts = hosts
        self._supervisor: processes.Supervisor | None = None
        self._authority: certificates.Authority | None = None
        self.port = 0

    def __enter__(self) -> Self:
        """Starts serving."""
        binary = self._binary or tools.path(_NAME)
        self._supervisor = processes.Supervisor()
        try:
            self._start(pathlib.Path(binary), self._supervisor)
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
        return f"{'https' if self._authority else 'http'}://{ports.ADDRESS}:{self.port}"

    @property
    def ca_pem(self) -> bytes:
        """The certificate of its authority; empty when it serves plain HTTP."""
        return self._authority.ca_pem.encode() if self._authority else b""

    @property
    def ca_path(self) -> str | None:
        """A file with `ca_pem` that lives as long as the server; None for plain HTTP."""
        return str(self._authority.ca_path) if self._authority else None

    def create_user(self, key_id: str, *, secret: str | None = None, role: str = "user") -> tuple[str, str]:
        """Makes a user, named by the id of their key; role: user, userplus (makes buckets) or admin."""
        secret = secret or secrets.token_urlsafe(24)
        self._admin.create_user(key_id, secret, role)
        return key_id, secret

    def set_secret(self, key_id: str, secret: str | None = None) -> tuple[str, str]:
        """Replaces the secret of a user's key, at once."""
        secret = secret or secrets.token_urlsafe(24)
        self._admin.set_secret(key_id, secret)
        return key_id, secret

    def delete_user(self, key_id: str) -> None:
        """Removes a user and their key, at once."""
        self._admin.delete_user(key_id)

    def create_bucket(self, name: str, *, owner: str | None = None) -> None:
        """Makes a bucket that belongs to the user with that key id, or to root."""
        self._admin.create_bucket(name, owner or self.root_key[0])

    @property
    def _admin(self) -> versity_admin.Admin:
        return versity_admin.Admin(self.url, self.ca_path, self.root_key, self.region)

    def _start(self, binary: pathlib.Path, supervisor: processes.Supervisor) -> None:
        """Starts it on a port nobody has; another process may take the port first, so it tries again."""
        folder = supervisor.folder
        self._authority = certificates.issue(folder, self._hosts) if self._tls else None
        for name in ("data", "users"):
            (folder / name).mkdir()
        for _ in range(_ATTEMPTS):
            self.port = ports.free(1)[0]
            argv: list[str | pathlib.Path] = [binary, "--quiet", "posix", folder / "data"]
            supervisor.start(_NAME, argv, env=self._environment(folder))
            if self._serves(supervisor):
                return
            supervisor.stop(_NAME)
        raise processes.ProcessError(f"versitygw does not serve:\n{supervisor.tail(_NAME)}")

    def _environment(self, folder: pathlib.Path) -> dict[str, str]:
        environment = {
            "ROOT_ACCESS_KEY_ID": self.root_key[0],
            "ROOT_SECRET_ACCESS_KEY": self.root_key[1],
            "VGW_PORT": f"{ports.ADDRESS}:{self.port}",
            "VGW_REGION": self.region,
            "VGW_IAM_DIR": str(folder / "users"),
            # A changed or deleted key takes effect at once.
            "VGW_IAM_CACHE_DISABLE": "true",
            # Keep-alive stays off, its default: v1.8.0 then takes the end of a chunked upload for the
            # next request, now and then.
            "VGW_HEALTH": _HEALTH,
        }
        if self._authority:
            certificate, key = certificates.write(self._authority, folder)
            environment |= {"VGW_CERT": str(certificate), "VGW_KEY": str(key)}
        return environment

    def _serves(self, supervisor: processes.Supervisor) -> bool:
        """Waits until it answers under our certificate; False when it ended or stays silent."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and supervisor.exit_code(_NAME) is None:
            try:
                status, _ = versity_admin.ask(self.url, self.ca_path, "GET", _HEALTH)
            except (OSError, http.client.HTTPException):
                status = 0
            # Asked again: whoever answered, it was not versitygw if that has ended.
            if status == http.client.OK and supervisor.exit_code(_NAME) is None:
                return True
            time.sleep(_POLL_SECONDS)
        return False

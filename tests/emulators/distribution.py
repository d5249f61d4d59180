"""The registry of the CNCF, which most others are made of or follow: the program itself, over an empty folder."""

from __future__ import annotations

import http.client
import json
import pathlib
import ssl
import time
import types
from collections.abc import Mapping, Sequence
from typing import Any, Self

import yaml

from controlplane import ports, processes, tools
from emulators import certificates

USERNAME, PASSWORD = "alice", "canary-password"
# Of the password above, by bcrypt, of which no library is at hand.
_USERS = f"{USERNAME}:$2b$04$5chUeqxsqiNANvAnvuM5ou2It1OD7tVepSVWHZ0HTENT0JqmP6BuS\n"
SERVICE = "registry.docker.io"
ISSUER = "registry emulator"

_NAME = "registry"
_ATTEMPTS = 5
_START_SECONDS = 15.0
_POLL_SECONDS = 0.02


class Distribution:
    """registry (github.com/distribution/distribution) on 127.0.0.1, gone with its `with` block or this process.

    Its only user is USERNAME, unless there is a `realm`: then it believes the tokens that are signed by a
    key of `key_set`. It is built on first use.
    """

    def __init__(
        self,
        repositories: Sequence[str],
        *,
        realm: str = "",
        key_set: Mapping[str, Any] | None = None,
    ) -> None:
        self._repositories = repositories
        self._realm = realm
        self._key_set = key_set
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
    def host(self) -> str:
        """What images of it are called."""
        return f"{ports.ADDRESS}:{self.port}"

    @property
    def ca_pem(self) -> bytes:
        """The certificate of its authority."""
        return self._authority.ca_pem.encode() if self._authority else b""

    def _start(self, program: pathlib.Path, supervisor: processes.Supervisor) -> None:
        """Starts it on a port nobody has; another process may take the port first, so it tries again."""
        folder = supervisor.folder
        self._authority = certificates.issue(folder, ())
        certificates.write(self._authority, folder)
        (folder / "users").write_text(_USERS)
        (folder / "keys").write_text(json.dumps(self._key_set))
        for repository in self._repositories:
            tags = folder / "data/docker/registry/v2/repositories" / repository / "_manifests/tags"
            (tags / "1.0/current").mkdir(parents=True)
        for _ in range(_ATTEMPTS):
            self.port = ports.free(1)[0]
            settings = folder / "settings.yaml"
            settings.write_text(yaml.safe_dump(self._settings(folder)))
            # Its traces would go to whoever listens on the usual port of this machine.
            supervisor.start(_NAME, [program, "serve", settings], env={"OTEL_TRACES_EXPORTER": "none"})
            if self._serves(supervisor):
                return
            supervisor.stop(_NAME)
        raise processes.ProcessError(f"registry does not serve:\n{supervisor.tail(_NAME)}")

    def _settings(self, folder: pathlib.Path) -> dict[str, Any]:
        users = {"htpasswd": {"realm": "registry", "path": str(folder / "users")}}
        tokens = {
            "token": {
                "realm": self._realm,
                "service": SERVICE,
                "issuer": ISSUER,
                "jwks": str(folder / "keys"),
                "signingalgorithms": ["ES256"],
            }
        }
        return {
            "version": 0.1,
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "auth": tokens if self._realm else users,
            "http": {
                "addr": f"{ports.ADDRESS}:{self.port}",
                "secret": "of this one process",
                "tls": {"certificate": str(folder / "certificate.pem"), "key": str(folder / "key.pem")},
            },
        }

    def _serves(self, supervisor: processes.Supervisor) -> bool:
        """Waits until it answers under our certificate; False when it ended or stays silent."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and supervisor.exit_code(_NAME) is None:
            try:
                status = self._ask()
            except (OSError, http.client.HTTPException):
                status = 0
            # Asked again: whoever answered, it was not the registry if that has ended.
            if status == http.client.UNAUTHORIZED and supervisor.exit_code(_NAME) is None:
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _ask(self) -> int:
        trust = ssl.create_default_context(cadata=self.ca_pem.decode())
        connection = http.client.HTTPSConnection(ports.ADDRESS, self.port, timeout=1, context=trust)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status
        finally:
            connection.close()

"""The registry of the CNCF, which most others are made of or follow: the program itself, over an empty folder."""

from __future__ import annotations

import http.client
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import yaml

from controlplane import ports
from emulators import program

USERNAME, PASSWORD = "alice", "canary-password"
# Of the password above, by bcrypt, of which no library is at hand.
_USERS = f"{USERNAME}:$2b$04$5chUeqxsqiNANvAnvuM5ou2It1OD7tVepSVWHZ0HTENT0JqmP6BuS\n"
SERVICE = "registry.docker.io"
ISSUER = "registry emulator"


class Distribution(program.Program):
    """registry (github.com/distribution/distribution) on 127.0.0.1, gone with its `with` block or this process.

    Its only user is USERNAME, unless there is a `realm`: then it believes the tokens that are signed by a
    key of `key_set`. It is built on first use.
    """

    name: ClassVar[str] = "registry"
    probe: ClassVar[str] = "/v2/"

    def __init__(
        self,
        repositories: Sequence[str],
        *,
        realm: str = "",
        key_set: Mapping[str, Any] | None = None,
        hosts: Sequence[str] = (),
    ) -> None:
        super().__init__(hosts=hosts)
        self._repositories = repositories
        self._realm = realm
        self._key_set = key_set

    @property
    def host(self) -> str:
        """What images of it are called."""
        return f"{ports.ADDRESS}:{self.port}"

    def prepare(self, folder: pathlib.Path) -> None:
        """Makes its user, the keys that it believes, and its repositories."""
        (folder / "users").write_text(_USERS)
        (folder / "keys").write_text(json.dumps(self._key_set))
        for repository in self._repositories:
            tags = folder / "data/docker/registry/v2/repositories" / repository / "_manifests/tags"
            (tags / "1.0/current").mkdir(parents=True)

    def command(self, binary: pathlib.Path, folder: pathlib.Path) -> tuple[program.Argv, Mapping[str, str]]:
        """Gives arguments and environment."""
        settings = folder / "settings.yaml"
        settings.write_text(yaml.safe_dump(self._settings(folder)))
        # Its traces would go to whoever listens on the usual port of this machine.
        return [binary, "serve", settings], {"OTEL_TRACES_EXPORTER": "none"}

    def is_itself(self, status: int) -> bool:
        """Knows it by its asking for a login."""
        return status == http.client.UNAUTHORIZED

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

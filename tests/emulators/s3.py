"""An S3 server that shares no code with moto: versitygw over an empty folder, with users of its own."""

from __future__ import annotations

import http.client
import pathlib
import secrets
from collections.abc import Mapping, Sequence
from typing import ClassVar

from controlplane import ports
from emulators import program, versity_admin

_HEALTH = "/emulator-health"


class Versity(program.Program):
    """versitygw on 127.0.0.1, gone with its `with` block or with this process.

    Key ids are whatever its administrator chose, as with any S3 server but AWS. A bucket opens for its
    owner and for root. It is built on first use unless `binary` names one.
    """

    name: ClassVar[str] = "versitygw"
    probe: ClassVar[str] = _HEALTH

    def __init__(
        self,
        *,
        binary: str | pathlib.Path | None = None,
        tls: bool = True,
        region: str = "us-east-1",
        hosts: Sequence[str] = (),
    ) -> None:
        super().__init__(binary=binary, tls=tls, hosts=hosts)
        self.region = region
        self.root_key = (f"root-{secrets.token_hex(4)}", secrets.token_urlsafe(24))

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

    def prepare(self, folder: pathlib.Path) -> None:
        """Makes room for buckets and users."""
        for name in ("data", "users"):
            (folder / name).mkdir()

    def command(self, binary: pathlib.Path, folder: pathlib.Path) -> tuple[program.Argv, Mapping[str, str]]:
        """Gives arguments and environment."""
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
        if self.ca_path:
            environment |= {"VGW_CERT": str(folder / "certificate.pem"), "VGW_KEY": str(folder / "key.pem")}
        return [binary, "--quiet", "posix", folder / "data"], environment

    def is_itself(self, status: int) -> bool:
        """Knows it by its saying that all is well."""
        return status == http.client.OK

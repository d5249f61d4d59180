"""Where the tests run: a node that is made for them, or a cluster of somebody's; told from process to process."""

import dataclasses
import os
import socket
import urllib.parse
from pathlib import Path
from typing import Self

import controlplane

PREFIX = "CREDENTIAL_OPERATOR_E2E_"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """A cluster that exists (`kubeconfig`), or the `archive` of images that a node is to have.

    `image` is the operator's. `address` is this machine's, as Pods reach it.
    """

    image: str
    address: str
    kubeconfig: str = ""
    archive: str = ""

    def environment(self) -> dict[str, str]:
        """Return it as environment variables."""
        return {PREFIX + name.upper(): value for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def told(cls) -> Self | None:
        """Return what the environment says of it; None where nobody has said so."""
        names = [field.name for field in dataclasses.fields(cls)]
        told = {name: os.environ.get(PREFIX + name.upper(), "") for name in names}
        return cls(**told) if told["image"] else None


def own_address(kubeconfig: Path) -> str:
    """Return the address of this machine from which it reaches the API server, and on which it may be reached."""
    with controlplane.Cluster(kubeconfig) as cluster:
        host = urllib.parse.urlsplit(cluster.url)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host.hostname, host.port or 443))  # sends nothing
        return str(probe.getsockname()[0])

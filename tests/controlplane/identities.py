"""Certificates, keys and kubeconfigs of one control plane."""

import base64
import dataclasses
import ipaddress
import json
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ADMIN = "control-plane-admin"
CONTROLLER_MANAGER = "system:kube-controller-manager"
NODE, SCHEDULER, PROXY = "node", "scheduler", "proxy"
"""Who works on a node: the names of their files."""
NODE_NAME = "node"
SERVICES = "10.0.0.0/24"
"""The addresses of Services, of which the first is the API server's."""


@dataclasses.dataclass(frozen=True)
class Identities:
    """The files below one folder; `write` makes them."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The certificate of the authority behind every other certificate."""
        return self.folder / "ca.pem"

    @property
    def server(self) -> Path:
        """The certificate and key that every server here shows on the loopback address."""
        return self.folder / "server.pem"

    @property
    def service_account_key(self) -> Path:
        """The private key that signs ServiceAccount tokens."""
        return self.folder / "service-account.pem"

    @property
    def admin(self) -> Path:
        """The certificate and key of a member of system:masters."""
        return self.folder / "admin.pem"

    @property
    def controller_manager(self) -> Path:
        """The certificate and key of kube-controller-manager."""
        return self.folder / "controller-manager.pem"

    def of_node(self, name: str) -> Path:
        """Return the certificate and key of one of those who work on a node, where there is one."""
        return self.folder / f"{name}.pem"

    def write(self, address: str = "") -> None:
        """Make an authority nobody else trusts, and everything it signs; for a node where its address is given."""
        self.folder.mkdir()
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority)
        # Go refuses a certificate that names no host at all, also one that is only shown by a client.
        first = str(ipaddress.ip_network(SERVICES)[1])
        names = ("127.0.0.1", "localhost", "kubernetes.default.svc", *([first, address] if address else []))
        of_node = (
            (self.of_node(NODE), f"system:node:{NODE_NAME}", "system:nodes"),
            (self.of_node(SCHEDULER), "system:kube-scheduler", None),
            (self.of_node(PROXY), "system:kube-proxy", None),
        )
        for file, common_name, organization in (
            (self.server, "kubernetes", None),
            (self.admin, ADMIN, "system:masters"),
            (self.controller_manager, CONTROLLER_MANAGER, None),
            *(of_node if address else ()),
        ):
            certificate = authority.issue_cert(
                *names, common_name=common_name, organization_name=organization
            )
            certificate.private_key_and_cert_chain_pem.write_to_path(file)
        self.service_account_key.write_bytes(_key())


def _key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def certificate_user(pem: Path) -> dict[str, str]:
    """Return a kubeconfig user who shows the certificate, which the file holds together with its key."""
    data = _base64(pem.read_bytes())
    return {"client-certificate-data": data, "client-key-data": data}


def kubeconfig(server: str, authority: bytes, user: dict[str, Any]) -> dict[str, Any]:
    """Return a kubeconfig with one cluster, whose certificate authority is given as PEM, and one user."""
    cluster = {"server": server, "certificate-authority-data": _base64(authority)}
    return kubeconfig_of(cluster, user)


def kubeconfig_of(cluster: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    """Return a kubeconfig for a cluster entry taken from another one."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": "user"}}],
        "current-context": "context",
    }


def write_kubeconfig(file: Path, content: dict[str, Any]) -> Path:
    """Write a kubeconfig as JSON, which is YAML too, readable by its owner alone."""
    file.touch(mode=0o600)
    file.write_text(json.dumps(content, indent=2))
    return file


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

"""A certificate authority for one emulator."""

from __future__ import annotations

import dataclasses
import pathlib
import ssl
from collections.abc import Sequence
from typing import Any

import trustme

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclasses.dataclass(frozen=True, slots=True)
class Authority:
    """An authority, its certificate on disk, and one server certificate it signed."""

    ca_pem: str
    ca_path: pathlib.Path
    certificate: trustme.LeafCert

    def context(self) -> ssl.SSLContext:
        """Returns what an HTTP/1.1 server listens with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self.certificate.configure_cert(context)
        return context


def issue(folder: pathlib.Path, hosts: Sequence[str]) -> Authority:
    """Makes an authority and a certificate for loopback and `hosts`."""
    authority = trustme.CA()
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return Authority(
        ca_pem=authority.cert_pem.bytes().decode(),
        ca_path=path,
        certificate=authority.issue_cert(*_LOOPBACK, *hosts),
    )


def write(authority: Authority, folder: pathlib.Path) -> None:
    """Writes certificate.pem and key.pem, for servers that read files."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in authority.certificate.cert_chain_pems))
    key.touch(mode=0o600)
    key.write_bytes(authority.certificate.private_key_pem.bytes())


def facts(authority: Authority | None, port: int) -> dict[str, Any]:
    """Returns what the parent must know to connect."""
    return {
        "url": f"{'https' if authority else 'http'}://127.0.0.1:{port}",
        "port": port,
        "ca_pem": authority.ca_pem if authority else "",
        "ca_path": str(authority.ca_path) if authority else None,
    }

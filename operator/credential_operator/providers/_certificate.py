"""Certificates that applications sign in with: reading one with its private key, and what it signs.

learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import base64
import dataclasses
import datetime
import re
from typing import Any

from credential_operator import errors
from credential_operator.providers import _rsa, _signing

LONGEST = 64 * 1024
"""Characters of a certificate with its chain and private key."""
LIFE = datetime.timedelta(minutes=5)
"""How long an assertion may be used."""

BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]*-----END \1-----")
FORM = "clientCertificate must be a certificate and its private key in PEM form, one after the other"


@dataclasses.dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key; `thumbprint` is what the portal shows."""

    key: _signing.Key
    sha256: bytes
    thumbprint: str
    ends: datetime.datetime

    def assertion(self, client: str, audience: str, now: datetime.datetime) -> str:
        """Gives what an application signs in with in place of a secret."""
        claims = _signing.claims_of(now=now, lifetime=LIFE, more={}, iss=client, sub=client, aud=audience)
        mark = base64.urlsafe_b64encode(self.sha256).decode().rstrip("=")
        return self.key.sign({**claims, "nbf": claims["iat"]}, {"x5t#S256": mark})


def load(text: str) -> Certificate:
    """Reads a certificate with its private key; raises InvalidKeyMaterial, which says what is wrong."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  listing the types must not pay for it

    blocks = [(found[1], found[0]) for found in BLOCK.finditer(text)] if len(text) <= LONGEST else []
    keys = [block for kind, block in blocks if kind.endswith("PRIVATE KEY")]
    certificates = [block for kind, block in blocks if kind == "CERTIFICATE"]
    if len(keys) != 1 or not certificates:
        raise errors.InvalidKeyMaterial(f"{FORM}.")
    private = _rsa.load(keys[0], "clientCertificate's private key")
    certificate = _read(certificates[0])
    if certificate is None:
        raise errors.InvalidKeyMaterial(f"{FORM}: the certificate cannot be read.")
    if certificate.public_key() != private.public_key():
        raise errors.InvalidKeyMaterial(f"{FORM}: the private key is not that of the first certificate.")
    return Certificate(
        key=_signing.Key("PS256", private, private.public_key()),
        sha256=certificate.fingerprint(hashes.SHA256()),
        thumbprint=certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303  a name, not a proof
        ends=certificate.not_valid_after_utc,
    )


def _read(block: str) -> Any:
    from cryptography import exceptions, x509  # noqa: PLC0415

    try:
        certificate = x509.load_pem_x509_certificate(block.encode())
        certificate.public_key()
    except (ValueError, exceptions.UnsupportedAlgorithm):
        return None
    return certificate

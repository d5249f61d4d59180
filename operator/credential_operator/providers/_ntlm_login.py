"""The messages of one NTLM login, bound to the certificate that was seen on its connection.

    negotiate -> challenge -> authenticate

Apart from `_ntlm`: what it needs is loaded at the first login, since listing the types must not pay for it.
"""

import logging
import struct

import spnego
from cryptography import exceptions, x509
from cryptography.hazmat.primitives import hashes
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

# It writes whole messages, from which a password can be guessed.
logging.getLogger("spnego").setLevel(logging.CRITICAL)


class Login:
    """The client's side of one login."""

    def __init__(self, username: str, password: str, *, host: str, scheme: str) -> None:
        negotiate = scheme == "Negotiate"
        options = spnego.NegotiateOptions
        self._context = spnego.client(
            username,
            password,
            hostname=host,
            service="HTTP",
            protocol="negotiate" if negotiate else "ntlm",
            # Its own, whatever is installed: nothing of the machine's takes part, and no Kerberos.
            options=options.use_negotiate if negotiate else options.use_ntlm,
        )

    def negotiate(self) -> bytes:
        """Gives the first message."""
        return self._context.step() or b""

    def authenticate(self, challenge: bytes, certificate: bytes) -> bytes:
        """Gives the message that proves the password; empty for a challenge that cannot be read."""
        bound = GssChannelBindings(application_data=binding(certificate))
        try:
            return self._context.step(challenge, channel_bindings=bound) or b""
        except (SpnegoError, ValueError, LookupError, TypeError, struct.error):
            return b""


def binding(certificate: bytes) -> bytes:
    """Gives what binds a login to a server's certificate, tls-server-end-point (RFC 5929)."""
    digest = hashes.Hash(_algorithm(certificate))
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()


def _algorithm(certificate: bytes) -> hashes.HashAlgorithm:
    """Gives the hash of a certificate's signature; SHA-256 for one that is broken, and where there is none."""
    try:
        found = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, exceptions.UnsupportedAlgorithm):
        found = None
    return hashes.SHA256() if found is None or isinstance(found, hashes.MD5 | hashes.SHA1) else found

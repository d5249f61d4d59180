"""NTLM over HTTP ([MS-NTHT], [MS-NLMP]): how it is offered, and what a challenge says."""

import base64
import binascii
import re
import struct

from credential_operator.providers import network

SIGNATURE = b"NTLMSSP\x00"
TIMESTAMP = 7  # MsvAvTimestamp
HEADER = struct.Struct("<12x8x4x8x8xHHI")  # of a challenge, up to where its target information lies
PAIR = struct.Struct("<HH")


def offered(response: network.Response) -> str:
    """Names the scheme under which a server takes NTLM, its own before Negotiate; empty if it offers neither."""
    schemes = {scheme.lower() for scheme, _ in _challenges(response)}
    return next((scheme for scheme in ("NTLM", "Negotiate") if scheme.lower() in schemes), "")


def challenge(response: network.Response, scheme: str) -> bytes:
    """Gives the server's challenge; empty where there is none."""
    for name, text in _challenges(response):
        if name.lower() == scheme.lower() and text:
            try:
                found = base64.b64decode(text, validate=True)
            except binascii.Error:
                continue
            return found if SIGNATURE in found else b""
    return b""


def _challenges(response: network.Response) -> list[tuple[str, str]]:
    text = response.headers.get("WWW-Authenticate", "")
    return re.findall(r"(?:^|,)\s*(NTLM|Negotiate)(?:\s+([A-Za-z0-9+/=]+))?\s*(?=,|$)", text, re.IGNORECASE)


def stamped(message: bytes) -> bool:
    """Tells whether a challenge holds the server's time, which then counts, and not ours."""
    message = message[message.find(SIGNATURE) :]
    try:
        length, _, offset = HEADER.unpack_from(message)
        end = min(offset + length, len(message))
        while offset + PAIR.size <= end:
            kind, size = PAIR.unpack_from(message, offset)
            if kind == TIMESTAMP:
                return True
            offset += PAIR.size + size
    except struct.error:
        return False
    return False

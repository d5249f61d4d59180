"""What values may hold where a consumer reads lines: nothing that ends a line or hides in one."""

import unicodedata

from credential_operator import errors

LAYOUT = str.maketrans("", "", "\r\n\t")
ENDS = frozenset({"Cc", "Zl", "Zp"})
"""Unicode's control characters and its own line ends, which some readers split lines at."""


def text(field: str, value: str | bytes) -> str:
    """Gives a value back that holds nothing but text and the ends of its lines; else raises InvalidKeyMaterial."""
    read = _read(field, value)
    line(field, read.translate(LAYOUT))
    return read


def line(field: str, value: str | bytes) -> str:
    """Gives a value back that is one line; raises InvalidKeyMaterial, which names the field, for another."""
    value = _read(field, value)
    if not (value.isascii() and value.isprintable()) and any(
        unicodedata.category(sign) in ENDS for sign in value
    ):
        raise errors.InvalidKeyMaterial(
            f"{field} holds newlines or control characters, which this format cannot hold."
        )
    return value


def bare(field: str, value: str | bytes) -> str:
    """Gives a value back that every reader of INI files reads alike; else raises InvalidKeyMaterial.

    They differ on white space, on quotes, on what begins a comment, and on bytes beyond ASCII.
    """
    value = _read(field, value)
    if (
        not value.isascii()
        or not value.isprintable()
        or " " in value
        or value[:1] in {"", "#", ";", '"', "'"}
    ):
        raise errors.InvalidKeyMaterial(
            f"{field} cannot stand in a line of a file: it is empty, begins with a quote, # or ;, "
            "or holds white space or characters beyond ASCII."
        )
    return value


def _read(field: str, value: str | bytes) -> str:
    if isinstance(value, bytes):
        raise errors.InvalidKeyMaterial(
            f"{field} is not text, and this format holds nothing else: publish it with the format fields."
        )
    return value

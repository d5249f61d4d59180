"""Access keys that need no table: everything about a key follows from its number.

The ids have AWS's shape and carry their account, as real ones do; the secrets guard nothing.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re

_SEED = b"emulators.fast_sts: not a secret"
_ID = re.compile(r"AKIA([A-Z2-7]{16})")
_ACCOUNT_SHIFT = 7 + 32
_MARK = 1 << 79
_INDEX_BITS = 32


def key_id(account: str, index: int) -> str:
    """Returns the id of an account's key by its number."""
    number = _MARK | int(account) << _ACCOUNT_SHIFT | index
    return "AKIA" + base64.b32encode(number.to_bytes(10, "big")).decode()


def secret(key_id: str) -> str:
    """Returns the secret of a key by its id: 40 characters, as AWS makes them."""
    return base64.b64encode(hmac.digest(_SEED, key_id.encode(), "sha256")[:30]).decode()


def parse(key_id: str) -> tuple[str, int] | None:
    """Returns the account and number in an id; None where it is none of ours."""
    match = _ID.fullmatch(key_id)
    if match is None:
        return None
    try:
        number = int.from_bytes(base64.b32decode(match[1]), "big")
    except binascii.Error:
        return None
    account = (number & ~_MARK) >> _ACCOUNT_SHIFT
    return f"{account:012}", number & ((1 << _INDEX_BITS) - 1)

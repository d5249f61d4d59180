"""What a Secret holds, as bytes, and as the API writes it. Pure."""

import base64
from collections.abc import Mapping
from typing import Any


def decoded(secret: Mapping[str, Any]) -> dict[str, bytes]:
    """Gives the data of a Secret."""
    return {name: base64.b64decode(value) for name, value in (secret.get("data") or {}).items()}


def encoded(data: Mapping[str, bytes]) -> dict[str, str]:
    """Writes data for a Secret."""
    return {name: base64.b64encode(value).decode() for name, value in data.items()}

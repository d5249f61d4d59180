"""Reads etcd through its JSON gateway, which needs no client library."""

import base64
import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

from controlplane import ports

PAGE = 500
TIMEOUT_SECONDS = 30.0
FIRST_KEY = END = b"\0"
"""As the end of a range, this one byte means that there is none."""


def healthy(port: int) -> bool:
    """Tell whether etcd answers and has elected itself."""
    try:
        return bool(_ask(port, "GET", "/health")["health"] == "true")
    except (OSError, http.client.HTTPException):
        return False


def dump(port: int) -> Iterator[tuple[str, bytes]]:
    """Yield every key with its stored bytes, in order of the keys."""
    start = FIRST_KEY
    while True:
        body = {"key": _text(start), "range_end": _text(END), "limit": PAGE}
        page = _ask(port, "POST", "/v3/kv/range", json.dumps(body))
        for item in page.get("kvs", []):
            key = base64.b64decode(item["key"])
            yield key.decode(errors="replace"), base64.b64decode(item.get("value", ""))
            start = key + b"\0"
        if not page.get("more"):
            return


def _ask(port: int, method: str, path: str, body: str | None = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection(ports.ADDRESS, port, timeout=TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        connection.request(method, path, body)
        return dict(json.load(connection.getresponse()))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()

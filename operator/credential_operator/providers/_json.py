"""Answers that are JSON objects."""

from typing import Any

import orjson

from credential_operator.providers import network


def read(response: network.Response) -> dict[str, Any]:
    """Reads an answer's JSON object; empty where it is none, or where its end is missing."""
    if response.truncated:
        return {}
    try:
        found = orjson.loads(response.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

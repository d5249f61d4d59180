"""JSON in source Secrets: an object, or why it is none, without showing what it holds."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from credential_operator import errors


def read(text: str, where: str) -> dict[str, Any]:
    """Reads an object; raises InvalidKeyMaterial that says which line is wrong."""
    fault = ""
    try:
        found = orjson.loads(text)
    except ValueError:
        fault = _fault(text)
    else:
        if isinstance(found, dict):
            return found
    raise errors.InvalidKeyMaterial(
        f"{where} {fault or 'is JSON, and not an object'}: write the file as it was made."
    )


def texts(document: Mapping[str, Any]) -> dict[str, str]:
    """Gives the entries that are texts."""
    return {name: value for name, value in document.items() if isinstance(value, str)}


def _fault(text: str) -> str:
    """Says where a text ceases to be JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        position, line = error.pos, error.lineno
    except (ValueError, RecursionError):
        return "is not JSON"
    else:
        return "is not JSON"
    rest = text[position:].lstrip()
    # Python 3.13 points at the comma itself, earlier ones behind it.
    if (rest[:1] in {"}", "]"} and text[:position].rstrip().endswith(",")) or _dangling(rest):
        return f"is not JSON: there is a comma too many before the end of an object or a list (line {line})"
    return f"is not JSON (line {line})"


def _dangling(rest: str) -> bool:
    return rest.startswith(",") and rest[1:].lstrip()[:1] in {"}", "]"}

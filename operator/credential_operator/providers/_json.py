"""Answers that are JSON objects, and what is in them."""

import datetime
import re
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


def moment(text: object) -> datetime.datetime | None:
    """Reads a time with its zone; None where it is none."""
    try:
        found = datetime.datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def until(seconds: object, now: datetime.datetime) -> datetime.datetime | None:
    """Gives the time in so many seconds, which some write as text; None where it is no number of them."""
    number = re.fullmatch(r"(-?[0-9]{1,10})([.][0-9]+)?", str(seconds))
    return now + datetime.timedelta(seconds=int(number[1])) if number else None

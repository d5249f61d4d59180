"""JSON logs, one object a line, through a redactor.

The redactor is the last wall, not the first: key material has no way into a log record.
"""

import logging
import re
import sys
from typing import Any

from pythonjsonlogger.json import JsonFormatter

SHAPES = re.compile(
    r"(?P<keep>(?:Authorization|X-Amz-Security-Token|Proxy-Authorization)['\"]?\s*[:=]\s*['\"]?)[^\r\n'\"]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*",
    re.DOTALL | re.IGNORECASE,
)
"""Headers that carry credentials, private keys and JSON web tokens."""

BODIES = re.compile(r"(?P<keep>['\"](?:data|stringData)['\"]\s*:\s*)\{[^{}]*\}")
"""The data of a Secret, in JSON or in Python's notation."""


def redact(text: str) -> str:
    """Replaces whatever looks like key material."""
    return BODIES.sub(r"\g<keep>[redacted]", SHAPES.sub(_mask, text))


def _mask(match: re.Match[str]) -> str:
    return f"{match['keep'] or ''}[redacted]"


class Redacting(JsonFormatter):
    """Formats a record as one line of JSON, every text in it redacted."""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Redacts message, fields and traceback before they are written as JSON."""
        return {name: _redacted(value) for name, value in super().process_log_record(log_data).items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    return redact(str(value))


def configure(level: str) -> None:
    """Sends all logging to standard error as JSON at this level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        Redacting(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # kopf prints whole bodies below WARNING, and it tells of every object.
    logging.getLogger("kopf").setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    for library in ("botocore", "asyncio", "kubernetes"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # It writes whole URLs, which may hold keys, also at WARNING.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)

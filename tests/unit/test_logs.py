"""What the redactor takes out, and what it leaves."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from credential_operator import logs

CANARY = "c4n4ryc4n4ryc4n4ry"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: AWS4-HMAC-SHA256 Credential=AKIA/{CANARY}, Signature={CANARY}",
        f"{{'Authorization': 'Bearer {CANARY}'}}",
        f'{{"X-Amz-Security-Token": "{CANARY}"}}',
        f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
        f"token eyJhbGciOiJIUzI1NiJ9.{CANARY}.{CANARY}",
        f'{{"kind": "Secret", "data": {{"key": "{CANARY}"}}}}',
        f"{{'kind': 'Secret', 'stringData': {{'key': '{CANARY}'}}}}",
    ],
)
def test_what_looks_like_key_material_is_taken_out(text: str) -> None:
    assert CANARY not in logs.redact(text)
    assert "[redacted]" in logs.redact(text)


def test_everything_else_stays() -> None:
    text = "Secret team-a/keys: accessKeyID (Secret key user) is empty: data is missing"
    assert logs.redact(text) == text


def test_a_record_is_one_line_of_json_with_its_fields_and_traceback() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logs.configure("INFO")
    handler.setFormatter(logging.getLogger().handlers[0].formatter)
    logger = logging.getLogger("credential_operator.test")
    logger.addHandler(handler)
    try:
        _fail()
    except ValueError:
        logger.exception("failed", extra={"object": "a/b"})
    logger.removeHandler(handler)
    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert (record["level"], record["message"], record["object"]) == ("ERROR", "failed", "a/b")
    assert "ValueError" in record["exc_info"]
    assert CANARY not in line


def _fail() -> None:
    raise ValueError(f"Authorization: {CANARY}")


def test_frameworks_that_print_bodies_are_kept_quiet() -> None:
    logs.configure("DEBUG")
    assert logging.getLogger("kopf").level == logging.WARNING
    assert logging.getLogger("botocore").level == logging.WARNING
    assert logging.getLogger("urllib3").level == logging.CRITICAL
    logs.configure("ERROR")
    assert logging.getLogger("kopf").level == logging.ERROR

"""AWS signature version 4, recomputed from what arrived on the wire.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import calendar
import dataclasses
import functools
import hashlib
import hmac
import posixpath
import re
import time
import urllib.parse
from collections.abc import Mapping

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request"
    r", *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})"
)


class MalformedError(Exception):
    """The request carries no signature that can be checked."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its own signature."""

    key_id: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str
    timestamp: str
    at: float


def parse(headers: Mapping[str, str]) -> Claim:
    """Reads the claim out of the headers; MalformedError where it is not complete."""
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    timestamp = headers.get("x-amz-date", "")
    if match is None or not timestamp.startswith(match[2]):
        raise MalformedError
    signed = tuple(match[5].split(";"))
    # An attacker could change what is not signed.
    required = {"host", *(name for name in headers if name.startswith("x-amz-"))}
    if not required <= set(signed) <= set(headers):
        raise MalformedError
    return Claim(match[1], match[2], match[3], match[4], signed, match[6], timestamp, _epoch(timestamp))


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Derives the key that signs one day's requests to one service in one region."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(
    claim: Claim, key: bytes, *, method: str, target: str, headers: Mapping[str, str], payload: str
) -> str:
    """Computes the signature that the request should carry; `payload` is its hash."""
    path, _, query = target.partition("?")
    canonical = "\n".join(
        (
            method,
            _path(path, claim.service),
            _query(query),
            *(f"{name}:{' '.join(headers[name].split())}" for name in claim.signed),
            "",
            ";".join(claim.signed),
            payload,
        )
    )
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            claim.timestamp,
            f"{claim.date}/{claim.region}/{claim.service}/aws4_request",
            hashlib.sha256(canonical.encode("latin-1")).hexdigest(),
        )
    )
    return hmac.digest(key, text.encode(), "sha256").hex()


@functools.lru_cache(maxsize=64)
def _epoch(timestamp: str) -> float:
    """Returns seconds since 1970; many requests share a second."""
    try:
        return calendar.timegm(time.strptime(timestamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise MalformedError from None


def _path(path: str, service: str) -> str:
    """S3 signs the path as sent; every other service normalises and encodes it once more."""
    if path == "/" or service == "s3":
        return path
    normal = posixpath.normpath(path) + ("/" if path.endswith("/") else "")
    return urllib.parse.quote(normal.replace("//", "/"), safe="/~")


def _query(query: str) -> str:
    if not query:
        return ""
    pairs = [pair.partition("=")[::2] for pair in query.split("&")]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))

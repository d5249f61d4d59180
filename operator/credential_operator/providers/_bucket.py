"""Buckets of S3: how they stand in URLs."""

import re

from credential_operator.providers import policy as policies

VIRTUAL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Buckets that can stand in a host name under one certificate."""


def in_path(bucket: str, host: str, *, forced: bool) -> bool:
    """Tells whether a bucket stands in the path of URLs, and not in their host name."""
    nameless = policies.literal(host) is not None or "." not in host
    return forced or nameless or not VIRTUAL.fullmatch(bucket)

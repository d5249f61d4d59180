"""Boto3 clients for an emulator: one attempt, no proxy, nothing from the environment."""

from __future__ import annotations

import functools
from typing import Any, Protocol

import boto3
from botocore.config import Config


class Endpoint(Protocol):
    """Whatever serves at a URL under a certificate authority."""

    @property
    def url(self) -> str:
        """Where it serves."""

    @property
    def ca_path(self) -> str | None:
        """The authority to trust; None for plain HTTP."""


def client(
    service: str,
    endpoint: Endpoint,
    key: tuple[str, str],
    *,
    token: str | None = None,
    region: str = "us-east-1",
    **config: Any,
) -> Any:
    """Makes a client that signs with the key; `config` goes to botocore."""
    settings: dict[str, Any] = {
        "retries": {"total_max_attempts": 1},
        "s3": {"addressing_style": "path"},
        "proxies": {},
        "connect_timeout": 5,
        "read_timeout": 10,
        "ignore_configured_endpoint_urls": True,
    }
    return _session().client(
        service,
        region_name=region,
        endpoint_url=endpoint.url,
        verify=endpoint.ca_path or False,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        aws_session_token=token,
        config=Config(**settings | config),
    )


@functools.cache
def _session() -> Any:
    """Loads botocore's models once: a session for each client costs a tenth of a second."""
    return boto3.session.Session()

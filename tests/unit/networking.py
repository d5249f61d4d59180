"""Sessions, and servers for them on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from credential_operator import errors
from credential_operator.providers import network
from providers import servers, suite

OK = servers.text("ok")
CANARY = "canary-secret"


def allowing(*hosts: str, **options: Any) -> network.Session:
    return network.Session(network.Policy(allow=hosts), **options)


def leads_to(*addresses: str) -> Callable[[str, int], network.Resolution]:
    return lambda host, _: network.Resolution(host, addresses)


def get(session: network.Session, url: str, **options: Any) -> network.Response:
    return session.request("GET", url, **{"timeout": 5.0, "headers": {"Authorization": CANARY}, **options})


def refusal(kind: type[errors.CredentialError], session: network.Session, url: str, **options: Any) -> Any:
    with pytest.raises(kind) as raised:
        get(session, url, **options)
    assert CANARY not in suite.everything(raised.value)
    assert raised.value.__context__ is None
    return raised.value


def serving_tls(authority: trustme.CA, *names: str) -> tuple[ssl.SSLContext, list[str | None]]:
    """Gives what a server listens with, and the names that clients then ask for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    return context, asked


def pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()

"""How long a call lasts: never longer than its time, whatever the other side does."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
import trustme

from credential_operator import errors
from credential_operator.providers import network
from providers import servers
from unit import networking


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def dripping(*, before: bytes = b"", part: bytes = b"x") -> servers.Script:
    def script(connection: socket.socket) -> None:
        servers.head(connection)
        connection.sendall(before)
        for _ in range(400):
            connection.sendall(part)
            time.sleep(0.01)

    return script


SLOW = {
    "silence": dripping(part=b""),
    "status": dripping(),
    "headers": dripping(before=b"HTTP/1.1 200 networking.OK\r\n", part=b"A: b\r\n"),
    "one header": dripping(before=b"HTTP/1.1 200 networking.OK\r\nA: "),
    "body": dripping(before=b"HTTP/1.1 200 networking.OK\r\nContent-Length: 999\r\n\r\n"),
    "endless body": dripping(before=b"HTTP/1.1 200 networking.OK\r\n\r\n"),
    "chunks": dripping(
        before=b"HTTP/1.1 200 networking.OK\r\nTransfer-Encoding: chunked\r\n\r\n", part=b"1\r\nx\r\n"
    ),
    "continue": dripping(part=b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", sorted(SLOW))
def test_no_server_holds_a_call_longer_than_its_time(name: str, scheme: str, authority: trustme.CA) -> None:
    context = networking.serving_tls(authority, "127.0.0.1")[0] if scheme == "https" else None
    with (
        servers.serving(SLOW[name], tls=context) as server,
        networking.allowing(server.host, ca_bundle=networking.pem(authority)) as session,
    ):
        _ends_in_time(session, f"{scheme}://{server.host}/")


def test_a_handshake_that_does_not_end_is_no_longer_than_the_time() -> None:
    with servers.serving(dripping()) as server, networking.allowing(server.host) as session:
        _ends_in_time(session, f"https://{server.host}/")


def test_a_request_that_nobody_reads_is_no_longer_than_the_time() -> None:
    with servers.serving(lambda _: time.sleep(3)) as server, networking.allowing(server.host) as session:
        _ends_in_time(session, f"http://{server.host}/", body=b"x" * 20_000_000)


def test_a_resolver_that_does_not_answer_is_no_longer_than_the_time() -> None:
    ended = threading.Event()

    def resolver(_: str, __: int) -> network.Resolution:
        ended.wait(5)
        raise OSError

    with networking.allowing(resolver=resolver) as session:
        _ends_in_time(session, "https://a.example/")
        ended.set()


def _ends_in_time(session: network.Session, url: str, **options: Any) -> None:
    began = time.monotonic()
    error = networking.refusal(errors.ProviderUnreachable, session, url, timeout=0.1, **options)
    assert time.monotonic() - began < 2
    assert "in time" in error.message


def test_a_call_whose_time_is_over_is_not_begun() -> None:
    with (
        servers.serving(servers.answering(networking.OK)) as server,
        networking.allowing(server.host) as session,
    ):
        error = networking.refusal(errors.ProviderUnreachable, session, f"http://{server.host}/", timeout=0)
        assert "in time" in error.message
        assert server.accepted == 0

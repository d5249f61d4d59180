"""The connect layer: what it connects to, what it keeps and what it never says."""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import socket
import threading

import pytest
import trustme

from credential_operator import errors
from credential_operator.providers import _wire, network
from providers import servers
from unit import networking


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_an_answer_is_returned_whatever_it_is_and_printed_without_body_and_headers() -> None:
    answer = servers.text(
        networking.CANARY, status=301, headers=f"Location: /{networking.CANARY}\r\nDate: {DATE}\r\n"
    )
    with servers.serving(servers.answering(answer)) as server:
        response = networking.get(networking.allowing(server.host), f"http://{server.host}/")
        assert server.accepted == 1
    assert (response.status, response.body, response.truncated) == (301, networking.CANARY.encode(), False)
    assert response.headers["location"] == f"/{networking.CANARY}"
    assert networking.CANARY not in repr(response)


DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 7 "}, 7),
        ({"Retry-After": "9" * 40}, 3600),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "٣"}, 3),
        ({"Retry-After": "Wed, 21 Oct 2026 07:29:00 GMT"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 07:29:00 GMT", "Date": DATE}, 60),
        ({"Retry-After": "Wed, 21 Oct 2026 07:27:00 -0000", "Date": DATE}, 0),
        ({"Retry-After": "Wed, 21 Oct 2099 07:27:00 GMT", "Date": DATE}, 3600),
    ],
)
def test_a_wait_is_read_in_both_forms_and_bounded(headers: dict[str, str], seconds: float | None) -> None:
    assert network.Response(status=429, headers=headers, body=b"").retry_after() == seconds


def test_connections_are_kept_and_shared_by_threads() -> None:
    with (
        servers.serving(servers.answering(networking.OK)) as server,
        networking.allowing(server.host) as session,
    ):
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            answers = list(
                threads.map(lambda _: networking.get(session, f"http://{server.host}/"), range(100))
            )
        assert {answer.body for answer in answers} == {b"ok"}
        assert server.accepted <= 4


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    def once(connection: socket.socket) -> None:
        servers.head(connection)
        connection.sendall(networking.OK)

    with servers.serving(once) as server, networking.allowing(server.host) as session:
        for _ in range(3):
            assert networking.get(session, f"http://{server.host}/").body == b"ok"
            assert server.ended.acquire(timeout=5)
        assert server.accepted == 3


def test_a_connection_is_not_kept_longer_than_the_way_to_the_server_keeps_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        servers.serving(servers.answering(networking.OK)) as server,
        networking.allowing(server.host) as session,
    ):
        for limit in ("IDLE", "AGE"):
            with monkeypatch.context() as patch:
                networking.get(session, f"http://{server.host}/")
                before = server.accepted
                patch.setattr(_wire, limit, 0.0)
                networking.get(session, f"http://{server.host}/")
                assert server.accepted == before + 1


def test_the_number_of_kept_endpoints_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "POOLS", 2)
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(servers.serving(servers.answering(networking.OK))) for _ in range(3)]
        session = stack.enter_context(networking.allowing(*(server.host for server in running)))
        for server in (*running, running[0], running[0]):
            networking.get(session, f"http://{server.host}/")
        assert [server.accepted for server in running] == [2, 1, 1]


BROKEN = {
    "nothing": b"",
    "no http": b"SSH-2.0-OpenSSH_9.9\r\n",
    "short": b"HTTP/1.1 200 networking.OK\r\nContent-Length: 99\r\n\r\nshort",
    "chunk": b"HTTP/1.1 200 networking.OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "header": b"HTTP/1.1 200 networking.OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n",
    "headers": b"HTTP/1.1 200 networking.OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_answer_is_no_answer(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def script(connection: socket.socket) -> None:
        servers.head(connection)
        connection.sendall(BROKEN[name])

    with servers.serving(script) as server, networking.allowing(server.host) as session:
        networking.refusal(
            errors.ProviderUnreachable, session, f"http://{server.host}/?key={networking.CANARY}"
        )
    assert networking.CANARY not in caplog.text


def test_odd_headers_do_not_bring_the_url_into_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def script(connection: socket.socket) -> None:
        servers.head(connection)
        connection.sendall(b"HTTP/1.1 200 networking.OK\r\nbroken\r\n\r\n")

    with servers.serving(script) as server:
        networking.get(networking.allowing(server.host), f"http://{server.host}/?key={networking.CANARY}")
    assert networking.CANARY not in caplog.text


@pytest.mark.parametrize("headers", ["Content-Length: 10000000\r\n", ""])
def test_a_body_is_read_to_its_bound(headers: str) -> None:
    def script(connection: socket.socket) -> None:
        while servers.head(connection):
            connection.sendall(f"HTTP/1.1 200 networking.OK\r\n{headers}\r\n".encode() + b"x" * 10_000_000)

    with servers.serving(script) as server, networking.allowing(server.host) as session:
        for _ in range(2):
            response = networking.get(session, f"http://{server.host}/")
            assert (len(response.body), response.truncated) == (64 * 1024, True)


def test_a_compressed_answer_stays_as_it_came() -> None:
    with servers.serving(
        servers.answering(servers.text("bomb", headers="Content-Encoding: gzip\r\n"))
    ) as server:
        assert networking.get(networking.allowing(server.host), f"http://{server.host}/").body == b"bomb"


@pytest.mark.parametrize("value", ["a\nb", "a\r\nHost: b", "a\x00", "é", "€", "\x7f"])
def test_a_header_that_http_cannot_carry_is_refused_before_it_is_sent(value: str) -> None:
    with (
        servers.serving(servers.answering(networking.OK)) as server,
        networking.allowing(server.host) as session,
    ):
        url = f"http://{server.host}/"
        error = networking.refusal(
            errors.InvalidKeyMaterial, session, url, headers={"X-Api-Key": f"{networking.CANARY}{value}"}
        )
        assert "X-Api-Key" in error.message
        networking.refusal(errors.Misconfigured, session, url, headers={f"X{value}": networking.CANARY})
        assert server.accepted == 0


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ((), errors.ProviderUnreachable, "could not be resolved"),
        ((socket.EAI_AGAIN, networking.CANARY), errors.ProviderUnreachable, "could not be resolved"),
        ((socket.EAI_NONAME, networking.CANARY), network.NameNotFound, "does not exist"),
    ],
)
def test_a_name_that_is_not_there_is_told_from_a_resolver_in_trouble(
    said: tuple[object, ...], kind: type[errors.ProviderUnreachable], words: str
) -> None:
    def resolver(_: str, __: int) -> network.Resolution:
        raise socket.gaierror(*said)

    with networking.allowing(resolver=resolver) as session:
        error = networking.refusal(kind, session, "https://a.example/")
    assert words in error.message
    assert isinstance(error, errors.ProviderUnreachable)


def test_the_system_resolves_names() -> None:
    name, addresses = network.resolve("localhost", 443)
    assert name
    assert set(addresses) <= {"127.0.0.1", "::1"}


def test_a_name_is_resolved_once_for_as_long_as_its_connection_lasts() -> None:
    answers = [("127.0.0.1",), ("169.254.169.254",)]

    def resolver(host: str, _: int) -> network.Resolution:
        return network.Resolution(host, answers.pop(0))

    def twice(connection: socket.socket) -> None:
        for _ in range(2):
            servers.head(connection)
            connection.sendall(networking.OK)

    with (
        servers.serving(twice) as server,
        networking.allowing(f"a.example:{server.port}", resolver=resolver) as session,
    ):
        url = f"http://a.example:{server.port}/"
        assert [networking.get(session, url, plain=True).body for _ in range(2)] == [b"ok", b"ok"]
        assert server.ended.acquire(timeout=5)
        networking.refusal(errors.Misconfigured, session, url, plain=True)
        assert server.accepted == 1


def test_an_address_that_does_not_answer_is_followed_by_the_next() -> None:
    resolver = networking.leads_to("127.0.0.2", "::1", "127.0.0.1")
    with servers.serving(servers.answering(networking.OK)) as server:
        session = networking.allowing(f"a.example:{server.port}", resolver=resolver)
        assert networking.get(session, f"http://a.example:{server.port}/", plain=True).body == b"ok"


def test_a_name_without_addresses_is_unreachable() -> None:
    networking.refusal(
        errors.ProviderUnreachable, networking.allowing(resolver=networking.leads_to()), "https://a.example/"
    )


def test_the_checked_address_is_called_with_the_name(authority: trustme.CA) -> None:
    context, asked = networking.serving_tls(authority, "a.example")
    heads: list[str] = []

    def script(connection: socket.socket) -> None:
        heads.append(servers.head(connection))
        connection.sendall(networking.OK)

    with servers.serving(script, tls=context) as server:
        session = networking.allowing(
            f"a.example:{server.port}",
            resolver=networking.leads_to("127.0.0.1"),
            ca_bundle=networking.pem(authority),
        )
        networking.get(session, f"https://a.example:{server.port}/path?q=1")
    assert asked == ["a.example"]
    assert heads[0].startswith("GET /path?q=1 HTTP/1.1\r\n")
    assert f"Host: a.example:{server.port}\r\n" in heads[0]
    assert "User-Agent: credential-operator\r\n" in heads[0]


def test_ipv6_addresses_are_called() -> None:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=lambda: _answer(listener), daemon=True).start()
        assert networking.get(networking.allowing(f"[::1]:{port}"), f"http://[::1]:{port}/").body == b"ok"


def _answer(listener: socket.socket) -> None:
    with contextlib.suppress(OSError), listener.accept()[0] as connection:
        servers.head(connection)
        connection.sendall(networking.OK)


def test_a_certificate_must_be_for_the_name_and_from_a_trusted_authority(authority: trustme.CA) -> None:
    context, _ = networking.serving_tls(authority, "b.example")
    with servers.serving(servers.answering(networking.OK), tls=context) as server:
        options = {"resolver": networking.leads_to("127.0.0.1"), "ca_bundle": networking.pem(authority)}
        session = networking.allowing(f"a.example:{server.port}", f"b.example:{server.port}", **options)
        assert networking.get(session, f"https://b.example:{server.port}/").body == b"ok"
        error = networking.refusal(errors.Misconfigured, session, f"https://a.example:{server.port}/")
        assert "certificate" in error.message
        other = networking.pem(trustme.CA())
        error = networking.refusal(
            errors.Misconfigured, session, f"https://b.example:{server.port}/", ca_bundle=other
        )
        assert "caBundle" in error.message


def test_an_own_bundle_is_trusted_for_its_own_calls_only(authority: trustme.CA) -> None:
    context, _ = networking.serving_tls(authority, "127.0.0.1")
    with (
        servers.serving(servers.answering(networking.OK), tls=context) as server,
        networking.allowing(server.host) as session,
    ):
        url = f"https://{server.host}/"
        assert networking.get(session, url, ca_bundle=networking.pem(authority)).body == b"ok"
        networking.refusal(errors.Misconfigured, session, url)
        assert networking.get(session, url, ca_bundle=networking.pem(authority)).body == b"ok"


def test_a_server_without_tls_is_told_apart() -> None:
    with servers.serving(lambda connection: connection.sendall(networking.OK)) as server:
        error = networking.refusal(
            errors.ProviderUnreachable, networking.allowing(server.host), f"https://{server.host}/"
        )
        assert "TLS" in error.message

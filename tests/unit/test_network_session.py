"""The connect layer: what it connects to, how long it waits, what it keeps and what it never says."""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def serving_tls(authority: trustme.CA, *names: str) -> tuple[ssl.SSLContext, list[str | None]]:
    """Gives what a server listens with, and the names that clients then ask for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    return context, asked


def pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def test_an_answer_is_returned_whatever_it_is_and_printed_without_body_and_headers() -> None:
    answer = servers.text(CANARY, status=301, headers=f"Location: /{CANARY}\r\nDate: {DATE}\r\n")
    with servers.serving(servers.answering(answer)) as server:
        response = get(allowing(server.host), f"http://{server.host}/")
        assert server.accepted == 1
    assert (response.status, response.body, response.truncated) == (301, CANARY.encode(), False)
    assert response.headers["location"] == f"/{CANARY}"
    assert CANARY not in repr(response)


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
    with servers.serving(servers.answering(OK)) as server, allowing(server.host) as session:
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda _: get(session, f"http://{server.host}/"), range(100)))
        assert {answer.body for answer in answers} == {b"ok"}
        assert server.accepted <= 4


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    def once(connection: socket.socket) -> None:
        servers.head(connection)
        connection.sendall(OK)

    with servers.serving(once) as server, allowing(server.host) as session:
        for _ in range(3):
            assert get(session, f"http://{server.host}/").body == b"ok"
            assert server.ended.acquire(timeout=5)
        assert server.accepted == 3


def test_a_connection_is_not_kept_longer_than_the_way_to_the_server_keeps_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from credential_operator.providers import _wire  # noqa: PLC0415 (its limits are the test's subject)

    with servers.serving(servers.answering(OK)) as server, allowing(server.host) as session:
        for limit in ("IDLE", "AGE"):
            with monkeypatch.context() as patch:
                get(session, f"http://{server.host}/")
                before = server.accepted
                patch.setattr(_wire, limit, 0.0)
                get(session, f"http://{server.host}/")
                assert server.accepted == before + 1


def test_the_number_of_kept_endpoints_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "POOLS", 2)
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(servers.serving(servers.answering(OK))) for _ in range(3)]
        session = stack.enter_context(allowing(*(server.host for server in running)))
        for server in (*running, running[0], running[0]):
            get(session, f"http://{server.host}/")
        assert [server.accepted for server in running] == [2, 1, 1]


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
    "headers": dripping(before=b"HTTP/1.1 200 OK\r\n", part=b"A: b\r\n"),
    "one header": dripping(before=b"HTTP/1.1 200 OK\r\nA: "),
    "body": dripping(before=b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"),
    "endless body": dripping(before=b"HTTP/1.1 200 OK\r\n\r\n"),
    "chunks": dripping(before=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", part=b"1\r\nx\r\n"),
    "continue": dripping(part=b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("name", sorted(SLOW))
def test_no_server_holds_a_call_longer_than_its_time(name: str, tls: bool, authority: trustme.CA) -> None:  # noqa: FBT001
    context = serving_tls(authority, "127.0.0.1")[0] if tls else None
    with (
        servers.serving(SLOW[name], tls=context) as server,
        allowing(server.host, ca_bundle=pem(authority)) as session,
    ):
        _ends_in_time(session, f"{'https' if tls else 'http'}://{server.host}/")


def test_a_handshake_that_does_not_end_is_no_longer_than_the_time() -> None:
    with servers.serving(dripping()) as server, allowing(server.host) as session:
        _ends_in_time(session, f"https://{server.host}/")


def test_a_request_that_nobody_reads_is_no_longer_than_the_time() -> None:
    with servers.serving(lambda _: time.sleep(3)) as server, allowing(server.host) as session:
        _ends_in_time(session, f"http://{server.host}/", body=b"x" * 20_000_000)


def test_a_resolver_that_does_not_answer_is_no_longer_than_the_time() -> None:
    ended = threading.Event()

    def resolver(_: str, __: int) -> network.Resolution:
        ended.wait(5)
        raise OSError

    with allowing(resolver=resolver) as session:
        _ends_in_time(session, "https://a.example/")
        ended.set()


def _ends_in_time(session: network.Session, url: str, **options: Any) -> None:
    began = time.monotonic()
    error = refusal(errors.ProviderUnreachable, session, url, timeout=0.1, **options)
    assert time.monotonic() - began < 0.6
    assert "in time" in error.message


BROKEN = {
    "nothing": b"",
    "no http": b"SSH-2.0-OpenSSH_9.9\r\n",
    "short": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "header": b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n",
    "headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_answer_is_no_answer(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def script(connection: socket.socket) -> None:
        servers.head(connection)
        connection.sendall(BROKEN[name])

    with servers.serving(script) as server, allowing(server.host) as session:
        refusal(errors.ProviderUnreachable, session, f"http://{server.host}/?key={CANARY}")
    assert CANARY not in caplog.text


def test_odd_headers_do_not_bring_the_url_into_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def script(connection: socket.socket) -> None:
        servers.head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n")

    with servers.serving(script) as server:
        get(allowing(server.host), f"http://{server.host}/?key={CANARY}")
    assert CANARY not in caplog.text


@pytest.mark.parametrize("headers", ["Content-Length: 10000000\r\n", ""])
def test_a_body_is_read_to_its_bound(headers: str) -> None:
    def script(connection: socket.socket) -> None:
        while servers.head(connection):
            connection.sendall(f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode() + b"x" * 10_000_000)

    with servers.serving(script) as server, allowing(server.host) as session:
        for _ in range(2):
            response = get(session, f"http://{server.host}/")
            assert (len(response.body), response.truncated) == (64 * 1024, True)


def test_a_compressed_answer_stays_as_it_came() -> None:
    with servers.serving(
        servers.answering(servers.text("bomb", headers="Content-Encoding: gzip\r\n"))
    ) as server:
        assert get(allowing(server.host), f"http://{server.host}/").body == b"bomb"


@pytest.mark.parametrize("value", ["a\nb", "a\r\nHost: b", "a\x00", "é", "€", "\x7f"])
def test_a_header_that_http_cannot_carry_is_refused_before_it_is_sent(value: str) -> None:
    with servers.serving(servers.answering(OK)) as server, allowing(server.host) as session:
        url = f"http://{server.host}/"
        error = refusal(errors.InvalidKeyMaterial, session, url, headers={"X-Api-Key": f"{CANARY}{value}"})
        assert "X-Api-Key" in error.message
        refusal(errors.Misconfigured, session, url, headers={f"X{value}": CANARY})
        assert server.accepted == 0


def test_a_call_whose_time_is_over_is_not_begun() -> None:
    with servers.serving(servers.answering(OK)) as server, allowing(server.host) as session:
        error = refusal(errors.ProviderUnreachable, session, f"http://{server.host}/", timeout=0)
        assert "in time" in error.message
        assert server.accepted == 0


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    def resolver(_: str, __: int) -> network.Resolution:
        raise socket.gaierror

    with allowing(resolver=resolver) as session:
        assert "resolve" in refusal(errors.ProviderUnreachable, session, "https://a.example/").message


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
            connection.sendall(OK)

    with servers.serving(twice) as server, allowing(f"a.example:{server.port}", resolver=resolver) as session:
        url = f"http://a.example:{server.port}/"
        assert [get(session, url, plain=True).body for _ in range(2)] == [b"ok", b"ok"]
        refusal(errors.Misconfigured, session, url, plain=True)
        assert server.accepted == 1


def test_an_address_that_does_not_answer_is_followed_by_the_next() -> None:
    resolver = leads_to("127.0.0.2", "::1", "127.0.0.1")
    with servers.serving(servers.answering(OK)) as server:
        session = allowing(f"a.example:{server.port}", resolver=resolver)
        assert get(session, f"http://a.example:{server.port}/", plain=True).body == b"ok"


def test_a_name_without_addresses_is_unreachable() -> None:
    refusal(errors.ProviderUnreachable, allowing(resolver=leads_to()), "https://a.example/")


def test_the_checked_address_is_called_with_the_name(authority: trustme.CA) -> None:
    context, asked = serving_tls(authority, "a.example")
    heads: list[str] = []

    def script(connection: socket.socket) -> None:
        heads.append(servers.head(connection))
        connection.sendall(OK)

    with servers.serving(script, tls=context) as server:
        session = allowing(
            f"a.example:{server.port}", resolver=leads_to("127.0.0.1"), ca_bundle=pem(authority)
        )
        get(session, f"https://a.example:{server.port}/path?q=1")
    assert asked == ["a.example"]
    assert heads[0].startswith("GET /path?q=1 HTTP/1.1\r\n")
    assert f"Host: a.example:{server.port}\r\n" in heads[0]
    assert "User-Agent: credential-operator\r\n" in heads[0]


def test_ipv6_addresses_are_called() -> None:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=lambda: _answer(listener), daemon=True).start()
        assert get(allowing(f"[::1]:{port}"), f"http://[::1]:{port}/").body == b"ok"


def _answer(listener: socket.socket) -> None:
    with contextlib.suppress(OSError), listener.accept()[0] as connection:
        servers.head(connection)
        connection.sendall(OK)


def test_a_certificate_must_be_for_the_name_and_from_a_trusted_authority(authority: trustme.CA) -> None:
    context, _ = serving_tls(authority, "b.example")
    with servers.serving(servers.answering(OK), tls=context) as server:
        options = {"resolver": leads_to("127.0.0.1"), "ca_bundle": pem(authority)}
        session = allowing(f"a.example:{server.port}", f"b.example:{server.port}", **options)
        assert get(session, f"https://b.example:{server.port}/").body == b"ok"
        error = refusal(errors.Misconfigured, session, f"https://a.example:{server.port}/")
        assert "certificate" in error.message
        other = pem(trustme.CA())
        error = refusal(errors.Misconfigured, session, f"https://b.example:{server.port}/", ca_bundle=other)
        assert "caBundle" in error.message


def test_an_own_bundle_is_trusted_for_its_own_calls_only(authority: trustme.CA) -> None:
    context, _ = serving_tls(authority, "127.0.0.1")
    with servers.serving(servers.answering(OK), tls=context) as server, allowing(server.host) as session:
        url = f"https://{server.host}/"
        assert get(session, url, ca_bundle=pem(authority)).body == b"ok"
        refusal(errors.Misconfigured, session, url)
        assert get(session, url, ca_bundle=pem(authority)).body == b"ok"


def test_a_server_without_tls_is_told_apart() -> None:
    with servers.serving(lambda connection: connection.sendall(OK)) as server:
        error = refusal(errors.ProviderUnreachable, allowing(server.host), f"https://{server.host}/")
        assert "TLS" in error.message


@pytest.fixture
def proxied(authority: trustme.CA) -> Iterator[tuple[servers.Proxy, Callable[..., network.Session], int]]:
    context, _ = serving_tls(authority, "a.example")
    with servers.serving(servers.answering(OK), tls=context) as target:
        proxy = servers.Proxy(target.port)
        with servers.serving(proxy) as server:

            def through(login: str = "", **options: Any) -> network.Session:
                settings = {"ca_bundle": pem(authority), "resolver": leads_to("169.254.169.254"), **options}
                return network.Session(network.Policy(), proxy=f"http://{login}{server.host}", **settings)

            yield proxy, through, target.port


def test_a_proxy_is_asked_for_the_way_by_name(proxied: Any) -> None:
    proxy, through, _ = proxied
    with through("user:pass%20word@") as session:
        assert [get(session, "https://a.example/").body for _ in range(2)] == [b"ok", b"ok"]
    (asked,) = proxy.asked
    assert asked.startswith("CONNECT a.example:443 ")
    assert "roxy-" in asked
    assert CANARY not in asked


def test_a_proxy_may_itself_be_inside_tls(authority: trustme.CA) -> None:
    there, _ = serving_tls(authority, "a.example")
    between, asked = serving_tls(authority, "proxy.example")
    with (
        servers.serving(servers.answering(OK), tls=there) as target,
        servers.serving(servers.Proxy(target.port), tls=between) as server,
        network.Session(
            network.Policy(),
            proxy=f"https://proxy.example:{server.port}",
            resolver=leads_to("127.0.0.1"),
            ca_bundle=pem(authority),
        ) as session,
    ):
        assert get(session, "https://a.example/").body == b"ok"
    assert asked == ["proxy.example"]


def test_a_proxy_is_not_asked_for_what_the_policy_refuses(proxied: Any) -> None:
    proxy, through, _ = proxied
    with through() as session:
        for url in (
            "https://169.254.169.254/",
            "https://a.team.svc/",
            "https://127.0.0.1/",
            "http://a.example/",
        ):
            refusal(errors.Misconfigured, session, url)
        refusal(errors.Misconfigured, session, "https://b.example/")  # the proxy leads to a.example
    assert [asked.split()[1] for asked in proxy.asked] == ["b.example:443"]


def test_hosts_that_need_no_proxy_are_called_directly(proxied: Any) -> None:
    proxy, through, port = proxied
    policy = {"resolver": leads_to("127.0.0.1"), "no_proxy": ["*.example"]}
    with through(**policy) as session:
        refusal(errors.Misconfigured, session, f"https://a.example:{port}/")
    assert proxy.asked == []


def test_a_call_without_tls_goes_through_the_proxy_too() -> None:
    with servers.serving(servers.answering(OK)) as target:
        proxy = servers.Proxy(target.port)
        with servers.serving(proxy) as server:
            session = network.Session(network.Policy(), proxy=f"http://u:{CANARY}@{server.host}")
            assert get(session, "http://a.example/x?y=1", plain=True, headers={}).body == b"ok"
    assert proxy.asked[0].startswith("GET http://a.example:80/x?y=1 ")


@pytest.mark.parametrize("answer", [servers.text("", status=407), servers.text(CANARY, status=403)])
def test_a_proxy_that_does_not_open_the_way_is_told_apart(answer: bytes) -> None:
    with servers.serving(servers.answering(answer)) as server:
        session = network.Session(network.Policy(), proxy=f"http://u:{CANARY}@{server.host}")
        error = refusal(errors.ProviderUnreachable, session, "https://a.example/")
    assert "proxy" in error.message


def test_a_proxy_that_is_down_is_told_apart() -> None:
    with servers.serving(lambda _: None) as server:
        pass
    session = network.Session(network.Policy(), proxy=f"http://{server.host}")
    assert "proxy" in refusal(errors.ProviderUnreachable, session, "https://a.example/").message

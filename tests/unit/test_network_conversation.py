"""Requests on one connection, for protocols that authenticate it."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest
import trustme

from credential_operator import errors
from credential_operator.providers import network
from providers import servers, suite
from unit import networking


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    return networking.serving_tls(authority, "127.0.0.1", "a.example")[0]


def ask(conversation: network.Conversation, **options: Any) -> network.Response:
    return conversation.request(
        "GET", **{"timeout": 5.0, "headers": {"Authorization": networking.CANARY}, **options}
    )


def refusal(kind: type[errors.CredentialError], session: network.Session, url: str, **options: Any) -> str:
    with pytest.raises(kind) as raised, session.conversation(url) as conversation:
        ask(conversation, **options)
    assert networking.CANARY not in suite.everything(raised.value)
    return raised.value.message


def test_all_requests_are_made_on_one_connection_that_nobody_else_uses(
    authority: trustme.CA, context: ssl.SSLContext
) -> None:
    with servers.serving(servers.answering(networking.OK), tls=context) as server:
        url = f"https://{server.host}/"
        with networking.allowing(server.host, ca_bundle=networking.pem(authority)) as session:
            networking.get(session, url)
            with session.conversation(url) as conversation:
                assert [ask(conversation).body for _ in range(3)] == [b"ok"] * 3
                assert server.accepted == 2
                networking.get(session, url)
            assert server.ended.acquire(timeout=5)
            networking.get(session, url)
            assert server.accepted == 2


@pytest.mark.parametrize(
    "answer",
    [
        networking.OK,
        servers.text("ok", headers="Connection: close\r\n"),
        servers.text("x" * 100_000),
    ],
    ids=["closed", "said to close", "longer than anybody reads"],
)
def test_a_connection_that_is_gone_is_not_made_anew(
    authority: trustme.CA, context: ssl.SSLContext, answer: bytes
) -> None:
    def once(connection: socket.socket) -> None:
        servers.head(connection)
        connection.sendall(answer)

    with (
        servers.serving(once, tls=context) as server,
        networking.allowing(server.host, ca_bundle=networking.pem(authority)) as session,
        session.conversation(f"https://{server.host}/") as conversation,
    ):
        ask(conversation)
        assert server.ended.acquire(timeout=5)
        with pytest.raises(errors.ProviderUnreachable, match="closed the connection") as raised:
            ask(conversation)
        assert networking.CANARY not in suite.everything(raised.value)
        assert server.accepted == 1


def test_the_policy_is_the_same_for_it(authority: trustme.CA, context: ssl.SSLContext) -> None:
    hostile = networking.leads_to("169.254.169.254")
    with networking.allowing(resolver=hostile) as session:
        for url in ("https://169.254.169.254/", "http://a.example/", "https://a.example/"):
            refusal(errors.Misconfigured, session, url)
    with servers.serving(servers.answering(networking.OK), tls=context) as server:
        with networking.allowing(server.host) as session:
            assert "caBundle" in refusal(errors.Misconfigured, session, f"https://{server.host}/")
            refusal(errors.ProviderUnreachable, session, f"https://{server.host}/", timeout=0.0)
        with networking.allowing(server.host) as session:
            pem = networking.pem(authority)
            with session.conversation(f"https://{server.host}/", ca_bundle=pem) as conversation:
                assert ask(conversation).body == b"ok"


def test_the_certificate_that_was_shown_is_known(authority: trustme.CA, context: ssl.SSLContext) -> None:
    with (
        servers.serving(servers.answering(networking.OK), tls=context) as server,
        networking.allowing(server.host, ca_bundle=networking.pem(authority)) as session,
        session.conversation(f"https://{server.host}/") as conversation,
    ):
        assert conversation.certificate == b""
        ask(conversation)
        shown = ssl.get_server_certificate(("127.0.0.1", server.port))
        assert conversation.certificate == ssl.PEM_cert_to_DER_cert(shown)


def test_the_certificate_is_the_servers_where_the_proxy_is_itself_inside_tls(
    authority: trustme.CA, context: ssl.SSLContext
) -> None:
    between, _ = networking.serving_tls(authority, "proxy.example")
    with (
        servers.serving(servers.answering(networking.OK), tls=context) as target,
        servers.serving(servers.Proxy(target.port), tls=between) as server,
        network.Session(
            network.Policy(),
            proxy=f"https://proxy.example:{server.port}",
            resolver=networking.leads_to("127.0.0.1"),
            ca_bundle=networking.pem(authority),
        ) as session,
        session.conversation("https://a.example/") as conversation,
    ):
        ask(conversation)
        shown = ssl.get_server_certificate(("127.0.0.1", target.port))
        assert conversation.certificate == ssl.PEM_cert_to_DER_cert(shown)


def test_it_goes_through_the_proxy_on_one_connection_too(
    authority: trustme.CA, context: ssl.SSLContext
) -> None:
    with servers.serving(servers.answering(networking.OK), tls=context) as target:
        proxy = servers.Proxy(target.port)
        with (
            servers.serving(proxy) as server,
            network.Session(
                network.Policy(),
                proxy=f"http://{server.host}",
                resolver=networking.leads_to("169.254.169.254"),
                ca_bundle=networking.pem(authority),
            ) as session,
        ):
            with session.conversation("https://a.example/") as conversation:
                assert [ask(conversation).body for _ in range(2)] == [b"ok", b"ok"]
                assert conversation.certificate
            refusal(errors.Misconfigured, session, "https://b.example/")
    assert [asked.split()[1] for asked in proxy.asked] == ["a.example:443", "b.example:443"]

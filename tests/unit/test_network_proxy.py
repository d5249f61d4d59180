"""Calls through an HTTP proxy."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
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


@pytest.fixture
def proxied(authority: trustme.CA) -> Iterator[tuple[servers.Proxy, Callable[..., network.Session], int]]:
    context, _ = networking.serving_tls(authority, "a.example")
    with servers.serving(servers.answering(networking.OK), tls=context) as target:
        proxy = servers.Proxy(target.port)
        with servers.serving(proxy) as server:

            def through(login: str = "", **options: Any) -> network.Session:
                settings = {
                    "ca_bundle": networking.pem(authority),
                    "resolver": networking.leads_to("169.254.169.254"),
                    **options,
                }
                return network.Session(network.Policy(), proxy=f"http://{login}{server.host}", **settings)

            yield proxy, through, target.port


def test_a_proxy_is_asked_for_the_way_by_name(proxied: Any) -> None:
    proxy, through, _ = proxied
    with through("user:pass%20word@") as session:
        assert [networking.get(session, "https://a.example/").body for _ in range(2)] == [b"ok", b"ok"]
    (asked,) = proxy.asked
    assert asked.startswith("CONNECT a.example:443 ")
    assert "roxy-" in asked
    assert networking.CANARY not in asked


def test_a_proxy_may_itself_be_inside_tls(authority: trustme.CA) -> None:
    there, _ = networking.serving_tls(authority, "a.example")
    between, asked = networking.serving_tls(authority, "proxy.example")
    with (
        servers.serving(servers.answering(networking.OK), tls=there) as target,
        servers.serving(servers.Proxy(target.port), tls=between) as server,
        network.Session(
            network.Policy(),
            proxy=f"https://proxy.example:{server.port}",
            resolver=networking.leads_to("127.0.0.1"),
            ca_bundle=networking.pem(authority),
        ) as session,
    ):
        assert networking.get(session, "https://a.example/").body == b"ok"
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
            networking.refusal(errors.Misconfigured, session, url)
        networking.refusal(
            errors.Misconfigured, session, "https://b.example/"
        )  # the proxy leads to a.example
    assert [asked.split()[1] for asked in proxy.asked] == ["b.example:443"]


def test_hosts_that_need_no_proxy_are_called_directly(proxied: Any) -> None:
    proxy, through, port = proxied
    policy = {"resolver": networking.leads_to("127.0.0.1"), "no_proxy": ["*.example"]}
    with through(**policy) as session:
        networking.refusal(errors.Misconfigured, session, f"https://a.example:{port}/")
    assert proxy.asked == []


def test_a_call_without_tls_goes_through_the_proxy_too() -> None:
    with servers.serving(servers.answering(networking.OK)) as target:
        proxy = servers.Proxy(target.port)
        with servers.serving(proxy) as server:
            session = network.Session(network.Policy(), proxy=f"http://u:{networking.CANARY}@{server.host}")
            assert networking.get(session, "http://a.example/x?y=1", plain=True, headers={}).body == b"ok"
    assert proxy.asked[0].startswith("GET http://a.example:80/x?y=1 ")


@pytest.mark.parametrize(
    "answer", [servers.text("", status=407), servers.text(networking.CANARY, status=403)]
)
def test_a_proxy_that_does_not_open_the_way_is_told_apart(answer: bytes) -> None:
    with servers.serving(servers.answering(answer)) as server:
        session = network.Session(network.Policy(), proxy=f"http://u:{networking.CANARY}@{server.host}")
        error = networking.refusal(errors.ProviderUnreachable, session, "https://a.example/")
    assert "proxy" in error.message


def test_a_proxy_that_is_down_is_told_apart() -> None:
    with servers.serving(lambda _: None) as server:
        pass
    session = network.Session(network.Policy(), proxy=f"http://{server.host}")
    assert "proxy" in networking.refusal(errors.ProviderUnreachable, session, "https://a.example/").message


def test_a_proxy_whose_name_does_not_exist_says_nothing_of_the_endpoints_name() -> None:
    asked: list[str] = []

    def resolver(host: str, _: int) -> network.Resolution:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, networking.CANARY)

    with network.Session(network.Policy(), proxy="http://proxy.example:3128", resolver=resolver) as session:
        error = networking.refusal(errors.ProviderUnreachable, session, "https://a.example/")
    assert asked == ["proxy.example"]
    assert type(error) is errors.ProviderUnreachable
    assert "proxy" in error.message

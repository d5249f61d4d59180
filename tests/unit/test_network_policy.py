"""Where a key may be sent, and where never."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import errors
from credential_operator.providers import network
from credential_operator.providers import policy as policies

CANARY = "canary"


def check(url: str, *addresses: str, name: str | None = None, plain: bool = False, **settings: Any) -> None:
    """Does what a session does: looks at the URL, then at what its name stands for."""
    policy = network.Policy(**settings)
    endpoint = network.parse(url)
    policy.check(endpoint, plain=plain)
    if addresses:
        policy.check_resolution(endpoint, name or endpoint.host, addresses)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://s3.example", "s3.example:443"),
        ("http://s3.example", "s3.example:80"),
        ("https://S3.Example.:9000/base?a=b#c", "s3.example:9000"),
        ("https://[2001:DB8::1]:9000/", "[2001:db8::1]:9000"),
        ("https://203.0.113.1", "203.0.113.1:443"),
        ("https://0xa.example", "0xa.example:443"),
    ],
)
def test_a_url_is_named_as_host_and_port(url: str, named: str) -> None:
    assert str(network.parse(url)) == named


@pytest.mark.parametrize(
    "url", ["https://a.example", "http://a.example:81", "https://[2001:db8::1]", "https://a:80"]
)
def test_a_url_is_written_back_without_the_usual_port(url: str) -> None:
    assert network.parse(url).url == url
    assert network.parse(f"{url}/").url == url


def test_a_url_is_called_with_its_path_and_query_and_without_its_fragment() -> None:
    assert network.parse("https://a.example/b/c?d=e#f").target == "/b/c?d=e"
    assert network.parse("https://a.example").target == "/"


@pytest.mark.parametrize(
    "url",
    [
        "",
        CANARY,
        f"ftp://{CANARY}.example",
        f"file:///{CANARY}",
        f"https://{CANARY}@a.example",
        f"https://a:{CANARY}@a.example",
        f"https://a.example\\@{CANARY}",
        f"https://a.example/{CANARY} b",
        f"https://a.example/{CANARY}\r\nHost: b",
        f"https://a.example\t/{CANARY}",
        f"https://{CANARY}.exämple",
        f"https://{CANARY}..example",
        f"https://-{CANARY}",
        f"https://{CANARY}%2eexample",
        f"https://{CANARY}:99999",
        f"https://{CANARY}:0",
        f"https://{CANARY}:",
        f"https://{CANARY}:x",
        "https://",
        "https://:443",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        f"https://[{CANARY}]",
        f"https://{CANARY * 50}",
        "https://2130706433",
        "https://0x7f.1",
        "https://0x7f000001",
        "https://127.1",
        "https://0177.0.0.1",
        "https://127.0.0.1.1",
        "https://1.2.3.0x4",
        "https://a.example.1",
    ],
)
def test_a_url_that_readers_could_differ_on_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(errors.Misconfigured) as raised:
        network.parse(url)
    assert CANARY not in raised.value.message


NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    str(ipaddress.IPv4Address(0)),
    "0.1.2.3",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "ff02::1",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::",
]
EVERYTHING = ["*", "*.example", "a.example", "0.0.0.0/0", "::/0"]


@pytest.mark.parametrize("address", NEVER)
def test_metadata_services_and_nobodys_addresses_are_refused_whatever_is_allowed(address: str) -> None:
    written = f"[{address}]" if ":" in address else address
    allow = [*EVERYTHING, written, f"{written}:443"]
    with pytest.raises(errors.Misconfigured, match=r"endpointPolicy\.allow"):
        check("https://a.example", address, allow=allow)
    with pytest.raises(errors.Misconfigured, match=r"endpointPolicy\.allow"):
        check(f"https://{written}", allow=allow)


@pytest.mark.parametrize(
    "name",
    ["metadata.google.internal", "METADATA.google.internal.", "metadata", "instance-data.ec2.internal"],
)
def test_the_names_of_metadata_services_are_refused_whatever_is_allowed(name: str) -> None:
    with pytest.raises(errors.Misconfigured):
        check(f"https://{name}", allow=[*EVERYTHING, name.lower().rstrip(".")])
    with pytest.raises(errors.Misconfigured):
        check("https://alias.example", "203.0.113.1", name=name)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:{}", "::{}", "64:ff9b::{}", "2002:{}::1"]))
def test_an_address_is_judged_alike_in_every_form(address: ipaddress.IPv4Address, form: str) -> None:
    number = int(address)
    spelled = f"{number >> 16:x}:{number & 0xFFFF:x}"
    embedded = ipaddress.ip_address(form.format(spelled))
    if int(embedded) <= 1:
        return
    assert address in set(policies.forms(embedded))
    assert _refused(str(embedded)) or not _refused(str(address))


def _refused(address: str) -> bool:
    try:
        check("https://a.example", address, internal=["10.96.0.0/12"])
    except errors.Misconfigured:
        return True
    return False


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_loopback_is_refused_by_default_and_by_patterns(address: str) -> None:
    for allow in ([], EVERYTHING, ["127.0.0.0/8", "::/64"], ["b.example"], ["a.example:80"]):
        with pytest.raises(errors.Misconfigured, match=r"may open it with endpointPolicy\.allow"):
            check("https://a.example", address, allow=[each for each in allow if each != "a.example"])


@pytest.mark.parametrize(
    ("url", "address", "allow"),
    [
        ("https://127.0.0.1:9000", "127.0.0.1", "127.0.0.1:9000"),
        ("https://127.0.0.1:9000", "127.0.0.1", "127.0.0.1"),
        ("https://localhost:9000", "::1", "localhost:9000"),
        ("https://localhost:9000", "127.0.0.1", "127.0.0.1:9000"),
        ("https://[::1]:9000", "::1", "[::1]:9000"),
        ("https://[::1]:9000", "::1", "::1"),
        ("https://a.example", "127.0.0.1", "a.example:443"),
    ],
)
def test_loopback_is_open_to_an_entry_that_names_it(url: str, address: str, allow: str) -> None:
    check(url, address, allow=[allow])
    with pytest.raises(errors.Misconfigured):
        check(url, address, allow=["127.0.0.2:9000", "other.example"])


def test_a_call_without_tls_needs_to_be_asked_for() -> None:
    with pytest.raises(errors.Misconfigured, match="https"):
        check("http://a.example")
    check("http://a.example", plain=True)
    with pytest.raises(errors.Misconfigured, match="switched off"):
        network.Policy(plain=False).check(network.parse("http://a.example"), plain=True)


def test_a_call_without_tls_on_an_allowed_loopback_endpoint_crosses_no_network() -> None:
    check("http://127.0.0.1:9000", allow=["127.0.0.1:9000"])
    check("http://localhost:9000", "127.0.0.1", allow=["localhost:9000"])
    with pytest.raises(errors.Misconfigured, match="without TLS"):
        check("http://10.0.0.1:9000", allow=["10.0.0.1:9000"])


@pytest.mark.parametrize(
    "name", ["minio.team-a.svc", "minio.team-a.svc.cluster.local", "10-0-0-1.team-a.pod.cluster.local"]
)
def test_names_inside_the_cluster_are_closed_and_can_be_opened(name: str) -> None:
    with pytest.raises(errors.Misconfigured, match=r"inside the cluster.*endpointPolicy\.allow"):
        check(f"https://{name}:9000", allow=["*.minio.svc", "*.team-a.svc:9001"])
    with pytest.raises(errors.Misconfigured, match="inside the cluster"):
        check("https://alias.example:9000", "10.0.0.1", name=name, allow=["*.other.svc"])
    check(f"https://{name}:9000", "10.0.0.1", allow=["*.team-a.svc", "*.pod.cluster.local"])
    check("https://alias.example:9000", "10.0.0.1", name=name, allow=["alias.example"])


def test_the_cluster_may_have_another_domain() -> None:
    with pytest.raises(errors.Misconfigured):
        check("https://minio.team-a.svc.corp.example", cluster_domain="corp.example")
    check("https://minio.team-a.svc.cluster.local.example")


def test_addresses_inside_the_cluster_are_closed_and_can_be_opened() -> None:
    internal = ["10.96.0.0/12", "fd12::/64"]
    for address in ("10.96.0.10", "fd12::a", "::ffff:10.96.0.10"):
        with pytest.raises(errors.Misconfigured, match="inside the cluster"):
            check("https://a.example", address, internal=internal)
        check("https://a.example", address, internal=internal, allow=["a.example"])
        check("https://a.example", address, internal=internal, allow=["10.96.0.0/16", "fd12::a"])


@pytest.mark.parametrize(
    "url",
    [
        "https://kubernetes.default.svc",
        "https://kubernetes.default.svc.cluster.local",
        "https://kubernetes.default",
        "https://kubernetes",
        "https://10.96.0.1",
        "https://api.example:6443",
        "https://[::ffff:10.96.0.1]",
    ],
)
def test_the_api_server_is_refused_whatever_is_allowed(url: str) -> None:
    allow = [*EVERYTHING, "*.svc", "10.96.0.1", "api.example:6443"]
    with pytest.raises(errors.Misconfigured, match="API server"):
        check(url, allow=allow, api_server=["10.96.0.1:443", "api.example:6443"])


def test_another_port_of_the_api_servers_host_is_another_endpoint() -> None:
    check("https://127.0.0.1:9000", allow=["127.0.0.1:9000"], api_server=["127.0.0.1:6443"])
    with pytest.raises(errors.Misconfigured, match="API server"):
        check("https://127.0.0.1:6443", allow=["127.0.0.1:6443"], api_server=["127.0.0.1:6443"])


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "fd12::1", "fec0::1"]
)
def test_private_addresses_are_open_and_can_be_closed(address: str) -> None:
    check("https://a.example", address)
    with pytest.raises(errors.Misconfigured, match="private"):
        check("https://a.example", address, private=False)
    check("https://a.example", address, private=False, allow=["a.example"])


@pytest.mark.parametrize("address", ["203.0.113.1", "8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_public_addresses_are_open(address: str) -> None:
    check("https://a.example", address, private=False)


@pytest.mark.parametrize("text", ["", "a b", "*.", "a.*.b", "**", "10.0.0.1/8", "https://a.example", "a:b:c"])
def test_an_entry_that_means_nothing_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="is no host"):
        network.Policy(allow=[text])

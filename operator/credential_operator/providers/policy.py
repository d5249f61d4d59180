"""Where a key may be sent: tenants write the endpoints, so each is checked, by name and by address."""

import dataclasses
import ipaddress
import re
import urllib.parse
from collections.abc import Iterable, Iterator

from credential_operator import errors

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SETTING = "endpointPolicy.allow"
PORTS = {"http": 80, "https": 443}

LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"(?=.{{1,253}}\Z){LABEL}(?:\.{LABEL})*")
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")

METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
API_SERVER_NAMES = frozenset({"kubernetes", "kubernetes.default", "kubernetes.default.svc"})

METADATA = tuple(
    ipaddress.ip_network(network)
    for network in (
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure's wire server
        "192.0.0.192/32",  # Oracle's older one
        "fd00:ec2::/32",  # AWS: metadata, pod identity, time
        "fd20:ce::254/128",  # Google
    )
)
UNUSABLE = tuple(ipaddress.ip_network(network) for network in ("0.0.0.0/8", "240.0.0.0/4", "64:ff9b:1::/48"))
PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "fc00::/7",
        "fec0::/10",
    )
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL taken apart once, so that what is checked is what is called; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str = dataclasses.field(repr=False)

    @property
    def url(self) -> str:
        """Gives its scheme, host and port, as people write them."""
        usual = self.port == PORTS.get(self.scheme)
        return f"{self.scheme}://{str(self).removesuffix(f':{self.port}') if usual else self}"

    def __str__(self) -> str:
        """Names it as `host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(url: str) -> Endpoint:
    """Takes a URL apart; raises Misconfigured, without repeating it, for one that readers could differ on."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise errors.Misconfigured("The endpoint is not a URL: it holds white space or special characters.")
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        raise errors.Misconfigured("The endpoint is not a URL: its host or port cannot be read.") from None
    if parts.scheme not in PORTS:
        raise errors.Misconfigured("The endpoint must begin with https://.")
    if "@" in parts.netloc:
        raise errors.Misconfigured("The endpoint must not hold a user or password.")
    if port == 0 or parts.netloc.endswith(":"):
        raise errors.Misconfigured("The endpoint is not a URL: its host or port cannot be read.")
    host = _host(parts.hostname or "", bracketed="[" in parts.netloc)
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    return Endpoint(parts.scheme, host, port or PORTS[parts.scheme], target)


def _host(host: str, *, bracketed: bool) -> str:
    """Gives a host in its one spelling; an address in a notation that not all read alike is refused."""
    host = host.lower().removesuffix(".")
    if bracketed:
        address = None if "%" in host else literal(host)
        if address is None:
            raise errors.Misconfigured("The endpoint's host is not an IPv6 address.")
        return str(address)
    if not NAME.fullmatch(host):
        raise errors.Misconfigured("The endpoint's host is not a name.")
    if NUMBER.fullmatch(host.rpartition(".")[2]) and literal(host) is None:
        raise errors.Misconfigured("The endpoint's host is an address in a notation that is not accepted.")
    return host


def literal(host: str) -> Address | None:
    """Reads an IP address in its usual notation; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def forms(address: Address) -> Iterator[Address]:
    """Yields an address and the IPv4 addresses that it would reach through a translator or tunnel."""
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in NAT64 or (address in IPV4_COMPATIBLE and int(address) > 1):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


@dataclasses.dataclass(frozen=True, slots=True)
class Pattern:
    """An entry of an allow list: `name`, `*.suffix`, `*`, an address or a range; each may have a `:port`."""

    host: str
    port: int | None
    range: Network | None

    @classmethod
    def read(cls, text: str) -> "Pattern":
        """Reads an entry; raises ValueError, at the operator's start, for one that means nothing."""
        host, port = text.lower(), ""
        if match := re.fullmatch(
            r"\[(?P<six>[^\]]+)\](?::(?P<port>\d+))?|(?P<host>[^:]+):(?P<tail>\d+)", host
        ):
            host = match["six"] or match["host"]
            port = match["port"] or match["tail"] or ""
        try:
            return cls(host, int(port) if port else None, ipaddress.ip_network(host))
        except ValueError:
            if host != "*" and not NAME.fullmatch(host.removeprefix("*.")):
                raise ValueError(f"{text!r} is no host, *.suffix, address or range") from None
        return cls(host, int(port) if port else None, None)

    @property
    def exact(self) -> bool:
        """Tells whether the entry names one host or address and nothing else."""
        if self.range is not None:
            return self.range.num_addresses == 1
        return not self.host.startswith("*")

    def matches(self, host: str, port: int, address: Address | None) -> bool:
        """Tells whether the entry covers a host, or the address that the host stands for."""
        if self.port not in {None, port}:
            return False
        if self.range is not None:
            return address is not None and address in self.range
        if self.host.startswith("*"):
            return host.endswith(self.host.removeprefix("*"))
        return host == self.host


class Policy:
    """Decides where calls may go; the same for every credential type, and set by the administrator alone.

    `allow` opens what is closed by default; `internal` are the cluster's Service and Pod ranges;
    `api_server` are its `host:port`; `private` leaves other private addresses open; `plain` leaves
    calls without TLS open to the types that ask for them.

    An exception for Services of a Credential's own namespace would be one more `Pattern`, made from
    the Service's clusterIP by whoever builds the policy.
    """

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        internal: Iterable[str] = (),
        api_server: Iterable[str] = (),
        cluster_domain: str = "cluster.local",
        private: bool = True,
        plain: bool = True,
    ) -> None:
        self._allow = tuple(Pattern.read(text) for text in allow)
        self._internal = tuple(ipaddress.ip_network(text) for text in internal)
        self._api_server = tuple(Pattern.read(text) for text in api_server)
        self._domain = "." + cluster_domain.strip(".").lower()
        self._private = private
        self._plain = plain

    def check(self, endpoint: Endpoint, *, plain: bool = False) -> None:
        """Refuses an endpoint for what its URL says: no TLS without `plain`, names, literal addresses."""
        address = literal(endpoint.host)
        if endpoint.scheme == "http" and not self._local(endpoint, address):
            if not plain:
                raise errors.Misconfigured(f"{endpoint} would be called without TLS: write https://.")
            if not self._plain:
                raise errors.Misconfigured(f"{endpoint} would be called without TLS, which is switched off.")
        self.check_name(endpoint, endpoint.host)
        if address is not None:
            self.check_address(endpoint, address)

    def check_name(self, endpoint: Endpoint, name: str) -> None:
        """Refuses an endpoint for its name, or for the name that it is an alias of."""
        host = self._short(name)
        if host in METADATA_NAMES:
            raise _never(endpoint, "a metadata service")
        if host in API_SERVER_NAMES or any(
            entry.matches(host, endpoint.port, None) for entry in self._api_server
        ):
            raise _never(endpoint, "the API server")
        if host.endswith((".svc", self._domain)) and not self._allowed(endpoint, None):
            raise _closed(endpoint, "a name inside the cluster")

    def check_address(self, endpoint: Endpoint, address: Address) -> None:
        """Refuses an endpoint for one of the addresses that its name stands for."""
        for form in forms(address):
            if refused := _unusable(form):
                raise _never(endpoint, refused)
            if any(entry.matches("", endpoint.port, form) for entry in self._api_server):
                raise _never(endpoint, "the API server")
            if form.is_loopback and not self._exactly(endpoint, form):
                raise _closed(endpoint, "a loopback address")
            if (closed := self._inside(form)) and not self._allowed(endpoint, form):
                raise _closed(endpoint, closed)

    def check_resolution(self, endpoint: Endpoint, name: str, addresses: Iterable[str]) -> None:
        """Refuses an endpoint for anything that its name stands for: one bad address spoils them all."""
        self.check_name(endpoint, name)
        for address in addresses:
            self.check_address(endpoint, ipaddress.ip_address(address))

    def _inside(self, address: Address) -> str | None:
        if any(address in network for network in self._internal):
            return "an address inside the cluster"
        if not self._private and any(address in network for network in PRIVATE):
            return "a private address"
        return None

    def _allowed(self, endpoint: Endpoint, address: Address | None) -> bool:
        host = self._short(endpoint.host)
        return any(entry.matches(host, endpoint.port, address) for entry in self._allow)

    def _local(self, endpoint: Endpoint, address: Address | None) -> bool:
        """Tells whether an endpoint is an allowed one on loopback, where TLS protects nothing."""
        loopback = endpoint.host == "localhost" if address is None else address.is_loopback
        return loopback and self._exactly(endpoint, address)

    def _exactly(self, endpoint: Endpoint, address: Address | None) -> bool:
        """Tells whether an entry names this very endpoint: only such a one opens loopback."""
        return any(
            entry.exact and entry.matches(endpoint.host, endpoint.port, address) for entry in self._allow
        )

    def _short(self, name: str) -> str:
        """Gives `name.namespace.svc` for its longer spelling."""
        host = name.lower().removesuffix(".")
        short = host.removesuffix(self._domain)
        return short if short.endswith(".svc") else host


def _unusable(address: Address) -> str | None:
    if any(address in network for network in METADATA):
        return "a metadata service"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified or any(address in network for network in UNUSABLE):
        return "no host's address"
    return None


def _never(endpoint: Endpoint, what: str) -> errors.Misconfigured:
    return errors.Misconfigured(
        f"{endpoint} is {what}: no credential is ever sent there ({SETTING} cannot open it)."
    )


def _closed(endpoint: Endpoint, what: str) -> errors.Misconfigured:
    return errors.Misconfigured(f"{endpoint} is {what}: an administrator may open it with {SETTING}.")

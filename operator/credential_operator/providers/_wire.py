"""What a connection is made of: sockets that end with the request's time, trust, resolving, keeping alive."""

import contextlib
import functools
import pathlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import urllib3
import urllib3.connection

from credential_operator import errors

IDLE = 50.0  # seconds: below what load balancers and NAT gateways forget a connection after
AGE = 300.0  # seconds: a name that moves to another address is followed by then

SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
"""Where Linux distributions keep their authorities, whatever OpenSSL was built with."""

Dial = Callable[[str, int], socket.socket]


class Resolution(NamedTuple):
    """What a name stands for: the name that it is an alias of, or itself, and its addresses."""

    name: str
    addresses: tuple[str, ...]


def resolve(host: str, port: int) -> Resolution:
    """Asks the system's resolver; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    addresses = dict.fromkeys(str(address[0]) for *_, address in found)
    return Resolution(found[0][3] or host, tuple(addresses))


class _Deadline(threading.local):
    """The end of the request that runs in this thread, by the monotonic clock."""

    end = 0.0


_deadline = _Deadline()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bounds everything that this thread does on its connections until the block ends."""
    _deadline.end = time.monotonic() + seconds
    try:
        yield
    finally:
        _deadline.end = 0.0


def left() -> float:
    """Gives the seconds left; raises TimeoutError when there are none."""
    seconds = _deadline.end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class Socket(socket.socket):
    """A TCP socket; each read and write gets what is left of the time: a server that drips gains nothing."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Reads within the time left."""
        self.settimeout(left())
        return super().recv_into(*args, **kwargs)

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        """Reads within the time left."""
        self.settimeout(left())
        return super().recv(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        """Writes within the time left."""
        self.settimeout(left())
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """Writes within the time left."""
        self.settimeout(left())
        super().sendall(*args, **kwargs)


class TLSSocket(Socket, ssl.SSLSocket):
    """The same inside TLS."""


def connect(address: str, port: int, *, timeout: float) -> socket.socket:
    """Connects to an address, not to a name."""
    made = Socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.connect((address, port))
        made.settimeout(left())
    except OSError:
        made.close()
        raise
    return made


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = TLSSocket
    return context


@functools.lru_cache(maxsize=64)
def trusting_system(extra: str | None) -> ssl.SSLContext:
    """Trusts the system's authorities and an operator-wide bundle (PEM); no variable says where those are."""
    context = _context()
    paths = ssl.get_default_verify_paths()
    for file in (paths.openssl_cafile, SYSTEM):
        if pathlib.Path(file).is_file():
            context.load_verify_locations(cafile=file)
            break
    if pathlib.Path(paths.openssl_capath).is_dir():
        context.load_verify_locations(capath=paths.openssl_capath)
    if extra:
        _load(context, extra)
    return context


@functools.lru_cache(maxsize=64)
def trusting(bundle: str) -> ssl.SSLContext:
    """Trusts a bundle (PEM) and nothing else; raises Misconfigured for one that holds no certificate."""
    context = _context()
    _load(context, bundle)
    return context


def _load(context: ssl.SSLContext, bundle: str) -> None:
    try:
        context.load_verify_locations(cadata=bundle)
    except (ssl.SSLError, ValueError):
        raise errors.Misconfigured("caBundle holds no certificates in PEM form.") from None


class Broken(OSError):
    """The one connection that there was to be is gone."""


class Line:
    """Dials once: who keeps to one connection must not come to speak on another.

    `certificate` is what the server showed on it (DER), empty until then.
    """

    def __init__(self, dial: Dial) -> None:
        self._dial: Dial | None = dial
        self.certificate = b""

    def __call__(self, host: str, port: int) -> socket.socket:
        """Dials; raises Broken the second time."""
        if self._dial is None:
            raise Broken
        dial, self._dial = self._dial, None
        return dial(host, port)


class Connection(urllib3.connection.HTTPConnection):
    """A connection that `dial` makes, let go before the other side, or something in between, forgets it."""

    def __init__(self, *args: Any, dial: Dial, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dial = dial
        self._made = self._used = time.monotonic()

    def _new_conn(self) -> socket.socket:
        self._made = time.monotonic()
        return self._dial(self._dns_host, self.port)

    @property
    def is_connected(self) -> bool:
        """Tells whether one more request may be sent."""
        now = time.monotonic()
        return now - self._used < IDLE and now - self._made < AGE and super().is_connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Sends a request."""
        self._used = time.monotonic()
        super().request(*args, **kwargs)


class TLSConnection(Connection, urllib3.connection.HTTPSConnection):
    """The same inside TLS, with the name in SNI, verified."""

    def connect(self) -> None:
        """Connects, and remembers the certificate where there is one connection only."""
        super().connect()
        if isinstance(self._dial, Line):
            sock: Any = self.sock
            self._dial.certificate = sock.getpeercert(binary_form=True)


class Pool(urllib3.HTTPConnectionPool):
    """Connections to one host and port."""

    ConnectionCls = Connection


class TLSPool(urllib3.HTTPSConnectionPool):
    """The same inside TLS."""

    ConnectionCls = TLSConnection

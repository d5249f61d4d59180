"""The one connect layer: every call of every credential type goes through a `Session`.

    request -> policy (URL) -> kept connection, or: resolve once -> policy (every address)
            -> connect to the checked address -> TLS with the name -> one attempt, one deadline

Most calls find a kept connection: they resolve nothing and shake no hands. Nothing of the
process's environment reaches a call: no proxy, certificate or netrc variable.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import http.client
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

import urllib3
import urllib3.exceptions

from credential_operator import errors
from credential_operator.providers import _response, _wire
from credential_operator.providers.policy import Endpoint, Pattern, Policy, literal, parse

__all__ = [
    "Conversation",
    "Endpoint",
    "NameNotFound",
    "Policy",
    "Resolution",
    "Response",
    "Session",
    "left",
    "parse",
    "resolve",
]

Response = _response.Response
Resolution = _wire.Resolution
resolve = _wire.resolve

LIMIT = 64 * 1024  # bytes of a body that anyone has to read
POOLS = 128  # endpoints whose connections are kept
KEPT = 32  # idle connections to one endpoint: as many as there are calls to it at a time
CANDIDATES = 4  # addresses of one name that are tried

# They write whole URLs, which may hold keys, also at WARNING.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


def left(end: float) -> float:
    """Gives the seconds until a moment of the monotonic clock; none when it is over."""
    return max(end - time.monotonic(), 0.0)


class NameNotFound(errors.ProviderUnreachable):
    """The resolver says that there is no such name; where that proves something, a credential type says it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Conversation:
    """Requests on one connection: see `Session.conversation`."""

    _ask: Callable[..., Response]
    _line: _wire.Line

    def request(self, method: str, *, timeout: float, headers: Mapping[str, str] | None = None) -> Response:
        """Makes one attempt, as `Session.request` does; raises ProviderUnreachable if the connection is gone."""
        return self._ask(method, headers=headers, timeout=timeout)

    @property
    def certificate(self) -> bytes:
        """The certificate (DER) that the server showed on this connection; empty before the first request."""
        return self._line.certificate


class Session:
    """Makes calls; one for the whole operator, safe in threads.

    `ca_bundle` (PEM) is trusted beside the system's authorities; `proxy` is the URL of an HTTP proxy,
    which hosts that match `no_proxy` (patterns like those of the endpoint policy) do not go through.
    A proxy resolves names for itself: the policy sees names only, and the proxy has to refuse addresses.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        user_agent: str = "credential-operator",
        ca_bundle: str | None = None,
        proxy: str | None = None,
        no_proxy: Iterable[str] = (),
        resolver: Callable[[str, int], Resolution] = resolve,
    ) -> None:
        self._policy = policy
        self._user_agent = user_agent
        self._resolver = resolver
        self._lookups = concurrent.futures.ThreadPoolExecutor(8, "resolve")
        self._trust = _wire.trusting_system(ca_bundle)
        self._no_proxy = tuple(Pattern.read(text) for text in no_proxy)
        self._proxy = proxy
        self._direct = _straight(self._dial, pools=POOLS, kept=KEPT)
        self._proxied = self._through(proxy, self._dial_proxy, pools=POOLS, kept=KEPT) if proxy else None

    def __enter__(self) -> Self:
        """Does nothing: a session is open from its making."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes."""
        self.close()

    def close(self) -> None:
        """Lets all connections go."""
        self._direct.clear()
        if self._proxied:
            self._proxied.clear()
        self._lookups.shutdown(wait=False, cancel_futures=True)

    def request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        ca_bundle: str | None = None,
        plain: bool = False,
        limit: int = LIMIT,
    ) -> Response:
        """Makes one attempt within `timeout` seconds, follows nothing, and returns whatever was answered.

        `ca_bundle` (PEM) is trusted instead of everything else; `plain` lets a URL be http; `limit` is how
        many bytes of a body are read, where a list may be long. Raises Misconfigured where the endpoint
        policy refuses or the certificate is not trusted, ProviderUnreachable where no answer came.
        Messages name the endpoint and nothing else.
        """
        endpoint = parse(url)
        self._policy.check(endpoint, plain=plain)
        manager = (self._proxied if self._goes_through(endpoint) else None) or self._direct
        return self._attempt(
            manager,
            endpoint,
            method,
            headers=headers,
            body=body,
            ca_bundle=ca_bundle,
            timeout=timeout,
            limit=limit,
        )

    @contextlib.contextmanager
    def conversation(self, url: str, *, ca_bundle: str | None = None) -> Iterator[Conversation]:
        """Keeps to one connection until the block ends, and lets nobody else use it.

        For protocols that authenticate a connection: what was shown on it must not serve the next caller,
        and a connection that breaks is not made anew. The same rules hold as for `request`.
        """
        endpoint = parse(url)
        self._policy.check(endpoint, plain=False)
        if self._proxy and self._goes_through(endpoint):
            line = _wire.Line(self._dial_proxy)
            manager: urllib3.PoolManager = self._through(self._proxy, line, pools=1, kept=1)
        else:
            line = _wire.Line(self._dial)
            manager = _straight(line, pools=1, kept=1)
        try:
            ask = functools.partial(self._attempt, manager, endpoint, ca_bundle=ca_bundle)
            yield Conversation(ask, line)
        finally:
            manager.clear()

    def _attempt(
        self,
        manager: urllib3.PoolManager,
        endpoint: Endpoint,
        method: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        ca_bundle: str | None = None,
        limit: int = LIMIT,
    ) -> Response:
        """Makes one attempt, and says in our words why there was no answer."""
        sent = {"User-Agent": self._user_agent, **_sendable(headers or {})}
        trust = _wire.trusting(ca_bundle) if ca_bundle else self._trust
        try:
            with _wire.within(timeout):
                return _exchange(
                    manager, method, endpoint, sent, body, trust=trust, timeout=timeout, limit=limit
                )
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            failure = _explain(endpoint, error)
        raise failure  # out here it has no context: causes may print headers

    def _goes_through(self, endpoint: Endpoint) -> bool:
        """Tells whether the proxy is the way out; it resolves for itself, so the policy sees names only."""
        address = literal(endpoint.host)
        return not any(pattern.matches(endpoint.host, endpoint.port, address) for pattern in self._no_proxy)

    def _through(self, proxy: str, dial: _wire.Dial, *, pools: int, kept: int) -> urllib3.ProxyManager:
        where = urllib3.util.parse_url(proxy)
        manager = urllib3.ProxyManager(
            where._replace(auth=None).url,
            num_pools=pools,
            maxsize=kept,
            proxy_headers=urllib3.util.make_headers(proxy_basic_auth=where.auth) if where.auth else {},
            proxy_ssl_context=self._trust,
        )
        manager.pool_classes_by_scheme = _pools(dial)
        return manager

    def _dial(self, host: str, port: int) -> socket.socket:
        """Connects to a tenant's endpoint, at an address that was checked."""
        endpoint = Endpoint("tcp", host, port, "")
        name, addresses = self._lookup(host, port)
        self._policy.check_resolution(endpoint, name, addresses)
        return _connect(addresses, port)

    def _dial_proxy(self, host: str, port: int) -> socket.socket:
        """Connects to the administrator's proxy, which needs no leave."""
        return _connect(self._lookup(host, port).addresses, port)

    def _lookup(self, host: str, port: int) -> Resolution:
        """Resolves in a thread of its own, since the system's resolver knows no deadline."""
        if literal(host):
            return Resolution(host, (host,))
        lookup = self._lookups.submit(self._resolver, host, port)
        try:
            return lookup.result(_wire.left())
        finally:
            lookup.cancel()


def _exchange(
    manager: urllib3.PoolManager,
    method: str,
    endpoint: Endpoint,
    headers: dict[str, str],
    body: bytes | None,
    *,
    trust: ssl.SSLContext,
    timeout: float,
    limit: int,
) -> Response:
    options = {"ssl_context": trust} if endpoint.scheme == "https" else None
    pool = manager.connection_from_host(endpoint.host, endpoint.port, endpoint.scheme, options)
    target = endpoint.target
    if isinstance(manager, urllib3.ProxyManager) and endpoint.scheme == "http":
        target = f"http://{endpoint}{target}"
    answer = pool.urlopen(
        method,
        target,
        body,
        headers,
        retries=False,
        redirect=False,
        assert_same_host=False,
        timeout=max(timeout, 0.001),  # urllib3 takes no other; what ends the call is the deadline
        preload_content=False,
    )
    try:
        content = b""
        while len(content) <= limit and (part := answer.read(LIMIT + 1, decode_content=False)):
            content += part
    finally:
        if not answer.closed:
            answer.close()
            answer.release_conn()
    return Response(
        status=answer.status,
        headers=answer.headers,
        body=content[:limit],
        truncated=len(content) > limit,
    )


def _straight(dial: _wire.Dial, *, pools: int, kept: int) -> urllib3.PoolManager:
    manager = urllib3.PoolManager(num_pools=pools, maxsize=kept)
    manager.pool_classes_by_scheme = _pools(dial)
    return manager


def _pools(dial: _wire.Dial) -> dict[str, Any]:
    return {
        "http": functools.partial(_wire.Pool, dial=dial),
        "https": functools.partial(_wire.TLSPool, dial=dial),
    }


def _connect(addresses: tuple[str, ...], port: int) -> socket.socket:
    """Connects to the first address that answers; a silent one cannot use up the time of the next."""
    candidates = addresses[:CANDIDATES]
    failure = OSError("no address")
    for position, address in enumerate(candidates):
        try:
            return _wire.connect(address, port, timeout=_wire.left() / (len(candidates) - position))
        except OSError as error:
            failure = error
    raise failure


def _sendable(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Refuses what HTTP cannot carry before a library does, whose message would show it."""
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise errors.Misconfigured(
                "A header's name holds characters other than letters, digits and dashes."
            )
        if not (value.isascii() and value.isprintable()):
            raise errors.InvalidKeyMaterial(
                f"What is sent as {name} holds characters that no header can carry: only printable ASCII can."
            )
    return headers


def _explain(endpoint: Endpoint, error: BaseException) -> errors.CredentialError:
    """Says in public words why there was no answer."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return errors.Misconfigured(
                f"{endpoint} shows a certificate that is not trusted ({cause.verify_message.rstrip('.')}): "
                "set caBundle to the authority that issued it."
            )
    if _is_nowhere(causes):
        return NameNotFound(f"{endpoint} is a name that does not exist.")
    for kind, words in WORDS:
        if any(isinstance(cause, kind) for cause in causes):
            return errors.ProviderUnreachable(f"{endpoint} {words}.")
    return errors.ProviderUnreachable(f"{endpoint} broke the connection off.")


WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (_wire.Broken, "closed the connection before the login on it was over"),
    (TimeoutError, "did not answer in time"),
    (urllib3.exceptions.TimeoutError, "did not answer in time"),
    (urllib3.exceptions.ProxyError, "was not reached: the proxy did not open the way"),
    (socket.gaierror, "is a name that could not be resolved"),
    (ssl.SSLEOFError, "broke the connection off"),
    (ssl.SSLError, "does not speak TLS as it should"),
    (ConnectionRefusedError, "refuses connections"),
)


def _is_nowhere(causes: tuple[BaseException, ...]) -> bool:
    """Tells whether the resolver knows no such name, and the name was the endpoint's own, not a proxy's."""
    unknown = [one for one in causes if isinstance(one, socket.gaierror) and one.errno == socket.EAI_NONAME]
    return bool(unknown) and not any(isinstance(one, urllib3.exceptions.ProxyError) for one in causes)


def _causes(error: object) -> Iterator[BaseException]:
    """Walks down what libraries wrapped."""
    if isinstance(error, BaseException):
        yield error
        for inner in (*error.args, error.__cause__):
            yield from _causes(inner)

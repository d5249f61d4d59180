"""A proxy between the operator and the API server that passes everything through, and fails on demand."""

import asyncio
import dataclasses
import random
import re
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiohttp import web

from controlplane import identities, ports, relay

START_SECONDS = 10.0
CLOSING_SECONDS = 5.0
WRITE_SECONDS = 5.0
WAIT_SECONDS = 0.01
OWN = 1
"""What a loop without connections listens to: its own wake-up."""
FAILED = 400
ATTEMPTS = 5


class Seen(NamedTuple):
    """A request that was answered, and when it came; status 0 means that its connection was cut instead.

    `at` is in seconds since 1970.
    """

    method: str
    path: str
    status: int
    at: float


@dataclasses.dataclass
class Fault:
    """What happens to requests that match, until it happened `times` times or is lifted."""

    method: str | None
    path: re.Pattern[str]
    watch: bool | None
    times: int | None
    probability: float
    status: int | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    cut: bool = False
    applied: bool = False
    delay: float = 0.0
    answer_delay: float = 0.0
    hits: int = 0

    def matches(self, method: str, path: str, *, watch: bool) -> bool:
        """Tell whether the request is one that this fault is for."""
        return (
            (self.times is None or self.hits < self.times)
            and (self.method is None or self.method == method)
            and (self.watch is None or self.watch == watch)
            and self.path.search(path) is not None
        )


class FaultProxy:
    """A TLS server on loopback, in a thread of its own, in front of an API server.

    It passes bearer tokens on, so its users are ServiceAccounts: client certificates end at it, and so
    does what upgrades a connection (exec, port-forward).
    """

    def __init__(self, upstream_url: str, ca: Path, *, seed: int = 0) -> None:
        self._upstream = upstream_url
        self._ca = ca
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._requests: list[Seen] = []
        self._countdown = 0
        self._at_zero: Callable[[], object] = bool
        self._selector = selectors.DefaultSelector()
        self._loop = asyncio.SelectorEventLoop(self._selector)  # also where a test runs on another kind
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._relay = relay.Relay(upstream_url, ca, decide=self._decide, record=self._record)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._start_on_a_free_port()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection and end the thread."""
        if self._thread.is_alive():
            self._call(self._relay.stop())
            self._call(self._silence())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(START_SECONDS)
        self._loop.close()

    @property
    def url(self) -> str:
        """Where the proxy serves."""
        return f"https://{ports.ADDRESS}:{self._relay.port}"

    @property
    def authority_pem(self) -> str:
        """The certificate that the proxy's own is signed with."""
        return self._relay.authority.cert_pem.bytes().decode()

    def kubeconfig(self, file: Path, *, token: str) -> Path:
        """Write and return a kubeconfig that leads here, whose user shows the token."""
        content = identities.kubeconfig(self.url, self.authority_pem.encode(), {"token": token})
        return identities.write_kubeconfig(file, content)

    def fail(
        self,
        status: int,
        *,
        method: str | None = None,
        path: str = "",
        watch: bool | None = None,
        times: int | None = None,
        probability: float = 1.0,
        retry_after: int | None = None,
        applied: bool = False,
    ) -> Fault:
        """Answer requests with an HTTP status; where `applied`, only after the API server did them."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        fault = Fault(method, re.compile(path), watch, times, probability, status, headers, applied=applied)
        return self._add(fault)

    def cut(
        self,
        *,
        method: str | None = None,
        path: str = "",
        watch: bool | None = None,
        times: int | None = None,
        probability: float = 1.0,
        applied: bool = False,
    ) -> Fault:
        """Close the connection instead of an answer; where `applied`, after the request was done."""
        fault = Fault(method, re.compile(path), watch, times, probability, cut=True, applied=applied)
        return self._add(fault)

    def delay(
        self,
        seconds: float,
        *,
        method: str | None = None,
        path: str = "",
        watch: bool | None = None,
        times: int | None = None,
        probability: float = 1.0,
        applied: bool = False,
    ) -> Fault:
        """Hold requests for a time before they are passed on, or before another fault takes them.

        Where `applied`, the API server has done them at once, and its answers are held.
        """
        before, after = (0.0, seconds) if applied else (seconds, 0.0)
        return self._add(
            Fault(method, re.compile(path), watch, times, probability, delay=before, answer_delay=after)
        )

    def after_writes(self, count: int, call: Callable[[], object]) -> None:
        """Call something once so many more writes were done, before the answer to the last is passed on.

        Writes of Leases do not count; `call` is made in the proxy's own thread, and must not block.
        """
        with self._lock:
            self._countdown, self._at_zero = count, call

    def lift(self, *faults: Fault) -> None:
        """Take back the given faults, or all of them."""
        with self._lock:
            self._faults = [fault for fault in self._faults if faults and fault not in faults]

    def refuse_connections(self) -> None:
        """Close every connection and refuse new ones, as if nothing ran here."""
        self._call(self._relay.refuse())

    def accept_connections(self) -> None:
        """Serve again, on the same port."""
        self._call(self._relay.accept())

    def cut_watches(self) -> int:
        """Cut the connections of all open watches and return how many those were."""
        return int(self._call(self._relay.cut_watches()))

    def expire_watches(self) -> int:
        """End all open watches the way the API server does when it has compacted what they wait for."""
        return int(self._call(self._relay.expire_watches()))

    def hold_watches(self, path: str = "") -> None:
        """Keep what watches of matching paths say, as if they were slow, until they are released."""
        self._call(self._relay.hold_watches(re.compile(path)))

    def release_watches(self) -> None:
        """Let all watches say what was kept, in order."""
        self._call(self._relay.release_watches())

    @property
    def open_watches(self) -> int:
        """How many watches are open at this moment."""
        return self._relay.open_watches

    @property
    def requests(self) -> list[Seen]:
        """Every request so far, in the order of the answers; a watch is there from its first byte on."""
        with self._lock:
            return list(self._requests)

    @property
    def writes(self) -> list[Seen]:
        """Every request so far that was not a read."""
        return [seen for seen in self.requests if seen.method not in relay.READS]

    def count(self, method: str, path: str = "") -> int:
        """Return how many requests so far had the method and a path with a match of the pattern."""
        return sum(seen.method == method and bool(re.search(path, seen.path)) for seen in self.requests)

    def forget(self) -> None:
        """Start the list of requests anew, once the writes that were begun are answered.

        Who waited for what a write did may come before its answer.
        """
        deadline = time.monotonic() + WRITE_SECONDS
        while self._relay.open_writes and time.monotonic() < deadline:
            time.sleep(WAIT_SECONDS)
        with self._lock:
            self._requests.clear()

    def _add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def _decide(self, method: str, path: str, *, watch: bool) -> relay.Verdict:
        """Return what happens to a request: all delays add up, and the first other fault decides."""
        verdict = relay.Verdict()
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path, watch=watch) or self._random.random() >= fault.probability:
                    continue
                fault.hits += 1
                if fault.delay or fault.answer_delay:
                    verdict = dataclasses.replace(
                        verdict,
                        delay=verdict.delay + fault.delay,
                        answer_delay=verdict.answer_delay + fault.answer_delay,
                    )
                    continue
                return dataclasses.replace(
                    verdict, status=fault.status, headers=fault.headers, cut=fault.cut, applied=fault.applied
                )
        return verdict

    def _record(self, request: web.Request, status: int) -> None:
        seen = Seen(request.method, request.path, status, request[relay.CAME])
        with self._lock:
            self._requests.append(seen)
            if (
                not self._countdown
                or seen.method in relay.READS
                or "/leases" in seen.path
                or status >= FAILED
            ):
                return
            self._countdown -= 1
            last = not self._countdown
        if last:
            self._at_zero()

    def _start_on_a_free_port(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._call(self._relay.start(*ports.free(1)))
            except OSError:
                if attempt == ATTEMPTS:
                    raise
            else:
                return

    async def _silence(self) -> None:
        """Wait until every connection is closed: TLS ends with a word of the other side, for which a loop must run."""
        ends = self._loop.time() + CLOSING_SECONDS
        while len(self._selector.get_map()) > OWN and self._loop.time() < ends:
            await asyncio.sleep(WAIT_SECONDS)

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(START_SECONDS)

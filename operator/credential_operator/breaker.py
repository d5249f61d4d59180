"""One endpoint's outage costs one call now and then, not one per Credential.

closed ──FAILURES in a row──> open ──its wait is over──> half-open: one call ──succeeds──> closed
                                ^──────────────fails, waits twice as long────────┘
"""

import dataclasses
from collections.abc import Callable

from credential_operator import errors

FAILURES = 5
"""Failed calls in a row, after which an endpoint is taken for down."""
FIRST_WAIT = 2.0
LONGEST_WAIT = 60.0
PROBE_LIMIT = 40.0
"""Seconds after which a call that should have tested the endpoint is taken for lost."""


@dataclasses.dataclass(slots=True)
class _Endpoint:
    failures: int = 0
    wait: float = 0.0
    shut_until: float = 0.0
    probe_until: float = 0.0


class Breakers:
    """The circuit breakers of all endpoints; `clock` and `jitter` (in [0, 1)) are passed in."""

    def __init__(self, *, clock: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._jitter = jitter
        self._endpoints: dict[str, _Endpoint] = {}

    def waiting(self, name: str) -> errors.ProviderUnreachable | None:
        """Gives the error for a call that has to wait, with the time to wait; None if it may be made."""
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            return None
        now = self._clock()
        # The call that tests the endpoint may end at any moment, most of all with an answer.
        remaining = max(endpoint.shut_until - now, min(endpoint.probe_until - now, endpoint.wait))
        if remaining <= 0:
            return None
        return errors.ProviderUnreachable(
            f"{name} does not answer: calls to it wait together.",
            retry_after=max(1.0, remaining) * (1.0 + 0.2 * self._jitter()),
        )

    def down(self) -> frozenset[str]:
        """Gives the endpoints that are taken for down, until one of their calls succeeds."""
        return frozenset(name for name, endpoint in self._endpoints.items() if endpoint.shut_until)

    def check(self, name: str) -> None:
        """Lets a call pass, or raises ProviderUnreachable; the first after a wait goes alone."""
        if (error := self.waiting(name)) is not None:
            raise error
        endpoint = self._endpoints.get(name)
        if endpoint is not None and endpoint.shut_until:
            endpoint.probe_until = self._clock() + PROBE_LIMIT

    def succeeded(self, name: str) -> None:
        """Notes that an endpoint answered."""
        self._endpoints.pop(name, None)

    def failed(self, name: str) -> None:
        """Notes that an endpoint gave no usable answer, or asked for fewer calls.

        Calls that were under way when it was taken for down do not make its wait longer.
        """
        endpoint = self._endpoints.setdefault(name, _Endpoint())
        endpoint.failures += 1
        now = self._clock()
        if endpoint.failures < FAILURES or now < endpoint.shut_until:
            return
        endpoint.wait = min(LONGEST_WAIT, endpoint.wait * 2 or FIRST_WAIT)
        endpoint.shut_until = now + endpoint.wait
        endpoint.probe_until = 0.0

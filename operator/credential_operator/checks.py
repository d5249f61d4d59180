"""Calls to providers: in threads of their own, within a deadline, behind a circuit breaker."""

import asyncio
import concurrent.futures
import datetime
import logging
import pathlib
import time
import traceback
import types
from typing import Any

from credential_operator import breaker, errors, metrics
from credential_operator.providers import contract, network

logger = logging.getLogger(__name__)

GRACE = 2.0
"""Seconds past its timeout, after which a call is given up and its thread left to itself."""


class Fault(Exception):
    """A fault of ours: its kind and where it was, without its words, which may hold key material."""

    def __init__(self, error: Exception) -> None:
        places = [
            f"{pathlib.Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        super().__init__(f"{type(error).__name__} at {' > '.join(places)}")


class Wordless:
    """Lets a CredentialError out of its block as it is, and anything else as a Fault."""

    def __enter__(self) -> None:
        """Begins."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        """Replaces what was raised."""
        if isinstance(error, Exception) and not isinstance(error, errors.CredentialError | Fault):
            raise Fault(error) from None


class Checker:
    """Asks providers whether keys work."""

    def __init__(self, session: network.Session, breakers: breaker.Breakers, *, threads: int) -> None:
        self._session = session
        self._breakers = breakers
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="check")

    def down(self, endpoint: str) -> errors.ProviderUnreachable | None:
        """Tells whether calls to the endpoint wait at present; a pass that only asks it can be spared."""
        return self._breakers.waiting(endpoint)

    async def check(
        self,
        provider: contract.Provider[Any, Any],
        config: Any,
        keys: Any,
        *,
        timeout: float,
        external_id: str,
    ) -> contract.Validation:
        """Inspects the key material without a call, then asks the provider; raises a CredentialError."""
        provider.inspect(config, keys)
        endpoint = provider.endpoint(config)
        context = contract.Context(session=self._session, timeout=timeout, now=_now, external_id=external_id)
        if not endpoint:
            return provider.validate(config, keys, context)
        self._breakers.check(endpoint)
        began = time.monotonic()
        try:
            async with asyncio.timeout(timeout + GRACE):
                validation = await asyncio.get_running_loop().run_in_executor(
                    self._pool, _validate, provider, config, keys, context
                )
        except TimeoutError:
            error = errors.ProviderUnreachable(f"{endpoint} did not answer within {timeout:g} s.")
            self._note(provider.name, endpoint, error, began)
            raise error from None
        except errors.CredentialError as error:
            self._note(provider.name, endpoint, error, began)
            raise
        self._note(provider.name, endpoint, None, began)
        return validation

    def close(self) -> None:
        """Lets the threads end; calls that were not begun are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _note(
        self, type_name: str, endpoint: str, error: errors.CredentialError | None, began: float
    ) -> None:
        outcome = "Accepted" if error is None else error.reason
        metrics.VALIDATIONS.labels(type_name, outcome).inc()
        metrics.VALIDATION_SECONDS.labels(type_name).observe(time.monotonic() - began)
        if isinstance(error, errors.ProviderUnreachable | errors.RateLimited):
            self._breakers.failed(endpoint)
        else:
            self._breakers.succeeded(endpoint)


def _validate(
    provider: contract.Provider[Any, Any], config: Any, keys: Any, context: contract.Context
) -> contract.Validation:
    began = time.thread_time()
    try:
        return provider.validate(config, keys, context)
    finally:
        metrics.VALIDATION_CPU.labels(provider.name).inc(time.thread_time() - began)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)

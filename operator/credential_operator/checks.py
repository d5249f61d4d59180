"""Calls to providers: in threads of their own, within a deadline, behind a circuit breaker."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import datetime
import functools
import logging
import pathlib
import time
import traceback
import types
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from credential_operator import breaker, errors, metrics, traces
from credential_operator.providers import contract, issue, network

logger = logging.getLogger(__name__)

GRACE = 2.0
"""Seconds past its timeout, after which a call is given up and its thread left to itself."""
CALLS = 5
"""What one check may ask one after the other, each within the timeout: see `_ask`."""


Result = TypeVar("Result")


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to ask a provider besides whether the key works, as far as the type can be asked."""

    permissions: tuple[str, ...] = ()
    reach: bool = False
    history: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A short-lived key to be made: of which kind and how, with what of the Credential, and for whom."""

    provider: contract.Provider[Any, Any]
    config: Any
    kind: issue.Kind[Any]
    options: issue.Options
    holder: issue.Holder


class Checker:
    """Asks providers whether keys work, and for short-lived ones."""

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
        asked: Asked = Asked(),
    ) -> contract.Validation:
        """Inspects the key material without a call, then asks the provider; raises a CredentialError.

        `keys` may be a Token, where no key is stored.
        """
        if not isinstance(keys, contract.Token):
            provider.inspect(config, keys)
        endpoint = provider.endpoint(config)
        context = self._context(timeout, external_id)
        if not endpoint:
            return provider.validate(config, keys, context)
        call = functools.partial(_ask, provider, config, keys, context, asked)
        with self._noted("validate", provider.name, endpoint, _count_validation):
            return await self._run(call, endpoint, timeout)

    async def issue(self, wanted: Wanted, keys: Any, *, timeout: float, external_id: str) -> issue.Issued:
        """Has the provider make a short-lived key; raises a CredentialError. `keys` may be a Token."""
        kind, endpoint = wanted.kind, wanted.kind.endpoint(wanted.config, wanted.options)
        lasting = wanted.options.duration if isinstance(wanted.options, issue.Lasting) else None
        context = dataclasses.replace(self._context(timeout, external_id), lasting=lasting)
        count = functools.partial(_count_issue, kind.name)
        with self._noted("issue", wanted.provider.name, endpoint, count):
            return await self._run(functools.partial(_issue, wanted, keys, context), endpoint, timeout)

    async def ask(
        self,
        call: Callable[[contract.Context], Result],
        *,
        type_name: str,
        what: str,
        endpoint: str,
        timeout: float,
        external_id: str,
    ) -> Result:
        """Makes one call of a key's rotation; raises a CredentialError."""
        context = self._context(timeout, external_id)
        with self._noted(what, type_name, endpoint, functools.partial(_count_rotation, what)):
            return await self._run(functools.partial(call, context), endpoint, timeout)

    def close(self) -> None:
        """Lets the threads end; calls that were not begun are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _context(self, timeout: float, external_id: str) -> contract.Context:
        return contract.Context(session=self._session, timeout=timeout, now=_now, external_id=external_id)

    async def _run(self, call: Callable[[], Result], endpoint: str, timeout: float) -> Result:
        """Makes a call in a thread of its own, within its time."""
        try:
            async with asyncio.timeout(timeout * CALLS + GRACE):
                return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        except TimeoutError:
            raise errors.ProviderUnreachable(f"{endpoint} did not answer within {timeout:g} s.") from None

    @contextlib.contextmanager
    def _noted(
        self, what: str, type_name: str, endpoint: str, count: Callable[[str, str, float], None]
    ) -> Iterator[None]:
        """Lets a call through if its endpoint is not known to be down; spans it, and notes how it ended."""
        with traces.span(what, type=type_name, host=endpoint):
            self._breakers.check(endpoint)
            began = time.monotonic()
            try:
                yield
            except errors.CredentialError as error:
                count(type_name, error.reason, time.monotonic() - began)
                if isinstance(error, errors.ProviderUnreachable | errors.RateLimited):
                    self._breakers.failed(endpoint)
                else:
                    self._breakers.succeeded(endpoint)
                raise
            count(type_name, "Accepted", time.monotonic() - began)
            self._breakers.succeeded(endpoint)


def _count_validation(type_name: str, outcome: str, seconds: float) -> None:
    metrics.VALIDATIONS.labels(type_name, outcome).inc()
    metrics.VALIDATION_SECONDS.labels(type_name).observe(seconds)


def _count_issue(kind: str, type_name: str, outcome: str, _: float) -> None:
    metrics.ISSUES.labels(type_name, kind, outcome).inc()


def _count_rotation(what: str, type_name: str, outcome: str, _: float) -> None:
    metrics.ROTATION_CALLS.labels(type_name, what, outcome).inc()


def _issue(wanted: Wanted, keys: Any, context: contract.Context) -> issue.Issued:
    keys = _exchanged(wanted.provider, wanted.config, keys, context)
    return wanted.kind.issue(wanted.config, keys, wanted.options, context, wanted.holder)


def _exchanged(
    provider: contract.Provider[Any, Any], config: Any, keys: Any, context: contract.Context
) -> Any:
    """Gives what a provider takes as keys, where a token stands in for them."""
    if isinstance(keys, contract.Token) and isinstance(provider, contract.Keyless):
        return provider.exchange(config, keys.identity, keys.text, context)
    return keys


def _ask(
    provider: contract.Provider[Any, Any], config: Any, keys: Any, context: contract.Context, asked: Asked
) -> contract.Validation:
    """Asks all there is to ask, one after the other, each within the timeout."""
    keys = _exchanged(provider, config, keys, context)
    history = _history(provider, config, keys, context) if asked.history else None
    validation = _validate(provider, config, keys, context)
    if asked.permissions and isinstance(provider, contract.Granter):
        validation = _with_grants(
            validation, provider.grants(config, keys, contract.resolve(provider, asked.permissions), context)
        )
    reach = _reach(provider, config, keys, context) if asked.reach else None
    return dataclasses.replace(validation, history=history, reach=reach)


def _validate(
    provider: contract.Provider[Any, Any], config: Any, keys: Any, context: contract.Context
) -> contract.Validation:
    began = time.thread_time()
    try:
        return provider.validate(config, keys, context)
    finally:
        metrics.VALIDATION_CPU.labels(provider.name).inc(time.thread_time() - began)


def _history(provider: object, config: Any, keys: Any, context: contract.Context) -> contract.History | None:
    """Gives what the provider tells of the key's life; None where it tells nothing, which is no error."""
    if not isinstance(provider, contract.Historian):
        return None
    try:
        return provider.history(config, keys, context)
    except errors.CredentialError:
        return contract.History()


def _reach(provider: object, config: Any, keys: Any, context: contract.Context) -> contract.Reach | None:
    """Gives what the key sees; None where the provider does not tell, which is no error."""
    if not isinstance(provider, contract.Explorer):
        return None
    try:
        return provider.reach(config, keys, context)
    except errors.CredentialError:
        return None


def _with_grants(validation: contract.Validation, grants: contract.Grants) -> contract.Validation:
    """Adds what is known of the required permissions; raises PermissionDenied where one is missing."""
    if grants.missing:
        whose = f"of {validation.identity.principal} " if validation.identity else ""
        raise errors.PermissionDenied(
            f"The key {whose}works and lacks {', '.join(grants.missing)}: "
            "grant it, or take it off spec.validation.permissions.",
            missing=grants.missing,
        )
    if not grants.unknown:
        return dataclasses.replace(validation, grants=grants)
    warning = contract.Warned(
        reason="PermissionsUnknown",
        message=f"Whether the key has {', '.join(grants.unknown)} is not known: {grants.why}",
    )
    return dataclasses.replace(validation, grants=grants, warnings=(*validation.warnings, warning))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)

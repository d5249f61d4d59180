"""Asks providers from here, with the operator's own code: many at a time, each once and within its timeout."""

import asyncio
import random
import time
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from credential_operator import breaker, checks, errors, view
from credential_operator.cli.problems import Exit, Problem
from credential_operator.providers import contract, network, policy

THREADS = 16
"""How many providers are asked at a time."""

Answer = contract.Validation | errors.CredentialError


def session(*, allow: Iterable[str], ca_bundle: str | None) -> network.Session:
    """Opens what calls go through: as the operator's at its defaults, with the proxy that kubectl would use too.

    `allow` are patterns of endpoints that the policy refuses otherwise, `ca_bundle` is a file (PEM).
    """
    try:
        rules = network.Policy(allow=allow)
        trusted = Path(ca_bundle).read_text(encoding="utf-8") if ca_bundle else None
    except OSError as error:
        raise Problem(f"{ca_bundle} cannot be read: {error.strerror}.", Exit.USAGE) from None
    except ValueError as error:
        raise Problem(f"--allow-endpoint: {error}.", Exit.USAGE) from None
    proxies = urllib.request.getproxies()
    proxy = proxies.get("https")
    return network.Session(
        rules,
        user_agent="kubectl-credential",
        ca_bundle=trusted,
        proxy=proxy if proxy is None or "://" in proxy else f"http://{proxy}",
        no_proxy=without_proxy(proxies.get("no", "")),
    )


def ask(questions: Sequence[tuple[view.View, Any]], through: network.Session) -> list[Answer]:
    """Asks the provider of each Credential whether its key works; gives the answers in the same order."""
    return asyncio.run(_ask(questions, through))


async def _ask(questions: Sequence[tuple[view.View, Any]], through: network.Session) -> list[Answer]:
    breakers = breaker.Breakers(clock=time.monotonic, jitter=random.random)
    checker = checks.Checker(through, breakers, threads=THREADS)
    try:
        return await asyncio.gather(*(_answer(checker, seen, keys) for seen, keys in questions))
    finally:
        checker.close()


async def _answer(checker: checks.Checker, seen: view.View, keys: Any) -> Answer:
    asked = checks.Asked(permissions=seen.spec.validation.permissions)
    seconds = seen.spec.validation.timeout.total_seconds()
    try:
        return await checker.check(
            seen.provider, seen.config, keys, timeout=seconds, external_id="", asked=asked
        )
    except errors.CredentialError as error:
        return error


def without_proxy(listed: str) -> list[str]:
    """Reads NO_PROXY as others do: a name stands for what is below it too; an entry that means nothing is left out."""
    found: list[str] = []
    for entry in (part.strip().lstrip("*.") for part in listed.split(",")):
        if policy.NAME.fullmatch(entry):
            found += [entry, f"*.{entry}"]
        elif policy.literal(entry.partition("/")[0]):
            found.append(entry)
    return ["*"] if listed.strip() == "*" else found

"""The CustomResourceDefinitions of both kinds: whether they stay.

Without its definition a kind has no objects, and nobody can claim or hold any. So nothing that is held
back may keep a definition from going.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping

from credential_operator import cluster, errors

CREDENTIALS, REFERENCES = "credentials", "credentialreferences"
SETTLE = 0.5
"""Seconds between looks at what the API server serves."""


def name(plural: str) -> str:
    """Gives the name of a kind's definition."""
    return f"{plural}.{cluster.GROUP_VERSION.partition('/')[0]}"


async def uids(connection: cluster.Cluster) -> Mapping[str, str]:
    """Gives the definitions that there are, by their name."""
    found = {}
    for plural in (CREDENTIALS, REFERENCES):
        try:
            document = await connection.definition(name(plural))
        except cluster.NotFound:
            continue
        found[name(plural)] = document["metadata"]["uid"]
    return found


async def leaves(connection: cluster.Cluster, plural: str) -> bool:
    """Tells whether a kind's definition is being deleted or gone, fresh from the API server."""
    try:
        found = await connection.definition(name(plural))
    except cluster.NotFound:
        return True
    except errors.Forbidden:
        return False
    return "deletionTimestamp" in found["metadata"]


async def readable(connection: cluster.Cluster, namespaces: Iterable[str]) -> None:
    """Returns if the operator may list both kinds where it works (no namespace: in all); raises Forbidden.

    One that may not would take whatever it does not see for gone.
    """
    for namespace in tuple(namespaces) or ("",):
        for plural in (CREDENTIALS, REFERENCES):
            pages = connection.list_pages(cluster.path(cluster.GROUP_VERSION, plural, namespace), size=1)
            with contextlib.suppress(cluster.NotFound):
                async with contextlib.aclosing(pages):
                    await anext(pages)


async def settled(connection: cluster.Cluster) -> Mapping[str, str]:
    """Gives the uids of the definitions that there are, once the API server serves what they define."""
    while True:
        there, served = await uids(connection), set()
        with contextlib.suppress(cluster.NotFound):
            served = await connection.served()
        if there.keys() <= set(map(name, served)):
            return there
        await asyncio.sleep(SETTLE)

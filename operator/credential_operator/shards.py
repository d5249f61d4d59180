"""Which process works on what: so many shards, and to each belongs what a hash of a namespace says.

It is the Credential's namespace, not its own name: two passes that must not be made at the same time (binding to a
Credential and releasing it, two that claim one Secret) and objects that wake each other are about one namespace, so
they stay within one process. A CredentialReference belongs where the Credential is that it names or looks for.
"""

import contextlib
import contextvars
import zlib
from collections.abc import Iterator

MOST = 16
"""How many there may be: every process watches everything, so more of them only cost more."""

_under_way: contextvars.ContextVar[int] = contextvars.ContextVar("shard", default=0)


def of(namespace: str, count: int) -> int:
    """Gives the shard of a namespace; the same on every machine."""
    return zlib.crc32(namespace.encode()) % count


@contextlib.contextmanager
def working_on(shard: int) -> Iterator[None]:
    """Has what is written meanwhile, in this task and those that it starts, count as work on a shard."""
    token = _under_way.set(shard)
    try:
        yield
    finally:
        _under_way.reset(token)


def under_way() -> int:
    """Gives the shard that is being worked on; the first, to which all belongs that is done once."""
    return _under_way.get()

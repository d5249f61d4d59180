"""Keeps binding and release of a Credential apart: nobody is told to hold what is being let go."""

import asyncio
import collections
import contextlib
from collections.abc import AsyncIterator, Iterator

from credential_operator import objects

POLL = 0.01
"""Seconds between two looks at whether what is being bound is written."""


class Gate:
    """References of one Credential are bound any number at a time, and never while it is being released."""

    def __init__(self) -> None:
        self._binding: collections.Counter[objects.Key | None] = collections.Counter()
        self._released: set[objects.Key] = set()

    @contextlib.contextmanager
    def binding(self, credential: objects.Key | None) -> Iterator[bool]:
        """Lets a reference be bound, from the decision to its writing; False where that has to wait.

        One that means no Credential (None) never has to.
        """
        if credential in self._released:
            yield False
            return
        self._binding[credential] += 1
        try:
            yield True
        finally:
            self._binding[credential] -= 1
            if not self._binding[credential]:
                del self._binding[credential]

    @contextlib.asynccontextmanager
    async def releasing(self, credential: objects.Key) -> AsyncIterator[None]:
        """Lets it be decided by a fresh list whether a Credential goes, and lets it go."""
        self._released.add(credential)
        try:
            while credential in self._binding:
                await asyncio.sleep(POLL)
            yield
        finally:
            self._released.discard(credential)

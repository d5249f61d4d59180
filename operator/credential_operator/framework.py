"""kopf, told to watch and to do nothing else: no finalizer, annotation, event or peering of its own."""

from typing import Any

import kopf
from kopf._cogs.clients import errors
from kopf._core.engines import peering
from kopf._core.reactor import inventory

from credential_operator import cluster

NotServed = errors.APINotFoundError
"""What ends kopf when the API server does not serve a kind any more; kopf exports no name for it."""
DOMAIN = "credential-operator.io"


class NoDiffs(kopf.DiffBaseStorage):
    """Remembers no last-handled configuration; the default copies every object into an annotation."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Gives nothing to compare."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Knows of nothing."""
        return None

    def store(self, **_: Any) -> None:
        """Keeps nothing."""


class NoProgress(kopf.ProgressStorage):
    """Remembers no progress of handlers: there are none that could be half done."""

    def fetch(self, **_: Any) -> None:
        """Knows of nothing."""

    def store(self, **_: Any) -> None:
        """Keeps nothing."""

    def purge(self, **_: Any) -> None:
        """Has nothing to remove."""

    def touch(self, **_: Any) -> None:
        """Leaves the object alone."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Leaves the essence as it is."""
        return essence


class NoMemories(inventory.ResourceMemories):
    """Keeps nothing of an object between its events; the default keeps over a kilobyte.

    kopf takes such a container from whoever embeds it, and exports no name for it.
    """

    async def recall(self, raw_body: kopf.RawBody, **options: Any) -> inventory.ResourceMemory:
        """Gives a memory that is forgotten after the event."""
        return await super().recall(raw_body, **{**options, "ephemeral": True})


def identity(name: str) -> peering.Identity:
    """Gives the name of a replica as kopf takes it, which would otherwise ask for that of its user: there is none."""
    return peering.Identity(name)


def settings() -> kopf.OperatorSettings:
    """Gives kopf's settings."""
    chosen = kopf.OperatorSettings()
    # kopf takes its own finalizer off objects that none of its handlers needs: it must not be ours.
    chosen.persistence.finalizer = f"{DOMAIN}/unused"
    chosen.persistence.diffbase_storage = NoDiffs()
    chosen.persistence.progress_storage = NoProgress()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    # Both kinds are known: looking at the cluster's other definitions would need rights to list them.
    chosen.scanning.disabled = True
    # Workers end as soon as an object is quiet: five seconds (the default) cost 100 MB in a list of 10,000.
    # Zero would make kopf spin.
    chosen.queueing.idle_timeout = 0.1
    chosen.queueing.worker_limit = None
    chosen.queueing.error_delays = [1, 2, 5, 10]
    # A page is parsed as a whole: larger ones are most of what a start needs besides what is kept.
    chosen.watching.chunk_size = cluster.PAGE_OF_WHOLES
    chosen.watching.initial_streaming = False
    # Bookmarks come every minute; a watch without one is dead.
    chosen.watching.inactivity_timeout = 70
    chosen.networking.connect_timeout = 5
    chosen.networking.request_timeout = 30
    # About ten minutes of an unreachable API server, then the process ends and is started anew.
    chosen.networking.error_backoffs = [0.5, 1, 2, 4, 8, 15, *([30] * 18)]
    chosen.process.ultimate_exiting_timeout = 25
    return chosen

"""Who waits for a Secret that is not published is told why: by an event on a Pod, where its people look first.

kubelet says of such a Pod that the Secret is not there. One event per workload and cause says what that comes from.
"""

import contextlib
import datetime
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from credential_operator import cluster, errors, events, findings, inventory, objects, status, survey
from credential_operator.situation import State

Json = dict[str, Any]
Pass = Callable[[objects.Key], Awaitable[datetime.datetime | None]]

BRIEF = ("Pending", "Unconfirmed")
"""Reasons of what is over in a moment, and is not told."""
MOST = 50
"""How many workloads are told of the Secrets of one object, however many there are."""


class Waiting:
    """Tells those who wait for the targets of Credentials and references."""

    def __init__(
        self,
        connection: cluster.Cluster,
        known: inventory.Inventory,
        *,
        asked: survey.Survey,
        recorder: events.Recorder,
    ) -> None:
        self._connection = connection
        self._known = known
        self._survey = asked
        self._recorder = recorder
        self._told: dict[objects.Object, set[tuple[findings.User, str, str]]] = {}
        """Whose targets -> who was told, of which Secret, for which reason."""

    def after(self, kind: str, make: Pass) -> Pass:
        """Gives a pass over a kind that ends with a look at who waits."""

        async def both(key: objects.Key) -> datetime.datetime | None:
            look = await make(key)
            await self._look(objects.Object(kind, key))
            return look

        return both

    async def _look(self, owner: objects.Object) -> None:
        document = self._document(owner) if self._known.lacks(owner) else None
        missing = [] if document is None else [one for one in targets(document) if self._lacks(one)]
        self._survey.follow(owner, missing)
        if document is None or not missing:
            self._told.pop(owner, None)
        elif (why := cause(document)) is not None:
            for secret in missing:
                await self._tell(owner, secret, why)

    def _document(self, owner: objects.Object) -> Json | None:
        credential = owner.kind == inventory.CREDENTIAL
        record = (self._known.credentials if credential else self._known.references).get(owner.key)
        return None if record is None else record.parse()

    def _lacks(self, secret: objects.Key) -> bool:
        return secret not in self._known.versions

    async def _tell(self, owner: objects.Object, secret: objects.Key, why: State) -> None:
        told = self._told.setdefault(owner, set())
        for user, pod in sorted(self._survey.pods(secret).items()):
            note = user, secret.name, why.reason
            if note not in told and len(told) < MOST:
                told.add(note)
                # It is told once, or not at all: that somebody is to be told is no reason to fail.
                with contextlib.suppress(errors.CredentialError, cluster.NotFound):
                    await self._tell_pod(pod, event(owner, secret.name, why))

    async def _tell_pod(self, pod: objects.Key, happened: status.Event) -> None:
        found = await self._connection.read(cluster.path("v1", "pods", pod.namespace), pod.name)
        if (found.get("status") or {}).get("phase") == "Pending":
            await self._recorder.record(survey.POD, found["metadata"], [happened], once=True)


# Decide


def targets(document: Json) -> Iterator[objects.Key]:
    """Gives the Secrets that an object of either kind is to have written."""
    spec = document["spec"]
    for one in (*spec.get("targets", ()), *([spec["target"]] if "target" in spec else ())):
        yield objects.Key(document["metadata"]["namespace"], one["name"])


def cause(document: Json) -> State | None:
    """Gives why an object has no target, from its conditions; None where they do not say, or it is over in a moment."""
    if document["status"].get("observedGeneration") != document["metadata"]["generation"]:
        return None
    told = {
        one["type"]: State(one["status"], one["reason"], one["message"])
        for one in document["status"].get("conditions", ())
    }
    synced, ready = told.get("Synced"), told.get("Ready")
    if synced is not None and synced.value == "False":
        return synced
    return None if ready is None or ready.value == "True" or ready.reason in BRIEF else ready


def event(owner: objects.Object, secret: str, why: State) -> status.Event:
    """Words for the people of a workload what it waits for, and why."""
    whose = f"{owner.kind} {owner.key.name}"
    message = f"Waits for Secret {secret}, which {whose} has not got ({why.reason}): {why.message}"
    return status.Event(type="Warning", reason="TargetNotPublished", message=message)

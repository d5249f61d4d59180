"""The finalizer: put on before anything is published, taken off when nobody needs the Credential any more."""

import logging
from typing import Any

from credential_operator import (
    cluster,
    definitions,
    distributor,
    events,
    findings,
    inventory,
    status,
    survey,
    targets,
    view,
)

logger = logging.getLogger(__name__)


class Protection:
    """Holds deletions back while somebody needs the Credential, and lets go when none does."""

    def __init__(
        self,
        connection: cluster.Cluster,
        known: inventory.Inventory,
        written: targets.Targets,
        *,
        asked: survey.Survey,
        given: distributor.Distributor,
        recorder: events.Recorder,
    ) -> None:
        self._connection = connection
        self._known = known
        self._targets = written
        self._survey = asked
        self._distributor = given
        self._recorder = recorder

    async def protect(self, seen: view.View) -> None:
        """Puts our finalizer on, where no admission policy did."""
        place = "/metadata/finalizers/-" if seen.metadata.get("finalizers") else "/metadata/finalizers"
        value = inventory.FINALIZER if place.endswith("-") else [inventory.FINALIZER]
        written = await self._patch(seen, [_unchanged(seen), {"op": "add", "path": place, "value": value}])
        if written is not None:
            self._known.put_credential(written)

    async def needs(self, seen: view.View) -> findings.Needs:
        """Gives who holds back a deletion: nobody only if fresh lists say so.

        In a namespace that is being deleted, only what still runs there does. Nobody does when the kind goes:
        its CustomResourceDefinition would wait for an object that can be claimed by nobody any more.
        """
        if seen.forced or not seen.protected:
            return findings.Needs()
        needs = self._survey.needs(seen, seen.recorded)
        if not needs.all:
            needs = await self._survey.needs_now(seen)
        if needs.all and await self._dying(seen.key.namespace):
            needs = await self._survey.runs_now(seen)
        if needs.all and await definitions.leaves(self._connection, definitions.CREDENTIALS):
            told = status.undefined(needs, seen.key.namespace, sorted(seen.recorded), retain=_retains(seen))
            await self._recorder.record(inventory.CREDENTIAL, seen.metadata, told, once=True)
            return findings.Needs()
        return needs

    async def release(self, seen: view.View) -> None:
        """Removes or orphans the targets, takes back what was distributed, then lets the object go.

        Says who was in the way or is left without.
        """
        if not seen.protected:
            return
        recorded = seen.recorded
        told = self._told(seen)
        retain = _retains(seen)
        for name in sorted({*recorded, *(target.name for target in seen.spec.targets)}):
            owner = targets.owner(seen.metadata)
            await self._targets.remove(owner, name, recorded=recorded.get(name), retain=retain)
        # Force is for when lists fail, too.
        places = [] if seen.forced else self._survey.places(seen)
        await self._distributor.take_back(seen.document, places, retain=retain)
        # Before the last trace of the object goes; the pass may be repeated from here.
        await self._recorder.record(inventory.CREDENTIAL, seen.metadata, told, once=True)
        place = f"/metadata/finalizers/{seen.metadata['finalizers'].index(inventory.FINALIZER)}"
        # What was decided is about this version of this object: another one may have its name by now.
        await self._patch(seen, [_unchanged(seen), {"op": "remove", "path": place}])
        left = {"targets": sorted(recorded), "retained": retain}
        logger.info("released", extra={"object": str(seen.key), "forced": bool(seen.forced), **left})

    def _told(self, seen: view.View) -> tuple[status.Event, ...]:
        """Gives the events about a release, from memory: force is for when lists fail, too."""
        store = seen.spec.rotation.store if seen.spec.rotation is not None and seen.has_store else ""
        told = (*status.cleared(self._survey.cleared(seen)), *status.kept(store))
        if not seen.forced:
            return told
        needs = self._survey.needs(seen, seen.recorded)
        return (*told, *status.forced(seen.forced, needs, seen.key.namespace))

    async def _dying(self, namespace: str) -> bool:
        try:
            found = await self._connection.namespace(namespace)
        except cluster.NotFound:
            return True
        return "deletionTimestamp" in found["metadata"]

    async def _patch(self, seen: view.View, patch: list[dict[str, Any]]) -> dict[str, Any] | None:
        try:
            return await self._connection.patch_object("credentials", *seen.key, patch)
        except cluster.NotFound:
            return None


def _retains(seen: view.View) -> bool:
    """Tells whether the targets stay when the Credential goes."""
    return seen.spec.target_deletion_policy == "Retain"


def _unchanged(seen: view.View) -> dict[str, Any]:
    """Words the condition that the object is as it was seen."""
    return {"op": "test", "path": "/metadata/resourceVersion", "value": seen.metadata["resourceVersion"]}

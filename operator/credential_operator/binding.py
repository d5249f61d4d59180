"""The straight line of a CredentialReference: look at its lease, its holder and the Credential it names, report."""

import contextlib
import datetime
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from credential_operator import (
    answers,
    cluster,
    events,
    gate,
    handouts,
    inventory,
    lending,
    naming,
    objects,
    references,
    selection,
    status,
    survey,
)

logger = logging.getLogger(__name__)

Json = dict[str, Any]

WAIT = datetime.timedelta(seconds=0.2)
"""When to look again at a reference whose Credential is just being released."""
UNPROTECTED = datetime.timedelta(seconds=10)
"""When to look again at a reference whose Credential is not protected yet."""


class Queue(Protocol):
    """Who is told of what a pass finds: the controller."""

    def wake(self, objects: Iterable[objects.Object]) -> None:
        """Has objects looked at soon."""
        ...

    def see_credential(self, event: str | None, document: Json) -> None:
        """Takes in a Credential."""
        ...

    def reweigh(self, reference: objects.Key, credential: objects.Key) -> None:
        """Has a Credential count a reference anew."""
        ...


class Binder:
    """Brings CredentialReferences one pass further."""

    def __init__(
        self,
        connection: cluster.Cluster,
        known: inventory.Inventory,
        *,
        asked: survey.Survey,
        lent: lending.Lending,
        recorder: events.Recorder,
        queue: Queue,
        apart: gate.Gate,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._connection = connection
        self._known = known
        self._survey = asked
        self._lending = lent
        self._recorder = recorder
        self._queue = queue
        self._gate = apart
        self._clock = clock

    async def reference(self, key: objects.Key) -> datetime.datetime | None:
        """Makes one pass over a CredentialReference; gives the time of the next look, None for on change only."""
        record = self._known.references.get(key)
        if record is None:
            return None
        now, document = self._clock(), record.parse()
        removal = references.removal(document, now)
        if removal is not None and removal <= now:
            await self._remove(key, document)
            return None
        chosen = selection.choose(document, self._candidates(document))
        with self._gate.binding(chosen.key) as free:
            return await self._bind(key, document, chosen) if free else now + WAIT

    async def _bind(
        self, key: objects.Key, document: Json, chosen: selection.Choice
    ) -> datetime.datetime | None:
        """Decides whether a reference counts, serves its target, and reports."""
        now = self._clock()
        credential = None if chosen.key is None else await self._find(chosen.key)
        granted = credential is not None and self._survey.admitted(credential, document)
        holding = await self._survey.holding(document)
        state = chosen.refusal or answers.bound(document, credential, now, granted=granted, holding=holding)
        if state.value == "True" and credential is not None and not _held(document, credential):
            # It can go at any moment: nobody is told to hold it before it has its finalizer, of which comes word.
            return now + UNPROTECTED
        delivery = await self._lending.deliver(document, chosen.key, state)
        offer = self._lending.offer(document, chosen.key) if granted else None
        new = answers.after(
            document, credential, now, state=state, holding=holding, delivery=delivery, offer=offer
        )
        happened = answers.events(document, new, delivery)
        if await self._report(key, document, new, named=chosen.key, happened=happened):
            return now
        later = document | {"status": new}
        end, removal = references.lease_end(later, now), references.removal(later, now)
        looks = [removal, end if end is not None and end > now else None, delivery.look_at]
        if state.reason == answers.REVOKED and delivery.target is not None:
            looks.append(self._lending.revoked_at(later, chosen.key))
        return min((look for look in looks if look is not None), default=None)

    def _candidates(self, document: Json) -> Iterator[Json]:
        """Gives the Credentials that a selecting reference may find."""
        place = naming.selects_in(document)
        if place is None:
            return
        for record in self._known.credentials_in(place):
            credential = record.parse()
            if self._survey.granted(credential, document["metadata"]["namespace"]):
                yield credential

    async def _find(self, named: objects.Key) -> Json | None:
        """Gives a Credential; one that no watch has brought yet, as after a start, is asked for."""
        if named not in self._known.credentials and self._survey.serves(named.namespace):
            with contextlib.suppress(cluster.NotFound):
                self._queue.see_credential(None, await self._connection.credential(*named))
        found = self._known.credentials.get(named)
        return None if found is None else found.parse()

    async def _report(
        self,
        key: objects.Key,
        document: Json,
        new: Json,
        *,
        named: objects.Key | None,
        happened: Iterable[status.Event],
    ) -> bool:
        """Writes the status if it differs, then the events, and has the Credential count anew where it matters to that.

        Tells whether somebody has changed the reference meanwhile, so that another pass is due.
        """
        patch = status.changes(document["status"], new)
        if not patch:
            return False
        uid = document["metadata"]["uid"]
        try:
            written = await self._connection.patch_status("credentialreferences", *key, patch, uid=uid)
        except cluster.NotFound:
            return False
        self._known.put_reference(written)
        overtaken = inventory.overtaken(document["metadata"], written["metadata"])
        relabelled = handouts.form_of(document) != handouts.form_of(written)
        weighed = references.weighed(document["status"]) != references.weighed(new)
        if named is not None and (weighed or overtaken or relabelled):
            self._queue.reweigh(key, named)
        await self._recorder.record(inventory.REFERENCE, document["metadata"], happened)
        return overtaken

    async def _remove(self, key: objects.Key, document: Json) -> None:
        """Removes a reference that has ended, as its owner asked for."""
        metadata = document["metadata"]
        try:
            await self._connection.delete_reference(
                *key, uid=metadata["uid"], version=metadata["resourceVersion"]
            )
        except cluster.NotFound:
            return
        logger.info("removed a reference that has ended", extra={"object": str(key)})


def _held(reference: Json, credential: Json) -> bool:
    """Tells whether a Credential is protected, or was bound when it was."""
    bound = reference["status"].get("credential", {}).get("uid") == credential["metadata"]["uid"]
    return bound or inventory.FINALIZER in credential["metadata"].get("finalizers", ())

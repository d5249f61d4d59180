"""The straight line of a distribution: decide which references there should be, write, report.

It makes, changes and removes only references that carry the operator's label. A name that somebody else has is left
to them, and said.
"""

import contextlib
import dataclasses
import datetime
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from credential_operator import (
    cluster,
    distribution,
    errors,
    events,
    handouts,
    inventory,
    naming,
    objects,
    patches,
    status,
    survey,
    targets,
)

logger = logging.getLogger(__name__)

Json = dict[str, Any]

BATCH, REFUSALS = 50, 10
"""How many references a pass writes, and how many refusals it takes: others have their turn between."""
AGAIN = datetime.timedelta(minutes=1)
"""When to try again what the API server refuses, as for a quota."""


class Queue(Protocol):
    """Who is told of what a pass finds and writes: the controller."""

    def wake(self, objects: Iterable[objects.Object]) -> None:
        """Has objects looked at soon."""
        ...

    def wake_references(self, credential: objects.Key) -> None:
        """Has the references to a Credential looked at soon."""
        ...

    def see_credential(self, event: str | None, document: Json) -> None:
        """Takes in a Credential."""
        ...

    def see_reference(self, event: str | None, document: Json) -> None:
        """Takes in a CredentialReference."""
        ...


@dataclasses.dataclass(slots=True)
class _Writes:
    """What a pass may still write, how often it may still be refused, and the last refusal.

    `late`: something was not written, so that it is to be tried again.
    """

    left: int = BATCH
    refusals: int = REFUSALS
    refused: str = ""
    late: bool = False

    @property
    def over(self) -> bool:
        """Whether this pass writes no more."""
        return not (self.left and self.refusals)


class Distributor:
    """Brings the references that are made for Credentials one pass further.

    `namespaces` are those that are served, none named: all that are known.
    """

    def __init__(
        self,
        connection: cluster.Cluster,
        known: inventory.Inventory,
        *,
        asked: survey.Survey,
        written: targets.Targets,
        recorder: events.Recorder,
        queue: Queue,
        namespaces: Sequence[str],
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._connection = connection
        self._known = known
        self._survey = asked
        self._targets = written
        self._recorder = recorder
        self._queue = queue
        self._namespaces = namespaces
        self._clock = clock

    async def distribute(self, key: objects.Key) -> datetime.datetime | None:
        """Makes one pass for a Credential; gives the time of the next look, None for on change only."""
        record = self._known.credentials.get(key)
        if record is None:
            await self._clear_up(key)
            return None
        credential, writes = record.parse(), _Writes()
        plan = self._plan(credential)
        for at in plan.remove:
            await self._try(writes, self._remove, at)
        for at in plan.change:
            await self._try(writes, self._change, at, credential)
        for place in distribution.rotated(plan.make, self._turn()):
            await self._try(writes, self._make, objects.Key(place, key.name), credential)
        now = self._plan(credential)
        await self._report(credential, now, writes.refused)
        if now.due and not writes.left:
            return self._clock()
        return self._clock() + AGAIN if writes.late else None

    async def take_back(self, credential: Json, places: Sequence[str], *, retain: bool) -> None:
        """Removes the references that were made for a Credential that goes; `retain`: their Secrets stay.

        `places` are where to look, none: as far as is known. One whose Secret is used stays until it is not, for a
        Credential goes all the same by force and with its namespace. What is left is cleared up when it is gone.
        """
        key = inventory.key_of(credential)
        if not self._known.handouts.concerns(key):
            return
        found = [one for place in places for one in await self._connection.references(place)]
        for reference in found if places else self._left(key):
            if handouts.form_of(reference) and naming.named_by(reference) == key:
                with contextlib.suppress(errors.Forbidden):
                    await self._give_up(reference, retain=retain)

    def _left(self, key: objects.Key) -> list[Json]:
        """Gives the references that are known to have been made for a Credential."""
        known = (self._known.references.get(at) for at in self._known.handouts.of(key))
        return [record.parse() for record in known if record is not None]

    # Decide

    def _plan(self, credential: Json) -> distribution.Plan:
        return distribution.plan(
            credential,
            self._places(),
            leaving=self._known.leaving,
            there=self._known.references,
            given=self._known.handouts,
        )

    def _places(self) -> Mapping[str, distribution.Labels]:
        return dict.fromkeys(self._namespaces) if self._namespaces else self._known.namespaces

    def _turn(self) -> int:
        """Gives where to begin: those who are refused each time do not keep others from being tried."""
        return int(self._clock().timestamp() / AGAIN.total_seconds()) * REFUSALS

    # Write

    async def _try(self, writes: _Writes, write: Callable[..., Any], at: objects.Key, *what: Json) -> None:
        """Writes one reference; what is refused of it does not keep others from theirs."""
        if writes.over:
            return
        try:
            await write(at, *what)
        except errors.Forbidden as error:
            writes.refused, writes.late = error.message, True
            writes.refusals -= 1
        except errors.Conflict:
            writes.late = True
        except (cluster.Exists, cluster.NotFound):
            # Of what is there now, or is not, a watch will tell.
            return
        else:
            writes.left -= 1

    async def _make(self, at: objects.Key, credential: Json) -> None:
        manifest = distribution.manifest(credential, at.namespace)
        try:
            made = await self._connection.create_reference(manifest)
        except errors.Conflict as error:
            # There is nothing yet that could have changed: a policy refuses it.
            raise errors.Forbidden(error.message) from None
        self._queue.see_reference(None, made)

    async def _change(self, at: objects.Key, credential: Json) -> None:
        record = self._record(at)
        patch = [*patches.unchanged(record.uid, record.version), distribution.retargeting(credential)]
        self._queue.see_reference(
            None, await self._connection.patch_object("credentialreferences", *at, patch)
        )

    async def _remove(self, at: objects.Key) -> None:
        record = self._record(at)
        await self._connection.delete_reference(*at, uid=record.uid, version=record.version)

    def _record(self, at: objects.Key) -> inventory.Record:
        """Gives a reference as it is known now; raises NotFound where it went while others were written."""
        record = self._known.references.get(at)
        if record is None:
            raise cluster.NotFound
        return record

    async def _clear_up(self, key: objects.Key) -> None:
        """Removes what is left of a Credential that is gone; what is used stays the last good copy until it is not."""
        left = self._left(key)
        if not left:
            return
        try:
            self._queue.see_credential(None, await self._connection.credential(*key))
        except cluster.NotFound:
            for reference in left:
                await self._give_up(reference, retain=False)

    async def _give_up(self, reference: Json, *, retain: bool) -> None:
        metadata, target = reference["metadata"], (reference.get("status") or {}).get("target")
        at = objects.Key.of(reference)
        if target is not None and self._survey.used(objects.Key(at.namespace, target["name"])):
            return
        if target is not None and retain:
            owner = targets.owner(metadata, kind=inventory.REFERENCE)
            await self._targets.remove(owner, target["name"], recorded=target, retain=True)
        try:
            await self._connection.delete_reference(
                *at, uid=metadata["uid"], version=metadata["resourceVersion"]
            )
        except cluster.NotFound:
            return

    # Report

    async def _report(self, credential: Json, plan: distribution.Plan, refused: str) -> None:
        """Writes what there is of the distribution into the status, if that differs; tells of new conflicts."""
        metadata, before = credential["metadata"], credential["status"].get("distribution", {})
        # One refusal speaks for all: which one comes last changes, and the status need not.
        after = distribution.status(credential, plan, refused and (before.get("message") or refused))
        patch = status.changes(
            {"distribution": before} if before else {}, {"distribution": after} if after else {}
        )
        if not patch:
            return
        at = inventory.key_of(credential)
        try:
            written = await self._connection.patch_status("credentials", *at, patch, uid=metadata["uid"])
        except cluster.NotFound:
            return
        self._known.put_credential(written)
        if inventory.overtaken(metadata, written["metadata"]):
            self._queue.wake(
                objects.Object(kind, at) for kind in (inventory.CREDENTIAL, inventory.DISTRIBUTION)
            )
            self._queue.wake_references(at)
        if plan.conflicts and not before.get("conflicts"):
            event = status.Event(type="Warning", reason="NameTaken", message=distribution.taken(plan))
            await self._recorder.record(inventory.CREDENTIAL, metadata, [event])

"""The straight line of a Credential: protect, load, validate, publish, report.

Level-triggered: what is to be done follows from the object, its status and the inventory alone, so any
step may run twice and any wake-up may be lost. What is kept in memory between passes (`_Attempts`)
only spaces out calls to providers.
"""

import dataclasses
import datetime
import logging
import zlib
from collections.abc import Callable
from typing import Any

from credential_operator import (
    checks,
    cluster,
    distributor,
    draining,
    errors,
    events,
    findings,
    gate,
    installation,
    inventory,
    objects,
    pacing,
    protection,
    publishing,
    rotating,
    sources,
    status,
    survey,
    targets,
    view,
)
from credential_operator.providers import contract

logger = logging.getLogger(__name__)

Json = dict[str, Any]


@dataclasses.dataclass(slots=True)
class _Attempts:
    """What was tried last without a final answer: it only spaces out calls, nothing is decided by it.

    `version` is the source Secret's that was tried, `digest` its key material's.
    """

    version: str | None = None
    digest: str = ""
    refusals: int = 0
    pace: pacing.Pace = dataclasses.field(default_factory=pacing.Pace)


class Reconciler:
    """Brings Credentials one pass further; shared by all workers."""

    def __init__(  # noqa: PLR0913  its collaborators
        self,
        *,
        connection: cluster.Cluster,
        known: inventory.Inventory,
        keyring: installation.Installation,
        checker: checks.Checker,
        catalogue: view.Catalogue,
        recorder: events.Recorder,
        wake: objects.Wake,
        wake_references: Callable[[objects.Key], None],
        source_of: sources.Sources,
        written: targets.Targets,
        publisher: publishing.Publisher,
        asked: survey.Survey,
        given: distributor.Distributor,
        rotated: rotating.Rotating,
        apart: gate.Gate,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._connection = connection
        self._sources = source_of
        self._survey = asked
        self._gate = apart
        self._known = known
        self._keyring = keyring
        self._checker = checker
        self._catalogue = catalogue
        self._recorder = recorder
        self._wake = wake
        self._wake_references = wake_references
        self._clock = clock
        self._publisher = publisher
        self._draining = draining.Draining(known, asked, clock=clock)
        self._rotating = rotated
        self._protection = protection.Protection(
            connection, known, written, asked=asked, given=given, recorder=recorder
        )
        self._attempts: dict[objects.Key, _Attempts] = {}

    async def credential(self, key: objects.Key) -> datetime.datetime | None:
        """Makes one pass over a Credential; gives the time of the next look, None for on change only."""
        with checks.Wordless():
            return await self._advance(key)

    async def _advance(self, key: objects.Key) -> datetime.datetime | None:
        record = self._known.credentials.get(key)
        if record is None:
            self._forget(key)
            if self._known.handouts.concerns(key):
                self._wake([objects.Object(inventory.DISTRIBUTION, key)])
            return None
        seen = view.parse(record, self._catalogue)
        if seen is None:
            logger.warning("leaves an object of an unknown type alone", extra={"object": str(key)})
            return None
        needs = None
        if seen.deleting:
            needs = await self._let_go(seen)
            if not needs.all:
                self._forget(seen.key)
                return None
        elif not seen.protected:
            await self._protection.protect(seen)
            seen = self._again(seen)
        found = await self._publisher.renew(seen, await self._look(seen))
        found = await self._draining.look(seen, found)
        found = await self._rotating.advance(seen, found)
        found = self._needed(seen, found, needs)
        result = status.after(seen.status, found, self._clock())
        await self._report(seen, result)
        return self._next(seen.key, found, result)

    async def _let_go(self, seen: view.View) -> findings.Needs:
        """Lets a Credential go that nobody needs, and gives who does; says so where the operator may not find out."""
        try:
            async with self._gate.releasing(seen.key):
                needs = await self._protection.needs(seen)
                if not needs.all:
                    await self._protection.release(seen)
        except errors.Forbidden as error:
            told = status.Event(type="Warning", reason=error.reason, message=error.message)
            await self._recorder.record(inventory.CREDENTIAL, seen.metadata, [told], once=True)
            raise
        return needs

    def _forget(self, key: objects.Key) -> None:
        self._attempts.pop(key, None)
        self._publisher.forget(key)
        self._draining.forget(key)
        self._rotating.forget(key)

    def _needed(self, seen: view.View, found: findings.Pass, needs: findings.Needs | None) -> findings.Pass:
        """Adds who needs the Credential; `needs` has who holds back its deletion."""
        if needs is None:
            published = [target.name for target in found.targets]
            return dataclasses.replace(found, needs=self._survey.needs(seen, published))
        blockers = tuple(user.seen_from(seen.key.namespace) for user in needs.all)
        return dataclasses.replace(found, needs=needs, blockers=blockers, cleared=self._survey.cleared(seen))

    def _again(self, seen: view.View) -> view.View:
        """Gives the object as our own write of just now left it."""
        record = self._known.credentials.get(seen.key)
        return (view.parse(record, self._catalogue) if record is not None else None) or seen

    # Look

    async def _look(self, seen: view.View) -> findings.Pass:
        """Loads, validates and publishes what is due; never raises for what belongs into the status."""
        attempts = self._attempts.setdefault(seen.key, _Attempts())
        version = seen.source_version(self._known)
        waiting = attempts.pace.remaining > 0 and attempts.version == version
        renewable = self._publisher.may_renew(seen.key)
        todo = view.due(seen, self._known, self._clock(), waiting=waiting, renewable=renewable)
        found = findings.Pass(
            generation=seen.metadata["generation"],
            type=seen.type,
            verdict=findings.UNCHANGED,
            timing=seen.timing(self._jitter(seen)),
            suspended=seen.spec.suspend,
            wanted=len(seen.spec.targets),
            targets=self._publisher.standing(seen),
            reconcile_at=seen.metadata["annotations"].get(inventory.RECONCILE_AT),
            waiting=waiting,
            locks=seen.provider.locks,
            permissions=bool(seen.spec.validation.permissions),
            reach=seen.spec.discover_reach,
            keyless=seen.identity is not None,
        )
        if seen.spec.suspend:
            return dataclasses.replace(found, verdict=findings.NotChecked(reason="Suspended"))
        if not (todo.validation or todo.publication):
            return dataclasses.replace(found, idle=True)
        down = self._checker.down(seen.endpoint)
        if down is not None and not todo.publication and seen.spec.validation.policy != "Disabled":
            attempts.version = version
            return dataclasses.replace(found, verdict=down, held=True)
        return await self._work(seen, found, todo=todo, attempts=attempts)

    async def _work(
        self, seen: view.View, found: findings.Pass, *, todo: view.Due, attempts: _Attempts
    ) -> findings.Pass:
        """Loads the source, validates it, and publishes it if it may be."""
        try:
            source = await self._sources.load(seen)
        except errors.Forbidden as error:
            return dataclasses.replace(found, trouble=error)
        except (
            errors.SourceNotFound,
            errors.InvalidKeyMaterial,
            errors.Misconfigured,
            errors.InvalidSpec,
        ) as error:
            return dataclasses.replace(found, verdict=error, source=self._source(seen), new_key=True)
        published = self._publisher.digests(seen)
        # Without targets, nothing but this process's memory tells that it is the key that was checked.
        same_key = (published or ({attempts.digest} if not seen.spec.targets else set())) == {source.digest}
        verdict = await self._judge(seen, source, todo=todo, same_key=same_key)
        if isinstance(verdict, contract.Validation) and verdict.key_id is None:
            verdict = dataclasses.replace(verdict, key_id=source.key_id)
        asked = verdict is not findings.UNCHANGED
        if asked:
            self._remember(attempts, source, verdict, seen)
        decided = asked and not (isinstance(verdict, Exception) and not _final(verdict))
        found = dataclasses.replace(
            found,
            verdict=verdict,
            new_key=bool(published) and not same_key,
            refusals=attempts.refusals,
            # The operator's own Secret changes with each step of a rotation, and borrowers look at its version.
            source=self._source(seen, source, same_key=same_key)
            if decided or (same_key and seen.keeps(source.name))
            else None,
        )
        if not view.publishable(seen, verdict, source.version, same_key=same_key):
            whole = len(found.targets) == len(seen.recorded)
            return dataclasses.replace(found, held=True, idle=whole and not asked)
        return await self._publisher.publish(seen, source, found)

    async def _judge(
        self, seen: view.View, source: sources.Source, *, todo: view.Due, same_key: bool
    ) -> findings.Verdict:
        """Asks the provider if that is due; what it says no to is an answer, not a failure."""
        if seen.spec.validation.policy == "Disabled":
            return findings.NotChecked(reason="ValidationDisabled")
        if seen.endpoint and not self._worth_asking(seen, source, todo=todo, same_key=same_key):
            return findings.UNCHANGED
        try:
            with checks.Wordless():
                return await self._checker.check(
                    seen.provider,
                    seen.config,
                    source.keys,
                    timeout=seen.spec.validation.timeout.total_seconds(),
                    external_id=self._keyring.external_id(*seen.key),
                    asked=seen.asked(source.version, self._clock()),
                )
        except errors.CredentialError as error:
            return error
        except Exception as error:
            logger.exception("a check failed by a fault of ours", extra={"object": str(seen.key)})
            return error

    def _worth_asking(
        self, seen: view.View, source: sources.Source, *, todo: view.Due, same_key: bool
    ) -> bool:
        """Tells whether a call is due, and not for a Secret that changed while the key in it did not."""
        if not todo.validation or not todo.source_only:
            return todo.validation
        validated = seen.condition("Validated").get("status")
        attempts = self._attempts.get(seen.key)
        refused = validated == "False" and attempts is not None and attempts.digest == source.digest
        return not (same_key and validated == "True") and not (seen.provider.locks and refused)

    # What a pass starts from

    def _source(
        self, seen: view.View, source: sources.Source | None = None, *, same_key: bool = False
    ) -> Json | None:
        if seen.secret_ref is None:
            return None
        before = seen.status.get("source") or {}
        version = None if source is None else source.version
        changed = (before.get("resourceVersion") != version and not same_key) or "changedAt" not in before
        return {
            "secretName": seen.secret_ref.name if source is None else source.name,
            **({} if version is None else {"resourceVersion": version}),
            "changedAt": findings.show_time(self._clock()) if changed else before["changedAt"],
        }

    def _jitter(self, seen: view.View) -> float:
        """Gives a number in [0, 1) that differs between objects and between their validations."""
        return zlib.crc32(f"{seen.uid}{seen.status.get('nextValidationTime')}".encode()) / 2**32

    # What a pass leaves behind

    def _remember(
        self, attempts: _Attempts, source: sources.Source, verdict: findings.Verdict, seen: view.View
    ) -> None:
        """Counts refusals and failures in a row; a refusal that the status shows as confirmed stays so."""
        same = attempts.digest == source.digest
        attempts.version, attempts.digest = source.version, source.digest
        if isinstance(verdict, errors.Refused):
            known = seen.condition("Validated")
            believed = (
                known.get("status") == "False"
                and known.get("reason") == verdict.reason
                and seen.status.get("source", {}).get("resourceVersion") == source.version
            )
            believed = believed or verdict.certain or seen.provider.locks
            before = findings.CONFIRMATIONS if believed else attempts.refusals if same else 0
            attempts.refusals = min(before + 1, findings.CONFIRMATIONS)
        elif not isinstance(verdict, errors.Transient):
            attempts.refusals = 0
        if not (isinstance(verdict, Exception) and not _final(verdict)):
            attempts.pace.succeed()

    async def _report(self, seen: view.View, result: status.Result) -> None:
        """Writes the status if it differs, then the events."""
        patch = status.changes(seen.status, result.status)
        if not patch:
            return
        try:
            written = await self._connection.patch_status("credentials", *seen.key, patch, uid=seen.uid)
        except cluster.NotFound:
            return
        self._known.put_credential(written)
        overtaken = inventory.overtaken(seen.metadata, written["metadata"])
        if overtaken:
            kinds = (inventory.CREDENTIAL, inventory.DISTRIBUTION)
            self._wake(objects.Object(kind, seen.key) for kind in kinds)
        if overtaken or _readiness(seen.status) != _readiness(result.status):
            self._wake_references(seen.key)
        await self._recorder.record("Credential", seen.metadata, result.events)

    def _next(
        self, key: objects.Key, found: findings.Pass, result: status.Result
    ) -> datetime.datetime | None:
        """Gives the time of the next look: the status's, or the end of a backoff, if no renewal comes before."""
        attempts = self._attempts[key]
        open_ended = [
            error
            for error in (found.verdict, found.trouble)
            if isinstance(error, Exception) and not _final(error)
        ]
        if not open_ended:
            wait = attempts.pace.left(waited=found.waiting and found.verdict is findings.UNCHANGED)
            if wait is not None:
                return self._after(wait, found)
            if found.wanted and not attempts.refusals:
                del self._attempts[key]
            return result.wake_at
        asked = next((error.retry_after for error in open_ended if isinstance(error, errors.Transient)), None)
        return self._after(attempts.pace.fail(asked), found)

    def _after(self, seconds: float, found: findings.Pass) -> datetime.datetime:
        """Gives the end of a wait, or the time of a renewal that comes before."""
        end = self._clock() + datetime.timedelta(seconds=seconds)
        return end if found.look_at is None else min(end, found.look_at)


def _final(error: Exception) -> bool:
    """Tells whether an error is an answer: neither transient nor a fault of ours."""
    return isinstance(error, errors.CredentialError) and not isinstance(error, errors.Transient)


def _readiness(document: Json) -> list[Any]:
    """Gives what matters to references of a Credential's status: what they repeat, and what they are lent."""
    told = [one for one in document.get("conditions", ()) if one["type"] in ("Ready", "Validated")]
    said = [(one["status"], one["reason"], one["message"]) for one in told]
    return [*said, document.get("source", {}).get("resourceVersion")]

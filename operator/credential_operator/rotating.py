"""Keys that renew themselves: one step of a rotation in a pass, from the store, the provider and who runs what.

    begin    the store is made, with the key that a person gave; from now on it is the source
    Make     a new key, kept in the store as the candidate before anything else
    Accept   the candidate works: it is the current key, which is validated and published like any other
    Disable  the previous key, when the current one is published for long enough and nobody runs the previous one
    Delete   the previous key, when it was disabled for as long

Each step may be cut off anywhere and is taken up from what the store says: `succession`.
"""

import dataclasses
import datetime
import functools
import re
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

from credential_operator import (
    checks,
    errors,
    findings,
    installation,
    keystore,
    objects,
    pacing,
    sources,
    succession,
    view,
)
from credential_operator.api import credential
from credential_operator.providers import contract, rotate

Json = dict[str, Any]
Time = datetime.datetime
Result = TypeVar("Result")

SOON = 1.0
"""Seconds after which it is looked again at a key that was just accepted, or has just come into the store."""
LATER = 60.0
"""Seconds after which it is looked again whether a step that is due can be taken, where nothing else tells sooner."""
LONGEST_CLUSTER, LONGEST_NAME = 40, 75
"""How many characters of the cluster's and the Credential's name stand in what a provider is told of them."""
STRANGE = re.compile(r"[^A-Za-z0-9_.-]")
"""What may not stand in a cluster's name there."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """A Credential whose turn it is: what is wanted of it, and how its provider rotates keys."""

    seen: view.View
    wanted: credential.KeyRotation
    kind: rotate.Rotation
    plan: succession.Plan


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What a step led to: the state, what happened, and when to look again if that is not by the state's plan."""

    state: succession.State
    events: tuple[tuple[str, str], ...] = ()
    look_at: Time | None = None


class Rotating:
    """Rotates the keys of Credentials that ask for it."""

    def __init__(
        self,
        *,
        kept: keystore.Keystore,
        checker: checks.Checker,
        source_of: sources.Sources,
        keyring: installation.Installation,
        cluster: str,
        watches: bool,
        clock: Callable[[], Time],
    ) -> None:
        self._kept = kept
        self._checker = checker
        self._sources = source_of
        self._keyring = keyring
        self._cluster = cluster
        self._watches = watches
        self._clock = clock
        self._paces: dict[objects.Key, pacing.Pace] = {}

    def forget(self, key: objects.Key) -> None:
        """Forgets a Credential that is gone."""
        self._paces.pop(key, None)

    async def advance(self, seen: view.View, found: findings.Pass) -> findings.Pass:
        """Takes the step that is due, and says how far the rotation has got."""
        wanted, kind = seen.spec.rotation, rotate.rotation_of(seen.provider)
        if wanted is None or kind is None:
            return found
        known = seen.status.get("rotation", {}).get("managed", {})
        pace = self._paces.get(seen.key)
        if seen.spec.suspend or (pace is not None and pace.remaining):
            wait = None if pace is None else self._in(pace.remaining)
            return _with(found, findings.Managed(document=known, due=not seen.spec.suspend), wait)
        turn = _Turn(seen=seen, wanted=wanted, kind=kind, plan=self._plan(seen, found, wanted, kind))
        try:
            done = await self._step(turn, found)
        except errors.CredentialError as error:
            asked = error.retry_after if isinstance(error, errors.Transient) else None
            wait = self._in(self._paces.setdefault(seen.key, pacing.Pace()).fail(asked))
            return _with(found, findings.Managed(document=known, error=error, due=True), wait)
        self.forget(seen.key)
        soon = self._in(SOON) if _has_news(seen, found) else None
        if done is None:
            return _with(found, findings.Managed(document=known), soon)
        next_step = succession.following(done.state, turn.plan, self._clock())
        document = succession.told(done.state, next_step)
        managed = findings.Managed(
            document=document, error=_late(turn, done.state, self._clock()), events=done.events
        )
        looks = [look for look in (done.look_at or next_step.at, soon) if look is not None]
        return _with(found, managed, min(looks, default=None))

    def _plan(
        self, seen: view.View, found: findings.Pass, wanted: credential.KeyRotation, kind: rotate.Rotation
    ) -> succession.Plan:
        told = found.rotation or {}
        settled = _is_good(seen, found)
        return succession.Plan(
            interval=wanted.interval,
            keep_old=wanted.keep_old,
            share=zlib.crc32(seen.uid.encode()) / 2**32,
            disables=kind.disables,
            settles=kind.settles,
            rotate_at=seen.rotate_at,
            published_at=findings.parse_time(told.get("publishedAt")) if settled else None,
            drained=bool(told.get("drained", not self._watches)),
        )

    async def _step(self, turn: _Turn, found: findings.Pass) -> _Done | None:
        """Takes the step that is due; None where something else comes first."""
        store = await self._kept.read(turn.seen, turn.wanted)
        if store is None:
            return await self._begin(turn) if _is_good(turn.seen, found) else None
        state = store.state or _fresh(self._now())
        step, at = succession.following(state, turn.plan, self._clock())
        if at is None or at > self._clock():
            return _Done(state=state)
        # What the status calls the source was validated, and is what is published.
        ready = turn.seen.has_store and (step is not succession.Step.MAKE or _is_good(turn.seen, found))
        if not ready:
            return _Done(state=state, look_at=self._in(LATER))
        match step:
            case succession.Step.MAKE:
                return await self._make(turn, store, state)
            case succession.Step.ACCEPT:
                return await self._accept(turn, store, state)
        return await self._end(turn, store, state, step)

    async def _begin(self, turn: _Turn) -> _Done:
        """Makes the store, with the key that a person gave."""
        keys = (await self._sources.load(turn.seen)).keys
        turn.kind.fit(turn.seen.config, keys)
        await self._own(turn, keys)
        listed = await self._listed(turn, keys)
        key_id = turn.kind.identify(turn.seen.config, keys, listed)
        made = next((one.created_at for one in listed if one.id == key_id), self._now())
        state = succession.State(current=succession.Held(id=key_id or "", since=made))
        store = await self._kept.create(turn.seen, turn.wanted, keystore.fields_of(keys), state)
        told = f"The key is kept in Secret {store.key.name} from now on, and renewed there."
        return _Done(state=state, events=(("RotationBegun", told),))

    async def _make(self, turn: _Turn, store: keystore.Store, state: succession.State) -> _Done:
        """Has a new key made and keeps it; before, deletes those that were made and nobody holds."""
        keys, config = keystore.keys_of(turn.seen, store.current), turn.seen.config
        turn.kind.fit(config, keys)
        await self._own(turn, keys)
        listed = await self._listed(turn, keys)
        current = turn.kind.identify(config, keys, listed)
        state = state.but(current=state.current.model_copy(update={"id": current or state.current.id}))
        mark = self._owner(turn.seen)
        lost = succession.orphans(state, listed, mark)
        for one in lost:
            await self._ask(turn, "delete", functools.partial(turn.kind.delete, config, keys, one.id))
        held = [one for one in listed if one not in lost]
        if len(held) >= turn.kind.most:
            raise errors.Misconfigured(_full(held, state, turn.kind.most))
        store = await self._kept.write(store, succession.ordering(state, held, self._now()))
        made = await self._ask(turn, "make", functools.partial(turn.kind.make, config, keys, mark))
        state = await self._keep(turn, store, keystore.fields_of(keys), made)
        events = [
            ("OrphanDeleted", f"Deleted key {one.id}, which was made and kept by nobody.") for one in lost
        ]
        told = f"Made key {made.id}. It is published when the provider accepts it."
        return _Done(state=state, events=(*events, ("KeyMade", told)), look_at=self._clock())

    async def _keep(
        self, turn: _Turn, store: keystore.Store, fields: dict[str, bytes], made: rotate.Made
    ) -> succession.State:
        """Keeps a new key as the candidate: nobody else has it, so that a store that was touched is read again."""
        candidate = fields | {name: text.encode() for name, text in made.fields.items()}
        for _ in range(3):
            state = succession.made(store.state or _fresh(self._now()), made, turn.plan, self._now())
            try:
                await self._kept.put(store, state, current=fields, candidate=candidate)
            except errors.Conflict:
                again = await self._kept.read(turn.seen, turn.wanted)
                if again is None:
                    break
                store = again
            else:
                return state
        raise errors.Conflict(f"Key {made.id} could not be kept: it is deleted before another one is made.")

    async def _accept(self, turn: _Turn, store: keystore.Store, state: succession.State) -> _Done:
        """Has the candidate checked; it is the current key if it works, and deleted if it is refused for long."""
        seen, candidate = turn.seen, state.candidate
        if candidate is None:
            return _Done(state=state)
        try:
            await self._checker.check(
                seen.provider,
                seen.config,
                keystore.keys_of(seen, store.candidate),
                timeout=seen.spec.validation.timeout.total_seconds(),
                external_id=self._keyring.external_id(*seen.key),
                asked=checks.Asked(permissions=seen.spec.validation.permissions),
            )
        except errors.Stalled as refusal:
            if not succession.given_up(candidate, self._clock()):
                return _Done(state=state, look_at=self._in(findings.CONFIRM_AFTER))
            await self._discard(turn, store, state, candidate)
            refusal.message = f"The new key was not accepted, and is deleted. {refusal.message}"
            raise
        now, previous = self._now(), state.current.id
        state = succession.succeeded(state, candidate, previous, now)
        await self._kept.put(store, state, current=store.candidate)
        told = (
            f"Key {candidate.id} takes the place of {previous or 'the one before'}, which stays good for now."
        )
        return _Done(state=state, events=(("KeyReplaced", told),), look_at=now)

    async def _discard(
        self, turn: _Turn, store: keystore.Store, state: succession.State, candidate: succession.Held
    ) -> None:
        keys = keystore.keys_of(turn.seen, store.current)
        await self._ask(
            turn, "delete", functools.partial(turn.kind.delete, turn.seen.config, keys, candidate.id)
        )
        await self._kept.put(store, succession.refused(state, self._now()), current=store.current)

    async def _end(
        self, turn: _Turn, store: keystore.Store, state: succession.State, step: succession.Step
    ) -> _Done:
        """Disables or deletes the previous key."""
        previous = state.previous
        if previous is None:
            return _Done(state=state)
        if not previous.id:
            state = succession.ended(state)
            await self._kept.write(store, state)
            told = "Which of the provider's keys the previous one is cannot be told: delete it there."
            return _Done(state=state, events=(("PreviousKeyLeft", told),))
        keys, config = keystore.keys_of(turn.seen, store.current), turn.seen.config
        if step is succession.Step.DISABLE:
            await self._ask(turn, "disable", functools.partial(turn.kind.disable, config, keys, previous.id))
            state, word = succession.disabled(state, previous, self._now()), "Disabled"
        else:
            await self._ask(turn, "delete", functools.partial(turn.kind.delete, config, keys, previous.id))
            state, word = succession.ended(state), "Deleted"
        await self._kept.write(store, state)
        told = f"{word} the previous key {previous.id}: nobody of this cluster runs it."
        return _Done(state=state, events=((f"PreviousKey{word}", told),))

    # What the provider is asked

    async def _own(self, turn: _Turn, keys: Any) -> None:
        """Makes sure that no other cluster or Credential rotates the principal's keys; raises RotatedElsewhere."""
        mine, config = self._owner(turn.seen), turn.seen.config
        asked = functools.partial(turn.kind.owner, config, keys)
        owner = await self._ask(turn, "owner", asked)
        if not owner:
            await self._ask(turn, "claim", functools.partial(turn.kind.claim, config, keys, mine))
            owner = await self._ask(turn, "owner", asked)
        if not owner:
            raise errors.Conflict("The provider does not know yet whose the rotation is.")
        if _mark(owner) != _mark(mine):
            raise errors.RotatedElsewhere(
                f"{owner.rpartition(':')[0] or owner} rotates the keys of this principal: remove spec.rotation "
                "here, or there, and then what the provider says of it."
            )

    def _owner(self, seen: view.View) -> str:
        """Gives who rotates, in words for people and a mark that tells installations apart."""
        namespace, name = seen.key
        mark = self._keyring.digest("rotation", namespace, name)[:16]
        home = STRANGE.sub("-", self._cluster)[:LONGEST_CLUSTER] or "cluster"
        return f"{home}:{namespace}/{name[:LONGEST_NAME]}:{mark}"

    async def _listed(self, turn: _Turn, keys: Any) -> tuple[rotate.Listed, ...]:
        return await self._ask(turn, "list", functools.partial(turn.kind.listed, turn.seen.config, keys))

    async def _ask(self, turn: _Turn, what: str, call: Callable[[contract.Context], Result]) -> Result:
        seen = turn.seen
        with checks.Wordless():
            return await self._checker.ask(
                call,
                type_name=seen.type,
                what=what,
                endpoint=turn.kind.endpoint(seen.config),
                timeout=seen.spec.validation.timeout.total_seconds(),
                external_id=self._keyring.external_id(*seen.key),
            )

    def _now(self) -> Time:
        """Gives the time as the API writes it: in whole seconds, to be compared with what is in the status."""
        return self._clock().replace(microsecond=0)

    def _in(self, seconds: float) -> Time:
        return self._clock() + datetime.timedelta(seconds=seconds)


def _is_good(seen: view.View, found: findings.Pass) -> bool:
    """Tells whether the key is known to work and published, by the status and by this pass."""
    told = all(seen.condition(name).get("status") == "True" for name in ("Ready", "Validated", "Synced"))
    return told and found.error is None and found.trouble is None


def _has_news(seen: view.View, found: findings.Pass) -> bool:
    """Tells whether a pass has found out of the key what the status says only after it."""
    accepted = isinstance(found.verdict, contract.Validation) and not found.held
    moved = found.source is not None and seen.keeps(found.source["secretName"]) and not seen.has_store
    return accepted or moved


def _late(turn: _Turn, state: succession.State, now: Time) -> errors.InUse | None:
    """Says that a new key is due while somebody runs the one before the current one."""
    previous = state.previous
    if previous is None or turn.plan.drained or now < state.current.since + turn.wanted.interval:
        return None
    return errors.InUse(
        "A new key is due, and the one before the present one is not ended, since workloads run it still "
        "(status.rotation.stale): restart them."
    )


def _full(held: list[rotate.Listed], state: succession.State, most: int) -> str:
    others = ", ".join(sorted(one.id for one in held if one.id != state.current.id))
    return f"The principal has {most} keys, as many as it may have: delete one that nobody uses of {others}."


def _with(found: findings.Pass, managed: findings.Managed, look_at: Time | None) -> findings.Pass:
    looks = [look for look in (found.look_at, look_at) if look is not None]
    return dataclasses.replace(found, managed=managed, look_at=min(looks, default=None))


def _mark(owner: str) -> str:
    return owner.rpartition(":")[2]


def _fresh(now: Time) -> succession.State:
    return succession.State(current=succession.Held(since=now))

"""Who is reconciled when: wake-ups, retries, and the end of work."""

import asyncio
import contextlib
import datetime
import functools
from collections.abc import AsyncIterator
from typing import Any

import pytest

import beside
from credential_operator import controller, errors, handouts, inventory, metrics, shards
from credential_operator.objects import Key, Object

ONE = Key("a", "one")


def credentials(*keys: Key) -> list[Object]:
    return [Object("Credential", key) for key in keys]


def document(name: str = "one", version: str = "5", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "a",
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": version,
            "generation": 1,
            "creationTimestamp": "2026-11-22T00:00:00Z",
        },
        "spec": spec or {"aws": {}, "secretRef": {"name": "keys"}},
    }


def in_conflict(name: str) -> dict[str, Any]:
    """Return a Credential that wants what is another's source."""
    told = {"type": "Ready", "status": "False", "reason": "TargetConflict"}
    told["lastTransitionTime"] = "2026-11-22T00:00:00Z"
    targets = [{"name": "keys", "adopt": True}]
    return document(name, aws={}, targets=targets) | {"status": {"conditions": [told]}}


class Work:
    """Runs a controller whose passes are noted, and end as the test says."""

    def __init__(self) -> None:
        self.known = inventory.Inventory(lambda _: "")
        self.controller = controller.Controller(self.known, workers=2, endpoint_limit=2)
        self.passes: list[tuple[str, Key]] = []
        self.ends: list[Any] = []
        self.noted = asyncio.Event()

    async def credential(self, key: Key) -> datetime.datetime | None:
        return await self._pass("credential", key)

    async def reference(self, key: Key) -> datetime.datetime | None:
        return await self._pass("reference", key)

    async def distribution(self, key: Key) -> datetime.datetime | None:
        return await self._pass("distribution", key)

    async def _pass(self, kind: str, key: Key) -> datetime.datetime | None:
        self.passes.append((kind, key))
        self.noted.set()
        end = self.ends.pop(0) if self.ends else None
        if isinstance(end, Exception):
            raise end
        return end

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.passes) < count:
                self.noted.clear()
                await self.noted.wait()
        await asyncio.sleep(0.01)


@pytest.fixture
async def work() -> AsyncIterator[Work]:
    running = Work()
    passes = {
        inventory.CREDENTIAL: running.credential,
        inventory.REFERENCE: running.reference,
        inventory.DISTRIBUTION: running.distribution,
    }
    async with beside.doing(running.controller.work({0: passes})):
        yield running
    await running.controller.drain(1)


async def test_a_new_credential_is_looked_at_once(work: Work) -> None:
    work.controller.see_credential("ADDED", document())
    work.controller.see_credential("MODIFIED", document())
    await work.until(1)
    assert work.passes == [("credential", ONE)]


async def test_a_reference_wakes_its_credential_and_itself(work: Work) -> None:
    work.controller.see_reference(None, document("nightly", credentialRef={"name": "one"}))
    await work.until(2)
    assert sorted(work.passes) == [("credential", ONE), ("reference", Key("a", "nightly"))]
    work.controller.see_reference("DELETED", document("nightly", credentialRef={"name": "one"}))
    await work.until(3)
    assert work.passes[2:] == [("credential", ONE)]


@pytest.mark.parametrize("change", [{"uid": "another"}, {"generation": 2}], ids=str)
async def test_a_reference_that_names_another_credential_wakes_both(
    work: Work, change: dict[str, Any]
) -> None:
    work.controller.see_reference(None, document("nightly", credentialRef={"name": "one"}))
    await work.until(2)
    work.passes.clear()
    other = document("nightly", "6", credentialRef={"name": "two"})
    other["metadata"] |= change
    work.controller.see_reference(None, other)
    await work.until(3)
    assert sorted(work.passes) == [
        ("credential", ONE),
        ("credential", Key("a", "two")),
        ("reference", Key("a", "nightly")),
    ]


async def test_a_deleted_credential_wakes_its_references(work: Work) -> None:
    work.controller.see_credential("ADDED", document())
    work.controller.see_reference(None, document("nightly", credentialRef={"name": "one"}))
    await work.until(2)
    work.passes.clear()
    work.controller.see_credential("DELETED", document())
    await work.until(2)
    assert sorted(work.passes) == [("credential", ONE), ("reference", Key("a", "nightly"))]
    work.controller.see_credential("DELETED", document())
    await asyncio.sleep(0.02)
    assert len(work.passes) == 2


async def test_who_waits_for_a_secret_is_looked_at_when_another_names_it_no_more(work: Work) -> None:
    work.controller.see_credential("ADDED", document())
    work.controller.see_credential("ADDED", document("sharing"))
    work.controller.see_credential("ADDED", in_conflict("two"))
    claim = document("nightly", credentialRef={"name": "three"}, target={"name": "keys", "adopt": True})
    work.controller.see_reference(None, claim)
    await work.until(5)
    waiting = [("credential", Key("a", "two")), ("reference", Key("a", "nightly"))]

    work.passes.clear()
    moved = document("one", "6", aws={}, secretRef={"name": "elsewhere"})
    moved["metadata"]["generation"] = 2
    work.controller.see_credential("MODIFIED", moved)
    await work.until(3)
    assert sorted(work.passes) == [("credential", ONE), *waiting]

    work.passes.clear()
    work.controller.see_credential("DELETED", document("sharing"))
    await work.until(3)
    assert sorted(work.passes) == [("credential", Key("a", "sharing")), *waiting]


def made(namespace: str = "b", version: str = "5") -> dict[str, Any]:
    """Return a reference that the operator made for the Credential a/one."""
    reference = document("one", version, credentialRef={"name": "one", "namespace": "a"})
    reference["metadata"] |= {"namespace": namespace, "labels": {handouts.LABEL: "target"}}
    return reference


async def test_what_is_distributed_is_looked_at_with_its_credential_and_gathered(work: Work) -> None:
    work.controller.see_credential("ADDED", document(distribute={"advertise": True}))
    work.controller.see_credential("MODIFIED", document(version="6", distribute={"advertise": True}))
    work.controller.wake(work.known.put_namespace({"name": "b"}))
    await work.until(2)
    assert [kind for kind, _ in work.passes] == ["credential", "distribution"]


async def test_a_reference_that_the_operator_made_wakes_its_distribution(work: Work) -> None:
    work.controller.see_reference(None, made())
    await work.until(3)
    kinds = ["credential", "distribution", "reference"]
    assert sorted(kind for kind, _ in work.passes) == kinds
    work.passes.clear()
    work.controller.see_reference("DELETED", made())
    await work.until(2)
    assert sorted(kind for kind, _ in work.passes) == kinds[:2]


async def test_any_reference_of_the_name_wakes_the_distribution_that_wants_it(work: Work) -> None:
    work.controller.see_credential("ADDED", document(distribute={"advertise": True}))
    await work.until(2)
    work.passes.clear()
    theirs = made()
    del theirs["metadata"]["labels"]
    theirs["spec"] = {"credentialRef": {"name": "another"}}
    work.controller.see_reference(None, theirs)
    await work.until(3)
    assert ("distribution", ONE) in work.passes


async def test_a_planned_look_comes_by_itself(work: Work) -> None:
    work.ends = [datetime.datetime.now(datetime.UTC)]
    work.controller.wake(credentials(ONE))
    await work.until(2)
    assert work.passes == [("credential", ONE)] * 2


@pytest.mark.parametrize("error", [errors.Conflict("409"), ZeroDivisionError()], ids=["transient", "fault"])
async def test_a_pass_that_fails_is_repeated(work: Work, error: Exception) -> None:
    work.ends = [error]
    work.controller.wake(credentials(ONE))
    await work.until(2)
    assert work.passes == [("credential", ONE)] * 2


async def test_the_time_that_was_asked_for_is_waited(work: Work) -> None:
    work.ends = [errors.Unavailable("429", retry_after=60), errors.Forbidden("no")]
    work.controller.wake(credentials(ONE, Key("a", "two")))
    await work.until(2)
    await asyncio.sleep(0.3)
    assert len(work.passes) == 2


async def test_work_that_waits_unattended_is_a_lag() -> None:
    idle = Work()
    assert idle.controller.lag() == 0.0
    idle.controller.wake(credentials(ONE))
    await asyncio.sleep(0.02)
    assert idle.controller.lag() > 0.0


async def test_what_waits_and_what_is_worked_on_is_told_by_kind() -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def last(_: Key) -> None:
        begun.set()
        await end.wait()

    watched = Work().controller
    watched.wake([*credentials(ONE, Key("a", "two")), Object("CredentialReference", ONE)])
    assert {kind: load.waiting for kind, load in watched.load().items()} == {
        "Credential": 2,
        "CredentialReference": 1,
        "Distribution": 0,
    }
    working = asyncio.create_task(watched.work({0: dict.fromkeys(watched.load(), last)}))
    await asyncio.wait_for(begun.wait(), 5)
    (since,) = watched.load()["Credential"].working[:1]
    assert since >= 0
    end.set()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    await watched.drain(5)


async def test_each_repetition_is_counted(work: Work) -> None:
    def count() -> float:
        return metrics.RETRIES.labels("Credential")._value.get()

    before = count()
    work.ends = [errors.Conflict("changed meanwhile"), None]
    work.controller.wake(credentials(ONE))
    await work.until(2)
    assert count() == before + 1


class Divided(Work):
    """The same where there are two shards."""

    def __init__(self) -> None:
        super().__init__()
        self.controller = controller.Controller(self.known, workers=2, endpoint_limit=2, count=2)
        self.at_work: dict[int, dict[str, controller.Pass]] = {}
        self.seen: list[tuple[str, Key, int]] = []
        self.here, self.there = (
            next(name for name in "abcdef" if shards.of(name, 2) == shard) for shard in (0, 1)
        )

    def begin(self, shard: int) -> None:
        kinds = (inventory.CREDENTIAL, inventory.REFERENCE, inventory.DISTRIBUTION)
        self.at_work[shard] = {kind: functools.partial(self._note, kind) for kind in kinds}

    async def _note(self, kind: str, key: Key) -> datetime.datetime | None:
        self.seen.append((kind, key, shards.under_way()))
        return await self._pass(kind, key)

    def put(self, kind: str, namespace: str, **spec: Any) -> None:
        made = document("one", **spec)
        made["metadata"] |= {"namespace": namespace, "uid": f"{kind}-{namespace}"}
        see = self.controller.see_credential if kind == "credential" else self.controller.see_reference
        see("ADDED", made)


@pytest.fixture
async def divided() -> AsyncIterator[Divided]:
    running = Divided()
    async with beside.doing(running.controller.work(running.at_work)):
        yield running
    await running.controller.drain(1)


async def test_only_what_belongs_to_a_shard_that_is_worked_on_is_looked_at(divided: Divided) -> None:
    divided.begin(0)
    divided.put("credential", divided.there)
    divided.put("credential", divided.here)
    await divided.until(1)
    assert divided.seen == [("Credential", Key(divided.here, "one"), 0)]
    assert divided.controller.lag() == 0.0


async def test_a_reference_is_looked_at_where_its_credential_is(divided: Divided) -> None:
    divided.begin(0)
    divided.put("reference", divided.there, credentialRef={"namespace": divided.here, "name": "one"})
    divided.put("reference", divided.here, credentialRef={"namespace": divided.there, "name": "one"})
    await divided.until(2)
    assert sorted(divided.seen) == [
        ("Credential", Key(divided.here, "one"), 0),
        ("CredentialReference", Key(divided.there, "one"), 0),
    ]


async def test_whoever_takes_a_shard_over_looks_at_all_of_it(divided: Divided) -> None:
    for place in (divided.here, divided.there):
        divided.put("credential", place, aws={}, distribute={})
        divided.put("reference", place, credentialRef={"name": "one"})
    async with asyncio.timeout(5):
        while divided.controller.load()["Credential"].waiting:
            await asyncio.sleep(0)
    divided.begin(1)
    divided.controller.wake_shard(1)
    await divided.until(3)
    kinds = ("Credential", "CredentialReference", "Distribution")
    assert sorted(divided.seen) == [(kind, Key(divided.there, "one"), 1) for kind in kinds]


async def test_the_end_of_a_shard_waits_for_its_own_passes_alone(divided: Divided) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def last(_: Key) -> None:
        begun.set()
        await end.wait()

    divided.at_work[1] = {inventory.CREDENTIAL: last}
    divided.put("credential", divided.there)
    await asyncio.wait_for(begun.wait(), 5)
    await asyncio.wait_for(divided.controller.drain(60, 0), 5)
    ending = asyncio.create_task(divided.controller.drain(60, 1))
    await asyncio.sleep(0.01)
    assert not ending.done()
    end.set()
    await asyncio.wait_for(ending, 5)

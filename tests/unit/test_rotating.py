"""Keys that renew themselves: whatever goes wrong at whatever moment, there is a good key, and none is left over."""

import datetime
from typing import Any

import pytest

from credential_operator import errors, findings, installation
from credential_operator.inventory import ROTATE_AT
from credential_operator.providers import rotate
from unit.principal import SOURCE, STORE, Killed, World


@pytest.fixture
def world() -> World:
    return World(interval="1h")


async def settle(world: World, turns: int = 12, **time: float) -> list[tuple[str, str]]:
    """Makes passes until nothing more happens without time passing; gives the events."""
    events: list[tuple[str, str]] = []
    for _ in range(turns):
        managed = await world.turn()
        events += managed.events
        check(world)
    return events


def check(world: World) -> None:
    """Says what is to be so at every moment."""
    assert world.principal.works(world.published), "consumers always have a key that works"
    assert len(world.principal.keys) <= world.principal.most


async def test_a_key_is_made_accepted_published_and_the_one_before_ended(world: World) -> None:
    events = await settle(world)
    assert [reason for reason, _ in events] == ["RotationBegun", "KeyMade", "KeyReplaced"]
    assert (world.published, world.stored()) == ("B", {"key_id": "B", "secret": "canary-B"})
    assert world.last.document == {"keyID": "B", "previousKeyID": "A"}
    assert sorted(world.principal.keys) == ["A", "B"]

    world.drain()
    await settle(world)
    assert world.principal.works("A"), "it is kept for a while"
    assert world.look_at == world.now + datetime.timedelta(hours=1)

    world.wait(hours=1)
    assert [reason for reason, _ in await settle(world)] == ["PreviousKeyDisabled"]
    assert not world.principal.works("A")
    assert world.last.document["previousDisabledAt"] == findings.show_time(world.now)

    world.wait(hours=1)
    events = await settle(world)
    assert [reason for reason, _ in events] == ["PreviousKeyDeleted", "KeyMade", "KeyReplaced"]
    assert sorted(world.principal.keys) == ["B", "C"], "the next one was due"


async def test_nothing_is_done_before_it_is_due(world: World) -> None:
    world.wanted["interval"] = "8760h"
    await settle(world)
    assert world.principal.calls == ["owner", "claim", "owner", "list"]
    assert world.last.document["nextTime"] == findings.show_time(world.look_at or world.now)
    assert (world.published, world.stored()["key_id"]) == ("A", "A")


async def test_a_new_key_can_be_asked_for(world: World) -> None:
    world.wanted["interval"] = "8760h"
    await settle(world)
    world.annotations[ROTATE_AT] = "now"
    await settle(world)
    assert world.published == "B"
    world.drain()
    world.wait(hours=1)
    await settle(world)
    world.wait(hours=1)
    await settle(world)
    assert sorted(world.principal.keys) == ["B"], "the same annotation asks once"
    assert "nextTime" in world.last.document


async def test_no_key_is_ended_while_it_is_run_and_that_is_told_when_the_next_is_due(world: World) -> None:
    await settle(world)
    assert world.error is None
    world.wait(days=30)
    await settle(world)
    assert world.principal.works("A")
    assert isinstance(world.error, errors.InUse)
    assert "restart them" in world.error.message


async def test_where_nobody_looks_at_workloads_time_alone_ends_the_previous_key(world: World) -> None:
    world.begin(watches=False)
    await settle(world)
    del world.status["rotation"]["drained"]
    await settle(world)
    world.wait(hours=1)
    await settle(world)
    assert not world.principal.works("A")


async def test_a_provider_that_cannot_disable_keys_deletes_them(world: World) -> None:
    world.principal.disables = False
    await settle(world)
    world.drain()
    world.wait(hours=1)
    await settle(world)
    assert "A" not in world.principal.keys
    assert "disable" not in world.principal.calls


async def test_a_previous_key_that_cannot_be_told_is_left_and_said_so(world: World) -> None:
    world.principal.unsure = True
    world.annotations[ROTATE_AT] = "now"
    await settle(world)
    assert world.published == "B"
    world.drain()
    world.wait(hours=1)
    events = await settle(world)
    assert events[0][0] == "PreviousKeyLeft"
    assert world.principal.works("A")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("calls", range(6))
async def test_a_key_that_was_asked_for_comes_though_the_operator_ends_at_any_call(
    world: World, calls: int, *, after: bool
) -> None:
    world.wanted["interval"] = "8760h"
    await settle(world)
    world.annotations[ROTATE_AT] = "now"
    world.fuse.left, world.fuse.after = calls, after
    for _ in range(12):
        try:
            await world.turn()
        except Killed:
            world.begin()
        check(world)
        world.wait(minutes=1)
    assert world.fuse.blown
    assert world.published != "A"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("calls", range(24))
async def test_an_operator_that_ends_at_any_call_leaves_a_good_key_and_no_other(
    world: World, calls: int, *, after: bool
) -> None:
    world.fuse.left, world.fuse.after = calls, after
    for _ in range(60):
        try:
            await world.turn()
        except Killed:
            world.begin()
        check(world)
        world.drain()
        world.wait(minutes=6)
        if "D" in world.principal.keys:
            break
    assert world.fuse.blown, "the fuse is within what a rotation does"
    world.wanted["interval"] = "8760h"
    for _ in range(40):
        await world.turn()
        check(world)
        world.drain()
        world.wait(minutes=10)
    assert [*world.principal.keys] == [world.published]
    assert world.stored() == {"key_id": world.published, "secret": f"canary-{world.published}"}


async def test_a_key_that_a_person_made_is_not_deleted(world: World) -> None:
    world.principal.most = 3
    world.principal.add("P", world.now - datetime.timedelta(days=1))
    await settle(world)
    world.drain()
    world.wait(hours=1)
    await settle(world)
    world.wait(hours=1)
    await settle(world)
    assert "P" in world.principal.keys
    assert "A" not in world.principal.keys


async def test_a_principal_that_has_all_keys_it_may_have_is_told(world: World) -> None:
    world.principal.add("P", world.now - datetime.timedelta(days=1))
    await settle(world)
    assert isinstance(world.error, errors.Misconfigured)
    assert "delete one that nobody uses of P" in world.error.message
    assert world.published == "A"


async def test_a_new_key_that_is_refused_for_long_is_deleted_and_made_again_later(world: World) -> None:
    world.principal.refuses_new = True
    await settle(world)
    assert world.last.document["candidateKeyID"] == "B"
    assert world.look_at == world.now + datetime.timedelta(seconds=findings.CONFIRM_AFTER)
    assert world.published == "A"

    world.wait(minutes=15)
    await world.turn()
    assert isinstance(world.error, errors.Rejected)
    assert world.error.message.startswith("The new key was not accepted, and is deleted.")
    assert [*world.principal.keys] == ["A"]

    world.begin()
    await settle(world)
    assert [*world.principal.keys] == ["A"], "not before an hour has passed"
    world.principal.refuses_new = False
    world.wait(hours=1)
    await settle(world)
    assert world.published == "B"


async def test_one_installation_owns_a_principal_and_another_is_told_which(world: World) -> None:
    await settle(world)
    other = World(interval="1h")
    other.principal.owned_by = world.principal.owned_by
    other.begin(keyring=installation.Installation(b"o" * 32))
    await settle(other)
    assert isinstance(other.error, errors.RotatedElsewhere)
    assert other.error.message.startswith("cluster:team-a/backups rotates the keys of this principal")
    assert set(other.principal.calls) == {"owner"}


async def test_a_principal_taken_by_another_in_the_meantime_is_left_to_it(world: World) -> None:
    world.wanted["interval"] = "8760h"
    await settle(world)
    world.principal.owned_by = "elsewhere"
    world.annotations[ROTATE_AT] = "now"
    await settle(world)
    assert isinstance(world.error, errors.RotatedElsewhere)
    assert world.error.message.startswith("elsewhere rotates")
    assert [*world.principal.keys] == ["A"]


async def test_a_provider_that_learns_late_of_an_owner_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.principal, "claim", lambda *_: None)
    await world.turn()
    assert isinstance(world.error, errors.Conflict)
    assert world.last.due


async def test_somebody_elses_secret_is_no_store(world: World) -> None:
    world.secrets.put(STORE, {"key_id": "X"})
    await settle(world)
    assert isinstance(world.error, errors.TargetConflict)
    assert world.stored() == {"key_id": "X"}
    assert world.principal.calls == []


@pytest.mark.parametrize("touches", [1, 2, 3])
async def test_a_new_key_is_kept_in_a_store_that_others_touch(
    world: World, monkeypatch: pytest.MonkeyPatch, touches: int
) -> None:
    make = world.principal.make

    def touched(*asked: Any) -> rotate.Made:
        world.secrets.touch(STORE)
        world.secrets.touches = touches - 1
        return make(*asked)

    monkeypatch.setattr(world.principal, "make", touched)
    await settle(world)
    assert (world.published == "B", isinstance(world.error, errors.Conflict)) == (touches < 3, touches >= 3)

    monkeypatch.undo()
    world.begin()
    world.wait(minutes=1)
    assert ("OrphanDeleted" in [reason for reason, _ in await settle(world)]) == (touches >= 3)
    assert world.published == "B"


async def test_a_session_is_not_rotated(world: World) -> None:
    world.secrets.put(SOURCE, {"key_id": "session", "secret": "x"})
    await settle(world)
    assert isinstance(world.error, errors.Misconfigured)
    assert world.principal.calls == []


async def test_a_store_that_was_set_back_to_the_previous_key_ends_nothing(world: World) -> None:
    await settle(world)
    world.drain()
    world.wait(hours=2)
    world.secrets.put(STORE, {"key_id": "A", "secret": "canary-A"})
    world.published = "A"
    await settle(world)
    assert isinstance(world.error, errors.Misconfigured)
    assert world.error.message == "a key does not end itself"
    assert sorted(world.principal.keys) == ["A", "B"]


async def test_a_store_without_a_word_of_which_key_is_which_begins_anew(world: World) -> None:
    world.wanted["interval"] = "8760h"
    await settle(world)
    world.secrets.put(STORE, world.stored(), annotations={})
    await settle(world)
    assert world.error is None
    world.annotations[ROTATE_AT] = "now"
    await settle(world)
    assert world.published == "B"


async def test_while_it_is_not_good_nothing_is_made(world: World) -> None:
    world.status["conditions"][0]["status"] = "False"
    await settle(world)
    assert world.principal.calls == []


async def test_a_step_that_is_due_and_cannot_be_taken_is_not_looked_at_all_the_time(world: World) -> None:
    world.wanted["interval"] = "8760h"
    await settle(world)
    world.annotations[ROTATE_AT] = "now"
    world.status["conditions"][0]["status"] = "False"
    calls = len(world.principal.calls)
    await settle(world)
    assert len(world.principal.calls) == calls
    assert world.look_at == world.now + datetime.timedelta(minutes=1)

    world.status["conditions"][0]["status"] = "True"
    world.status["source"] = {"secretName": SOURCE}
    await world.rotate()
    assert len(world.principal.calls) == calls, "the status says first where the key is"
    assert world.look_at == world.now + datetime.timedelta(minutes=1)
    await world.rotate(source={"secretName": STORE})
    assert world.look_at == world.now + datetime.timedelta(seconds=1), "this pass has found that out"
    await settle(world)
    assert world.published == "B"


async def test_failures_are_spaced_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credential_operator.pacing.time.monotonic", lambda: 0.0)
    world.secrets.put(SOURCE, {"key_id": "A", "secret": "wrong"})
    await settle(world)
    assert isinstance(world.error, errors.Rejected)
    assert world.principal.calls == ["owner"]
    assert world.last.due
    assert world.look_at is not None
    assert world.look_at > world.now

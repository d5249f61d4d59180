"""What every rotation keeps, as tests: a type's test of its rotation subclasses `Rotations`."""

from __future__ import annotations

import datetime
import functools
import logging
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import pytest

from credential_operator import errors
from credential_operator.providers import contract, network, rotate
from providers import suite

OWNER = "cluster-1/team-a/backups"
MARK = "credential-operator:team-a/backups:2"
Fields = Mapping[str, str]


class Rotations:
    """What every rotation keeps."""

    type_name: ClassVar[str]
    makes: ClassVar[str]
    """The emulator's name of the call that makes a key."""

    @pytest.fixture
    def stage(self) -> suite.Stage:
        """A key whose principal may do all that rotation needs."""
        raise NotImplementedError

    @pytest.fixture
    def ask(self, stage: suite.Stage) -> Callable[..., Any]:
        return functools.partial(ask, stage)

    @pytest.fixture
    def denied(self, stage: suite.Stage, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., Any]]:
        """Asks for what must be denied, and looks for key material in all that this leaves behind."""

        def denied(kind: type[errors.CredentialError], what: str, *arguments: Any, **more: Any) -> Any:
            return suite.refusal(
                kind,
                lambda: ask(stage, what, *arguments, **more),
                secrets=self.secrets(stage, more.get("fields") or stage.good),
                log=caplog,
            )

        yield denied
        stage.emulator.faults.clear()

    def secrets(self, stage: suite.Stage, fields: Fields) -> list[str]:
        """Gives what of a key must stand nowhere."""
        return stage.material(fields)

    def key_id(self, stage: suite.Stage) -> str:
        """Gives the public name of the stored key."""
        raise NotImplementedError

    def forbid(self, stage: suite.Stage) -> None:
        """Takes from the principal all that rotation needs."""
        raise NotImplementedError

    def sent(self, stage: suite.Stage) -> int:
        """Counts the calls so far that make a key."""
        return sum(call.action == self.makes for call in stage.emulator.calls)

    def elsewhere(self, stage: suite.Stage, url: str) -> Mapping[str, Any]:
        """Gives the config by which the calls go to another URL."""
        return stage.at(stage.config, url)

    def test_another_key_is_made_and_both_are_good(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        made = ask("make", MARK)
        names = [field.alias for field in stage.provider.keys.model_fields.values()]
        assert made.fields.keys() <= set(names)
        assert made.fields != stage.good
        new, old = stage.check(made.fields), stage.check()
        assert new.identity == old.identity

    def test_both_are_listed_and_each_is_known(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        before = ask("listed")
        assert [one.id for one in before] == [self.key_id(stage)]
        made = ask("make", MARK)
        listed = ask("listed", fields=made.fields)
        assert {one.id for one in listed} == {self.key_id(stage), made.id}
        assert [*listed] == sorted(listed, key=lambda one: one.created_at)
        assert all(one.enabled for one in listed)
        now = datetime.datetime.now(datetime.UTC)
        assert all(abs(one.created_at - now) < datetime.timedelta(minutes=1) for one in listed)
        assert identified(stage, stage.good, listed) == self.key_id(stage)
        assert identified(stage, made.fields, listed) == made.id
        assert identified(stage, made.fields, before) is None

    def test_what_is_written_on_a_key_is_read_again(self, ask: Callable[..., Any]) -> None:
        made = ask("make", MARK)
        (mark,) = [one.mark for one in ask("listed") if one.id == made.id]
        assert mark in {MARK, None}

    def test_a_disabled_key_is_refused(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        made = ask("make", MARK)
        for _ in range(2):
            ask("disable", self.key_id(stage), fields=made.fields)
        (old,) = [one for one in ask("listed", fields=made.fields) if one.id != made.id]
        if not rotation_of(stage).disables:
            assert old.enabled
            assert stage.check()
            return
        assert not old.enabled
        with pytest.raises((errors.Rejected, errors.KeyDisabled)):
            stage.check()

    def test_a_deleted_key_is_refused_and_gone(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        made = ask("make", MARK)
        ask("disable", self.key_id(stage), fields=made.fields)
        for _ in range(2):
            ask("delete", self.key_id(stage), fields=made.fields)
        ask("disable", self.key_id(stage), fields=made.fields)
        assert [one.id for one in ask("listed", fields=made.fields)] == [made.id]
        assert stage.check(made.fields)
        with pytest.raises(errors.Rejected):
            stage.check()

    def test_a_key_does_not_end_itself(self, stage: suite.Stage, denied: Callable[..., Any]) -> None:
        ask(stage, "make", MARK)
        own = self.key_id(stage)
        for call in ["disable", "delete"] if rotation_of(stage).disables else ["delete"]:
            assert own in denied(errors.Misconfigured, call, own).message
        assert stage.check()

    def test_keys_renew_each_other_again_and_again(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        fields: Fields = stage.good
        for _ in range(3):
            (old,) = ask("listed", fields=fields)
            fields = ask("make", MARK, fields=fields).fields
            ask("disable", old.id, fields=fields)
            ask("delete", old.id, fields=fields)
            assert stage.check(fields)

    def test_a_key_whose_secret_was_lost_is_found_and_removed(
        self, stage: suite.Stage, ask: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.cut(middle=True, action=self.makes, count=1)
        with pytest.raises(errors.ProviderUnreachable):
            ask("make", MARK)
        (orphan,) = [one for one in ask("listed") if one.id != self.key_id(stage)]
        assert orphan.used in {False, None}
        ask("delete", orphan.id)
        assert [one.id for one in ask("listed")] == [self.key_id(stage)]
        assert stage.check()

    @pytest.mark.parametrize("middle", [False, True])
    def test_one_is_never_asked_for_twice(
        self, stage: suite.Stage, denied: Callable[..., Any], *, middle: bool
    ) -> None:
        # A connection that was good before, which a transport could be tempted to make anew.
        with stage.session() as kept:
            ask(stage, "listed", within=kept)
            stage.emulator.reset_calls()
            stage.emulator.faults.cut(middle=middle, action=self.makes)
            denied(errors.ProviderUnreachable, "make", MARK, within=kept)
        assert self.sent(stage) == 1

    def test_there_are_no_more_than_the_provider_allows(
        self, stage: suite.Stage, ask: Callable[..., Any], denied: Callable[..., Any]
    ) -> None:
        rotation = rotation_of(stage)
        for _ in range(rotation.most - 1):
            ask("make", MARK)
        assert "delete" in denied(errors.Misconfigured, "make", MARK).message
        assert len(ask("listed")) == rotation.most

    def test_the_owner_is_what_was_claimed(self, ask: Callable[..., Any]) -> None:
        assert ask("owner") == ""
        for owner in (OWNER, OWNER, "az.AZ-09_:/=+@"):
            ask("claim", owner)
            assert ask("owner") == owner

    def test_the_owner_is_the_principals_and_not_the_keys(
        self, stage: suite.Stage, ask: Callable[..., Any]
    ) -> None:
        ask("claim", OWNER)
        made = ask("make", MARK)
        ask("delete", self.key_id(stage), fields=made.fields)
        assert ask("owner", fields=made.fields) == OWNER

    def test_what_to_permit_is_named(self, stage: suite.Stage, denied: Callable[..., Any]) -> None:
        self.forbid(stage)
        for call in self.calls(stage):
            message = denied(errors.PermissionDenied, *call).message
            assert not [one for one in rotation_of(stage).needs if one not in message]

    def test_a_wrong_key_can_do_nothing(self, stage: suite.Stage, denied: Callable[..., Any]) -> None:
        assert stage.wrong
        for fields in stage.wrong.values():
            for call in self.calls(stage):
                denied(errors.Rejected, *call, fields=fields)

    def test_a_provider_that_is_down_is_unreachable(
        self, stage: suite.Stage, denied: Callable[..., Any]
    ) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        within = network.Session(network.Policy(allow=[f"127.0.0.1:{port}"]))
        config = self.elsewhere(stage, f"{stage.emulator.url.rpartition(':')[0]}:{port}")
        for call in self.calls(stage):
            denied(errors.ProviderUnreachable, *call, config=config, within=within)

    def test_a_slow_provider_is_unreachable_when_the_time_is_over(
        self, stage: suite.Stage, denied: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.delay(0.5)
        for call in self.calls(stage):
            began = time.monotonic()
            denied(errors.ProviderUnreachable, *call, timeout=0.3)
            assert time.monotonic() - began < 15

    def test_a_provider_in_trouble_is_tried_again_later(
        self, stage: suite.Stage, denied: Callable[..., Any]
    ) -> None:
        faults = stage.emulator.faults
        for call in self.calls(stage):
            for status in (500, 503):
                faults.error(status=status, message=suite.BODY)
                denied(errors.ProviderUnreachable, *call)
                faults.clear()
            faults.throttle(retry_after=9)
            assert denied(errors.RateLimited, *call).retry_after == 9
            faults.clear()

    @pytest.mark.parametrize("body", ["", f"<html>{suite.BODY}", "[]", f'{{"error": "{suite.BODY}"}}'])
    @pytest.mark.parametrize("status", [200, 404])
    def test_a_lying_provider_is_not_believed(
        self, stage: suite.Stage, denied: Callable[..., Any], body: str, status: int
    ) -> None:
        stage.emulator.faults.answer(body, status=status)
        for call in self.calls(stage):
            denied(errors.ProviderUnreachable, *call)

    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, stage: suite.Stage, denied: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.skew(-4000)
        for call in self.calls(stage):
            denied(errors.ClockSkew, *call)

    def test_a_new_key_may_be_refused_at_first(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        ask("listed")
        stage.emulator.delay_new_keys(1.5)
        wait_until(lambda: works(stage, stage.good))
        made = ask("make", MARK)
        assert not works(stage, made.fields)
        wait_until(lambda: works(stage, made.fields))

    def test_a_new_key_may_be_listed_late(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        stage.emulator.list_new_keys_late(1.5)
        made = ask("make", MARK)
        assert made.id not in {one.id for one in ask("listed")}
        wait_until(lambda: made.id in {one.id for one in ask("listed")})

    def test_nothing_of_a_new_key_is_printed_or_logged(
        self, stage: suite.Stage, ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        made = ask("make", MARK)
        ask("claim", OWNER, fields=made.fields)
        listed = ask("listed", fields=made.fields)
        left_behind = f"{made!r} {made} {listed!r} {caplog.text}"
        secrets = [*self.secrets(stage, made.fields), *self.secrets(stage, stage.good)]
        assert secrets
        assert not [text for text in secrets if text in left_behind]

    def test_a_usual_key_can_be_rotated(self, stage: suite.Stage) -> None:
        fit(stage)
        assert stage.emulator.calls == []

    def test_the_endpoint_is_host_and_port(self, stage: suite.Stage) -> None:
        assert re.fullmatch(r"[^:/]+:[0-9]+", rotation_of(stage).endpoint(stage.read()))

    def calls(self, stage: suite.Stage) -> Iterable[tuple[str, ...]]:
        """Gives all that a rotation can be asked for, with arguments."""
        yield ("owner",)
        yield ("claim", OWNER)
        yield ("listed",)
        yield ("make", MARK)
        yield ("delete", "no-such-key")
        if rotation_of(stage).disables:
            yield ("disable", "no-such-key")


def rotation_of(stage: suite.Stage) -> rotate.Rotation:
    """Gives how the keys of a type are rotated."""
    rotation = rotate.rotation_of(stage.provider)
    assert rotation is not None
    return rotation


def ask(
    stage: suite.Stage,
    what: str,
    *arguments: Any,
    fields: Fields | None = None,
    keys: Any = None,
    config: Mapping[str, Any] | None = None,
    **more: Any,
) -> Any:
    """Asks a rotation for something, with a key, as the operator does."""
    method = getattr(rotation_of(stage), what)
    read, given = stage.read(config), keys or stage.load(fields)
    return stage.run(lambda context: method(read, given, *arguments, context), **more)


def fit(
    stage: suite.Stage,
    fields: Fields | None = None,
    *,
    keys: Any = None,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Looks whether a key can be rotated."""
    rotation_of(stage).fit(stage.read(config), keys or stage.load(fields))


def identified(stage: suite.Stage, fields: Fields, listed: Iterable[rotate.Listed]) -> str | None:
    """Tells which of the listed a key is."""
    return rotation_of(stage).identify(stage.read(), stage.load(fields), [*listed])


def works(stage: suite.Stage, fields: Fields) -> bool:
    """Tells whether the provider accepts a key."""
    try:
        return isinstance(stage.check(fields), contract.Validation)
    except errors.Rejected:
        return False


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for what must come true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)

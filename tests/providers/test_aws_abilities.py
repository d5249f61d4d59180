"""How old AWS says that a key is, and which accounts it sees."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import Any

import pytest

from credential_operator import errors
from credential_operator.providers import contract
from emulators import aws as emulators
from providers import amazon, suite

HISTORY = ("iam:GetAccessKeyLastUsed", "iam:ListAccessKeys")


class TestHistory(amazon.Account):
    def test_a_key_has_been_made_and_not_been_used(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        amazon.grant(emulator, user, *HISTORY)
        emulator.create_key(user)
        now = datetime.datetime.now(datetime.UTC)
        found = stage.ask("history")
        assert found.last_used_at is None
        assert abs(found.created_at - now) < datetime.timedelta(minutes=1)

    def test_a_use_is_told(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        amazon.grant(emulator, user, *HISTORY)
        stage.check()
        now = datetime.datetime.now(datetime.UTC)
        assert abs(stage.ask("history").last_used_at - now) < datetime.timedelta(minutes=1)

    def test_the_last_use_is_asked_for_before_asking_is_one(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        amazon.grant(emulator, user, *HISTORY)
        stage.ask("history")
        assert amazon.actions(emulator) == ["GetAccessKeyLastUsed", "ListAccessKeys"]

    @pytest.mark.parametrize(("granted", "told"), [(HISTORY[0], "last_used_at"), (HISTORY[1], "created_at")])
    def test_what_may_be_read_is_told_without_the_other(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        granted: str,
        told: str,
    ) -> None:
        stage.check()
        amazon.grant(emulator, user, granted)
        found = stage.ask("history")
        assert [name for name in ("last_used_at", "created_at") if getattr(found, name)] == [told]

    def test_a_key_that_may_read_neither_is_not_permitted(self, refused: Callable[..., Any]) -> None:
        assert "iam:ListAccessKeys" in refused(errors.PermissionDenied, "history").message

    def test_a_session_has_none_and_nobody_is_asked(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        keys = stage.load(
            amazon.session_of(emulator, stage, emulator.create_role("r", trust=emulators.trust(user)))
        )
        emulator.reset_calls()
        assert stage.ask("history", keys=keys) is None
        assert emulator.calls == []

    def test_a_key_for_a_role_has_its_own(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        amazon.grant(emulator, user, *HISTORY)
        role = emulator.create_role("far", trust=emulators.trust(user), account=amazon.OTHER)
        assert stage.ask("history", config=amazon.assuming(stage, role)).created_at
        assert "AssumeRole" not in amazon.actions(emulator)


class TestReach(amazon.Account):
    def test_all_accounts_are_counted_over_all_pages(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        numbers = emulator.create_organization([f"team {number:02}" for number in range(45)])
        amazon.grant(emulator, user, "organizations:ListAccounts")
        found = stage.ask("reach")
        assert found.count == 46
        assert [place.id for place in found.places] == sorted([*numbers, emulators.ACCOUNT])
        assert contract.Place(id=numbers[0], name="team 00") in found.places
        assert amazon.actions(emulator) == ["ListAccounts"] * 3

    def test_a_role_sees_what_its_account_sees(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        emulator.create_organization(["one"], account=amazon.OTHER)
        amazon.grant(emulator, user, "sts:AssumeRole")
        role = emulator.create_role(
            "far",
            trust=emulators.trust(user),
            policies=[emulators.allow("organizations:ListAccounts")],
            account=amazon.OTHER,
        )
        assert stage.ask("reach", config=amazon.assuming(stage, role)).count == 2

    def test_a_key_that_may_not_list_them_is_not_permitted(
        self, emulator: emulators.AwsEmulator, user: emulators.User, refused: Callable[..., Any]
    ) -> None:
        (member,) = emulator.create_organization(["one"], account=amazon.OTHER)
        assert "organizations:ListAccounts" in refused(errors.PermissionDenied, "reach").message
        stranger = emulator.create_user("member", policies=[emulators.allow("*")], account=member)
        key_id, secret = emulator.create_key(stranger)
        keys = amazon.keys_of(key_id, secret)
        refused(errors.PermissionDenied, "reach", keys=keys)

    def test_an_account_without_an_organization_is_said_to_have_none(
        self, emulator: emulators.AwsEmulator, user: emulators.User, refused: Callable[..., Any]
    ) -> None:
        amazon.grant(emulator, user, "organizations:ListAccounts")
        assert "no organization" in refused(errors.PermissionDenied, "reach").message

    @pytest.mark.parametrize(
        "body",
        ['{"Accounts": [{"Name": "x"}]}', '{"Accounts": "x"}', "[]", "{", '{"Accounts": [], "x": NaN}'],
    )
    def test_an_answer_that_is_not_organizations_proves_nothing(
        self, emulator: emulators.AwsEmulator, refused: Callable[..., Any], body: str
    ) -> None:
        emulator.faults.answer(body, status=200)
        refused(errors.ProviderUnreachable, "reach")

    def test_pages_without_end_end_with_the_time(
        self, emulator: emulators.AwsEmulator, refused: Callable[..., Any]
    ) -> None:
        emulator.faults.answer('{"Accounts": [], "NextToken": "again"}', status=200)
        began = time.monotonic()
        refused(errors.ProviderUnreachable, "reach", timeout=0.5)
        assert time.monotonic() - began < 15


ABILITIES = [("history", ()), ("grants", (amazon.NAMES,)), ("reach", ())]


class TestTrouble(amazon.Account):
    @pytest.mark.parametrize(("ability", "arguments"), ABILITIES)
    def test_trouble_is_told_apart(
        self,
        emulator: emulators.AwsEmulator,
        refused: Callable[..., Any],
        ability: str,
        arguments: tuple[Any, ...],
    ) -> None:
        emulator.faults.throttle(retry_after=7, count=1)
        assert refused(errors.RateLimited, ability, *arguments).retry_after == 7
        emulator.faults.answer(f"<p>{suite.BODY}</p>", status=503, headers={"Retry-After": "7"}, count=1)
        assert refused(errors.ProviderUnreachable, ability, *arguments).retry_after == 7
        emulator.faults.cut(count=1)
        refused(errors.ProviderUnreachable, ability, *arguments)
        emulator.faults.answer(f"<ErrorResponse><Code>{suite.BODY}!", status=403, count=1)
        refused(errors.ProviderUnreachable, ability, *arguments)
        emulator.faults.skew(4000, count=1)
        refused(errors.ClockSkew, ability, *arguments)

    @pytest.mark.parametrize(("ability", "arguments"), ABILITIES)
    def test_a_key_that_does_not_work_is_rejected(
        self, stage: suite.Stage, refused: Callable[..., Any], ability: str, arguments: tuple[Any, ...]
    ) -> None:
        keys = amazon.keys_of(stage.good["accessKeyID"], "wrong" * 8)
        refused(errors.Rejected, ability, *arguments, keys=keys)

    @pytest.mark.parametrize(("ability", "arguments"), ABILITIES)
    def test_the_time_is_the_whole_calls(
        self,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        refused: Callable[..., Any],
        ability: str,
        arguments: tuple[Any, ...],
    ) -> None:
        emulator.create_organization([f"{number}" for number in range(30)])
        amazon.grant(emulator, user, "*")
        emulator.faults.delay(0.4)
        began = time.monotonic()
        refused(errors.ProviderUnreachable, ability, *arguments, timeout=0.6)
        assert time.monotonic() - began < 6

    @pytest.mark.parametrize("code", ["InvalidClientTokenId", "ExpiredToken", "OptInRequired"])
    def test_a_simulation_that_is_refused_for_another_reason_says_which(
        self, emulator: emulators.AwsEmulator, refused: Callable[..., Any], code: str
    ) -> None:
        kinds = {"InvalidClientTokenId": errors.Rejected, "ExpiredToken": errors.Expired}
        emulator.faults.error(status=403, code=code, action="SimulatePrincipalPolicy")
        refused(kinds.get(code, errors.PermissionDenied), "grants", amazon.NAMES)

    @pytest.mark.parametrize(
        "results",
        [
            "",
            "<member><EvalActionName>s3:PutObject</EvalActionName><EvalDecision>allowed</EvalDecision></member>",
            "<member><EvalActionName>s3:GetObject</EvalActionName><EvalDecision>sure</EvalDecision></member>",
        ],
    )
    def test_a_simulation_that_leaves_an_action_out_proves_nothing(
        self, emulator: emulators.AwsEmulator, refused: Callable[..., Any], results: str
    ) -> None:
        body = (
            f"<SimulatePrincipalPolicyResponse><EvaluationResults>{results}</EvaluationResults>"
            "</SimulatePrincipalPolicyResponse>"
        )
        emulator.faults.answer(body, status=200, action="SimulatePrincipalPolicy")
        refused(errors.ProviderUnreachable, "grants", ("s3:GetObject",))

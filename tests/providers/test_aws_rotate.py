"""Access keys of AWS that renew themselves, before a stand-in that verifies who may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from credential_operator import errors
from credential_operator.providers import _aws_rotate
from emulators import aws as emulators
from emulators import clients
from providers import amazon, issuing, rotating, suite

ROOT = f"arn:aws:iam::{emulators.ACCOUNT}:root"
CALLER = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{arn}</Arn><Account>{account}</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


class TestRotation(amazon.Account, rotating.Rotations):
    type_name: ClassVar[str] = "aws"
    makes: ClassVar[str] = "CreateAccessKey"

    @pytest.fixture
    def user(self, emulator: emulators.AwsEmulator) -> emulators.User:
        user = emulator.create_user("backup", path="/team/")
        emulator.set_policies(user.arn, [emulators.allow(*_aws_rotate.NEEDS, resource=user.arn)])
        return user

    def key_id(self, stage: suite.Stage) -> str:
        return stage.good["accessKeyID"]

    def forbid(self, stage: suite.Stage) -> None:
        stage.emulator.set_policies(f"arn:aws:iam::{emulators.ACCOUNT}:user/team/backup", [])

    def elsewhere(self, stage: suite.Stage, url: str) -> Mapping[str, Any]:
        return {**stage.config, "endpoint": url, "iamEndpoint": url}

    def test_it_needs_no_right_on_anybody_else(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, ask: Callable[..., Any]
    ) -> None:
        other = amazon.stage_of(emulator, emulator.create_user("other"))
        for call in (("disable", self.key_id(other)), ("delete", self.key_id(other))):
            ask(*call)
        assert other.check().identity

    def test_the_calls_are_those_that_are_documented(
        self, emulator: emulators.AwsEmulator, ask: Callable[..., Any]
    ) -> None:
        made = {}
        for call in (
            ("owner",),
            ("claim", "me"),
            ("listed",),
            ("make", ""),
            ("disable", "x"),
            ("delete", "x"),
        ):
            emulator.reset_calls()
            ask(*call)
            made[call[0]] = amazon.actions(emulator)
        assert made == {
            "owner": ["GetCallerIdentity", "ListUserTags"],
            "claim": ["GetCallerIdentity", "TagUser"],
            "listed": ["ListAccessKeys", "GetAccessKeyLastUsed"],
            "make": ["GetCallerIdentity", "CreateAccessKey"],
            "disable": ["UpdateAccessKey"],
            "delete": ["DeleteAccessKey"],
        }

    def test_a_role_that_is_assumed_changes_nothing(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        ask: Callable[..., Any],
    ) -> None:
        role = emulator.create_role("far", trust=emulators.trust(user), account=amazon.OTHER)
        config = {**amazon.assuming(stage, role), "accountID": amazon.OTHER}
        rotating.fit(stage, config=config)
        ask("claim", rotating.OWNER, config=config)
        made = ask("make", rotating.MARK, config=config)
        assert "AssumeRole" not in amazon.actions(emulator)
        assert stage.check(made.fields).identity == stage.check().identity

    def test_use_is_told_where_that_is_permitted(
        self, emulator: emulators.AwsEmulator, user: emulators.User, ask: Callable[..., Any]
    ) -> None:
        made = ask("make", rotating.MARK)
        assert {one.id == made.id: one.used for one in ask("listed")} == {True: False, False: True}
        needs = [one for one in _aws_rotate.NEEDS if one != "iam:GetAccessKeyLastUsed"]
        emulator.set_policies(user.arn, [emulators.allow(*needs, resource=user.arn)])
        assert [one.used for one in ask("listed")] == [None, None]

    def test_a_key_that_nothing_is_known_of_yet_is_listed(
        self, emulator: emulators.AwsEmulator, ask: Callable[..., Any]
    ) -> None:
        emulator.faults.error(status=404, code="NoSuchEntity", action="GetAccessKeyLastUsed")
        (key,) = ask("listed")
        assert key.used is None

    def test_lists_are_read_to_their_end(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        ask: Callable[..., Any],
    ) -> None:
        emulator.set_policies(user.arn, [emulators.allow("iam:*")])
        key = (stage.good["accessKeyID"], stage.good["secretAccessKey"])
        tags = [{"Key": f"a-{number}", "Value": "<&>"} for number in range(5)]
        clients.client("iam", emulator, key).tag_user(UserName=user.name, Tags=tags)
        ask("claim", rotating.OWNER)
        ask("make", rotating.MARK)
        emulator.set_list_page(1)
        assert ask("owner") == rotating.OWNER
        assert len(ask("listed")) == 2

    def test_a_list_that_is_cut_off_is_none(self, emulator: emulators.AwsEmulator, denied: Any) -> None:
        for action, call in {"ListAccessKeys": ("listed",), "ListUserTags": ("owner",)}.items():
            emulator.faults.answer(f"<{action}Response>{'<a>b</a>' * 20_000}", action=action)
            denied(errors.ProviderUnreachable, *call)

    @pytest.mark.parametrize(
        "member",
        ["<AccessKeyId>AKIA</AccessKeyId>", "<CreateDate>2026-01-01T00:00:00Z</CreateDate>"],
    )
    def test_a_listed_key_has_a_name_and_an_age(
        self, emulator: emulators.AwsEmulator, denied: Callable[..., Any], member: str
    ) -> None:
        emulator.faults.answer(
            "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata><member>"
            f"{member}</member></AccessKeyMetadata></ListAccessKeysResult></ListAccessKeysResponse>"
        )
        denied(errors.ProviderUnreachable, "listed")

    def test_a_new_key_without_its_secret_is_none(
        self, emulator: emulators.AwsEmulator, denied: Callable[..., Any]
    ) -> None:
        body = "<CreateAccessKeyResponse><AccessKeyId>AKIA</AccessKeyId></CreateAccessKeyResponse>"
        emulator.faults.answer(body, action="CreateAccessKey")
        denied(errors.ProviderUnreachable, "make", rotating.MARK)

    @pytest.mark.parametrize("kind", ["root", "assumed-role/far/session"])
    def test_keys_of_no_user_are_left_alone(
        self, emulator: emulators.AwsEmulator, denied: Callable[..., Any], kind: str
    ) -> None:
        arn = f"arn:aws:iam::{emulators.ACCOUNT}:{kind}"
        emulator.faults.answer(CALLER.format(arn=arn, account=emulators.ACCOUNT), action="GetCallerIdentity")
        for call in (("owner",), ("claim", rotating.OWNER), ("make", rotating.MARK)):
            assert kind.partition("/")[0] in denied(errors.Misconfigured, *call).message
        assert set(amazon.actions(emulator)) == {"GetCallerIdentity"}

    def test_sessions_are_not_rotated(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        session = {**stage.good, "accessKeyID": "ASIAQ3EGUNKNOWNKEY23", "sessionToken": "token"}
        with pytest.raises(errors.Misconfigured, match="sessionToken"):
            rotating.fit(stage, session)
        issuer = issuing.Issuer()
        emulator.trust_issuer(issuer.url, issuer.jwks)
        role = emulator.create_role("cluster", trust=emulators.federate(issuer.url, issuing.SUBJECT))
        keys = stage.exchange({"roleARN": role}, issuer.token("sts.amazonaws.com"))
        with pytest.raises(errors.Misconfigured, match="session"):
            rotating.fit(stage, keys=keys)

    def test_where_iam_is_must_be_said_where_sts_is_said(self, stage: suite.Stage) -> None:
        config = {name: value for name, value in stage.config.items() if name != "iamEndpoint"}
        with pytest.raises(errors.Misconfigured, match=r"aws\.iamEndpoint"):
            rotating.fit(stage, config=config)
        rotating.fit(stage, config={"region": "eu-west-1"})
        rotation = rotating.rotation_of(stage)
        assert (
            rotation.endpoint(stage.read({"region": "cn-north-1"})) == "iam.cn-north-1.amazonaws.com.cn:443"
        )

    @pytest.mark.parametrize("code", ["ConcurrentModification", "EntityTemporarilyUnmodifiable"])
    def test_a_user_that_is_being_changed_is_tried_again_later(
        self, emulator: emulators.AwsEmulator, denied: Callable[..., Any], code: str
    ) -> None:
        for action, call in {"TagUser": ("claim", "me"), "UpdateAccessKey": ("disable", "x")}.items():
            emulator.faults.error(status=409, code=code, message=suite.BODY, action=action)
            assert code in denied(errors.Conflict, *call).message

    def test_a_user_without_room_for_a_tag_is_told(
        self, emulator: emulators.AwsEmulator, denied: Callable[..., Any]
    ) -> None:
        emulator.faults.error(status=409, code="LimitExceeded", action="TagUser")
        assert _aws_rotate.TAG in denied(errors.Misconfigured, "claim", "me").message

    def test_an_iam_that_is_none_is_misconfigured(
        self, emulator: emulators.AwsEmulator, denied: Callable[..., Any]
    ) -> None:
        emulator.faults.error(status=400, code="InvalidAction", action="ListAccessKeys")
        assert "iamEndpoint" in denied(errors.Misconfigured, "listed").message

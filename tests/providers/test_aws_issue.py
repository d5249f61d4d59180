"""Sessions that AWS opens in place of a stored key, before a stand-in that verifies who may have them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from credential_operator import errors
from credential_operator.providers import _aws_issue, contract, issue
from emulators import aws as emulators
from providers import amazon, issuance, issuing, suite

MATERIAL = ("accessKeyID", "secretAccessKey", "sessionToken")
TAGS = {"team": "team-a", "path": "/a b/c=d@e"}
TAGGED = ("sts:AssumeRole", "sts:TagSession")


class Sessions(amazon.Account, issuance.Issuance):
    """What both kinds keep."""

    type_name: ClassVar[str] = "aws"

    def use(self, stage: suite.Stage, issued: issue.Issued) -> None:
        assert stage.check(_material(issued)).identity

    def outlive(self, stage: suite.Stage) -> None:
        stage.emulator.limit_sessions(-10)

    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, emulator: emulators.AwsEmulator, unmade: Callable[..., Any]
    ) -> None:
        emulator.faults.skew(-4000)
        unmade(errors.ClockSkew)

    def test_it_is_no_longer_accepted_when_its_life_is_over(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        issued = make()
        emulator.expire_session(str(issued.fields["accessKeyID"]))
        with pytest.raises(errors.Expired):
            self.use(stage, issued)

    def test_an_end_that_no_provider_would_say_proves_nothing(
        self, emulator: emulators.AwsEmulator, unmade: Callable[..., Any]
    ) -> None:
        action = {"SessionToken": "GetSessionToken"}.get(self.kind, self.kind)
        for ends in ("", "soon", "2050-01-01T00:00:00", "2150-01-01T00:00:00Z"):
            emulator.faults.answer(_answer(action, ends), count=1)
            unmade(errors.ProviderUnreachable)

    def test_it_lasts_as_long_as_was_asked_for(
        self, options: Mapping[str, Any], make: Callable[..., issue.Issued]
    ) -> None:
        issued = make(options={**options, "duration": "45m"})
        lasting = issued.expires_at - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(minutes=44) < lasting <= datetime.timedelta(minutes=45)


class TestSessionToken(Sessions):
    kind: ClassVar[str] = "SessionToken"

    def test_it_is_the_users_and_costs_one_call(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        make: Callable[..., issue.Issued],
    ) -> None:
        issued = make()
        assert amazon.actions(emulator) == ["GetSessionToken"]
        identity = stage.check(_material(issued)).identity
        assert identity == contract.Identity(principal=user.arn, account=emulators.ACCOUNT)
        assert issued.fields["region"] == "eu-west-1"

    def test_it_may_assume_the_role_that_consumers_assume(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User, make: Any
    ) -> None:
        role = emulator.create_role("far", trust=emulators.trust(user, external_id=suite.EXTERNAL_ID))
        config = amazon.assuming(stage, role, duration="1h", externalID=suite.EXTERNAL_ID)
        issued = make(config=config)
        assert (issued.fields["roleARN"], issued.fields["externalID"]) == (role, suite.EXTERNAL_ID)
        assert stage.check(_material(issued), config=config).identity

    def test_a_stored_session_opens_none(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        unmade: Callable[..., Any],
    ) -> None:
        role = emulator.create_role("session", trust=emulators.trust(user))
        stored = amazon.session_of(emulator, stage, role)
        emulator.reset_calls()
        assert "AssumeRole" in unmade(errors.Misconfigured, fields=stored).message
        assert emulator.calls == []

    def test_a_workload_identitys_session_is_one(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        keys = _keyless(stage, emulator, lasting=datetime.timedelta(minutes=40))
        emulator.reset_calls()
        issued = make(keys=keys)
        assert emulator.calls == []
        assert issued.expires_at == keys.expires_at.replace(microsecond=0)
        lasting = issued.expires_at - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(minutes=39) < lasting <= datetime.timedelta(minutes=40)
        assert stage.check(_material(issued)).identity


class TestAssumeRole(Sessions):
    kind: ClassVar[str] = "AssumeRole"

    @pytest.fixture
    def user(self, emulator: emulators.AwsEmulator) -> emulators.User:
        return emulator.create_user("backup", policies=[emulators.allow(*TAGGED)])

    @pytest.fixture
    def role(self, emulator: emulators.AwsEmulator, user: emulators.User) -> str:
        trust = emulators.trust(user, external_id=suite.EXTERNAL_ID, actions=TAGGED)
        return emulator.create_role("far", trust=trust, account=amazon.OTHER)

    @pytest.fixture
    def options(self, role: str) -> Mapping[str, Any]:
        return {"roleARN": role}

    def test_the_audit_log_names_who_has_it(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        make: Callable[..., issue.Issued],
    ) -> None:
        issued = make()
        assert amazon.actions(emulator) == ["AssumeRole"]
        identity = stage.check(_material(issued)).identity
        assert identity == contract.Identity(
            principal=f"arn:aws:sts::{amazon.OTHER}:assumed-role/far/team-a.backups", account=amazon.OTHER
        )

    @pytest.mark.parametrize(
        ("holder", "name"),
        [
            (issue.Holder(namespace="a", name="b"), "a.b"),
            (issue.Holder(namespace="n" * 31, name="b" * 32), f"{'n' * 31}.{'b' * 32}"),
            (issue.Holder(namespace="n" * 63, name="b" * 63), f"{'n' * 55}-"),
        ],
    )
    def test_a_name_that_is_too_long_is_cut_and_still_its_own(self, holder: issue.Holder, name: str) -> None:
        given = _aws_issue.session_name(holder)
        assert given.startswith(name)
        assert len(given) == min(len(f"{holder.namespace}.{holder.name}"), 64)
        longer = issue.Holder(namespace=holder.namespace, name=f"{holder.name}c")
        assert _aws_issue.session_name(longer) != given

    def test_the_role_of_the_credential_is_meant_where_none_is_named(
        self, stage: suite.Stage, role: str, make: Callable[..., issue.Issued]
    ) -> None:
        config = {**amazon.assuming(stage, role), "accountID": amazon.OTHER}
        issued = make(options={}, config=config)
        assert issued.fields.keys() == {*MATERIAL, "region", "endpoint", "accountID", "expiresAt"}
        assert issued.fields["accountID"] == amazon.OTHER
        self.use(stage, issued)

    def test_without_any_role_it_is_asked_for(
        self, emulator: emulators.AwsEmulator, unmade: Callable[..., Any]
    ) -> None:
        assert "issue.roleARN" in unmade(errors.Misconfigured, options={}).message
        assert emulator.calls == []

    def test_the_account_is_that_of_the_named_role(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        assert (
            make(config={**stage.config, "accountID": emulators.ACCOUNT}).fields["accountID"] == amazon.OTHER
        )

    def test_the_nearest_external_id_is_sent(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        role: str,
        make: Callable[..., issue.Issued],
    ) -> None:
        config = amazon.assuming(stage, role, externalID="configured")
        emulator.set_trust(role, emulators.trust(user, external_id="configured"))
        assert make(config=config)
        emulator.set_trust(role, emulators.trust(user, external_id="chosen"))
        assert make(config=config, options={"roleARN": role, "externalID": "chosen"})

    def test_a_role_that_trusts_others_is_not_permitted(
        self, emulator: emulators.AwsEmulator, role: str, unmade: Callable[..., Any]
    ) -> None:
        emulator.set_trust(role, emulators.trust(amazon.OTHER))
        message = unmade(errors.PermissionDenied).message
        assert role in message
        assert suite.EXTERNAL_ID in message
        assert "sts:TagSession" not in message

    def test_policies_tell_holders_by_their_tags(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User, role: str, make: Any
    ) -> None:
        trust = emulators.trust(user, actions=TAGGED)
        equal = {f"aws:RequestTag/{key}": value for key, value in TAGS.items()}
        trust["Statement"][0]["Condition"] = {"StringEquals": equal}
        emulator.set_trust(role, trust)
        self.use(stage, make(options={"roleARN": role, "sessionTags": TAGS}))

    def test_tags_that_are_not_permitted_are_named(
        self, emulator: emulators.AwsEmulator, user: emulators.User, role: str, unmade: Callable[..., Any]
    ) -> None:
        options = {"roleARN": role, "sessionTags": TAGS}
        emulator.set_trust(role, emulators.trust(user, external_id=suite.EXTERNAL_ID))
        assert "sts:TagSession" in unmade(errors.PermissionDenied, options=options).message
        emulator.set_trust(role, emulators.trust(user, external_id=suite.EXTERNAL_ID, actions=TAGGED))
        amazon.grant(emulator, user, "sts:AssumeRole")
        assert "sts:TagSession" in unmade(errors.PermissionDenied, options=options).message

    def test_more_than_the_provider_takes_is_misconfigured(
        self, emulator: emulators.AwsEmulator, role: str, unmade: Callable[..., Any]
    ) -> None:
        too_long = {"roleARN": role, "duration": "2h"}
        assert "duration" in unmade(errors.Misconfigured, options=too_long).message
        reserved = {"roleARN": role, "sessionTags": {"aws:team": "a"}}
        assert "sessionTags" in unmade(errors.Misconfigured, options=reserved).message
        emulator.faults.error(status=400, code="PackedPolicyTooLarge", message=suite.BODY)
        assert "sessionTags" in unmade(errors.Misconfigured).message

    def test_a_role_of_another_partition_is_refused_without_a_call(
        self, emulator: emulators.AwsEmulator, unmade: Callable[..., Any]
    ) -> None:
        unmade(errors.Misconfigured, options={"roleARN": "arn:aws-cn:iam::210987654321:role/x"})
        assert emulator.calls == []

    def test_a_workload_identity_takes_the_next_role_for_an_hour_at_most(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        role: str,
        make: Callable[..., issue.Issued],
        unmade: Callable[..., Any],
    ) -> None:
        keys = _keyless(stage, emulator)
        cluster = f"arn:aws:iam::{emulators.ACCOUNT}:role/cluster"
        emulator.set_trust(role, emulators.trust(cluster, external_id=suite.EXTERNAL_ID))
        self.use(stage, make(keys=keys))
        emulator.reset_calls()
        too_long = {"roleARN": role, "duration": "61m"}
        assert "1h at most" in unmade(errors.Misconfigured, keys=keys, options=too_long).message
        assert emulator.calls == []

    @pytest.mark.parametrize(
        "options",
        [
            {"duration": "14m"},
            {"duration": "13h"},
            {"roleARN": "role/backup"},
            {"externalID": "a b"},
            {"sessionTags": {"team": "a,b"}},
            {"sessionTags": {"team": "$(pod)"}},
            {"sessionTags": {"te*m": "a"}},
            {"sessionTags": {"k" * 129: "a"}},
            {"sessionTags": {"team": "a" * 257}},
            {"sessionTags": {f"tag-{number}": "a" for number in range(51)}},
        ],
    )
    def test_what_no_provider_takes_is_no_option(self, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="validation error"):
            _aws_issue.RoleOptions.model_validate(options)

    def test_names_are_put_into_tags_by_whoever_knows_them(self) -> None:
        tags = {"team": "$(namespace)/$(cluster)"}
        assert _aws_issue.RoleOptions.model_validate({"sessionTags": tags}).session_tags == tags


def _keyless(
    stage: suite.Stage, emulator: emulators.AwsEmulator, lasting: datetime.timedelta | None = None
) -> Any:
    """Opens a session as a ServiceAccount."""
    issuer = issuing.Issuer()
    emulator.trust_issuer(issuer.url, issuer.jwks)
    trust = emulators.federate(issuer.url, issuing.SUBJECT)
    role = emulator.create_role("cluster", trust=trust, policies=[emulators.allow("sts:*")])
    token = issuer.token("sts.amazonaws.com")
    return stage.exchange({"roleARN": role}, token, lasting=lasting)


def _material(issued: issue.Issued) -> dict[str, str]:
    return {name: str(issued.fields[name]) for name in MATERIAL}


def _answer(action: str, ends: str) -> str:
    parts = {"AccessKeyId": "ASIA", "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": ends}
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in parts.items())
    return f"<{action}Response><{action}Result><Credentials>{inner}</Credentials></{action}Result></{action}Response>"

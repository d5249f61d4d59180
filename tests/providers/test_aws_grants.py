"""What AWS says that a key may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from credential_operator import errors
from credential_operator.providers import aws, contract
from emulators import aws as emulators
from providers import amazon, suite

DOCUMENTED = """<?xml version="1.0"?>
<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <SimulatePrincipalPolicyResult>
    <IsTruncated>false</IsTruncated>
    <EvaluationResults>
      <member>
        <MatchedStatements>
          <member>
            <SourcePolicyId>user_reader</SourcePolicyId>
            <EndPosition><Column>58</Column><Line>1</Line></EndPosition>
            <SourcePolicyType>User</SourcePolicyType>
          </member>
        </MatchedStatements>
        <ResourceSpecificResults>
          <member>
            <EvalResourceName>*</EvalResourceName>
            <EvalResourceDecision>allowed</EvalResourceDecision>
            <MissingContextValues/>
          </member>
        </ResourceSpecificResults>
        <MissingContextValues/>
        <EvalResourceName>arn:${Partition}:s3:::${BucketName}/${KeyName}</EvalResourceName>
        <EvalDecision>allowed</EvalDecision>
        <EvalActionName>s3:GetObject</EvalActionName>
      </member>
      <member>
        <MatchedStatements/>
        <ResourceSpecificResults>
          <member>
            <EvalResourceName>*</EvalResourceName>
            <EvalResourceDecision>implicitDeny</EvalResourceDecision>
            <MissingContextValues>
              <member>s3:prefix</member>
            </MissingContextValues>
          </member>
        </ResourceSpecificResults>
        <EvalDecision>implicitDeny</EvalDecision>
        <EvalActionName>s3:ListBucket</EvalActionName>
      </member>
      <member>
        <OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations></OrganizationsDecisionDetail>
        <MissingContextValues/>
        <EvalDecision>explicitDeny</EvalDecision>
        <EvalActionName>s3:putobject</EvalActionName>
      </member>
    </EvaluationResults>
  </SimulatePrincipalPolicyResult>
</SimulatePrincipalPolicyResponse>
"""


class TestGrants(amazon.Account):
    def test_what_is_allowed_denied_and_never_mentioned_is_told_apart(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        deny = {"Statement": {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}}
        emulator.set_policies(user.arn, [emulators.allow("s3:*", "iam:SimulatePrincipalPolicy"), deny])
        assert stage.ask("grants", amazon.NAMES) == contract.Grants(
            missing=("ec2:RunInstances", "s3:DeleteObject")
        )
        assert stage.ask("grants", amazon.NAMES[:1]) == contract.Grants()

    @pytest.mark.parametrize("name", sorted(aws.PROVIDER.permission_sets))
    def test_a_set_is_asked_for_in_batches_and_granted_by_the_policy_that_it_is_named_after(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User, name: str
    ) -> None:
        wanted = contract.resolve(aws.PROVIDER, [name])
        assert wanted
        amazon.grant(emulator, user, "iam:SimulatePrincipalPolicy")
        assert stage.ask("grants", wanted).missing == wanted
        services = sorted({f"{one.partition(':')[0]}:*" for one in wanted})
        amazon.grant(emulator, user, "iam:SimulatePrincipalPolicy", *services)
        emulator.reset_calls()
        assert stage.ask("grants", wanted) == contract.Grants()
        assert amazon.actions(emulator).count("SimulatePrincipalPolicy") == -(-len(wanted) // 20)

    def test_all_pages_are_read(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        amazon.grant(emulator, user, "s3:Get*", "iam:SimulatePrincipalPolicy")
        emulator.set_page(2)
        names = (*amazon.NAMES, "s3:PutObject", "s3:GetObjectTagging")
        assert stage.ask("grants", names).missing == ("ec2:RunInstances", "s3:DeleteObject", "s3:PutObject")
        assert amazon.actions(emulator).count("SimulatePrincipalPolicy") == 3

    def test_an_answer_that_is_too_long_is_asked_for_in_parts(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        conditional = emulators.allow("s3:*")
        keys = {f"aws:RequestTag/{number}{'x' * 200}": "a" for number in range(40)}
        conditional["Statement"][0]["Condition"] = {"StringEquals": keys}
        emulator.set_policies(user.arn, [conditional, emulators.allow("iam:SimulatePrincipalPolicy")])
        names = tuple(sorted(f"s3:GetObject{letter}" for letter in "ABCDEFGHIJKLMNOP"))
        assert stage.ask("grants", names).unknown == names
        assert amazon.actions(emulator).count("SimulatePrincipalPolicy") > 2

    def test_what_only_a_real_request_can_meet_is_unknown(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        conditional = emulators.allow("s3:GetObject")
        conditional["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
        emulator.set_policies(user.arn, [conditional, emulators.allow("iam:SimulatePrincipalPolicy")])
        found = stage.ask("grants", amazon.NAMES[:2])
        assert (found.missing, found.unknown) == (("s3:DeleteObject",), ("s3:GetObject",))
        assert "conditions" in found.why

    @pytest.mark.parametrize(("region", "missing"), [("eu-west-1", ()), ("eu-north-1", ("s3:GetObject",))])
    def test_the_region_and_tls_are_conditions_that_requests_meet(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        region: str,
        missing: tuple[str, ...],
    ) -> None:
        conditional = emulators.allow("s3:GetObject")
        conditional["Statement"][0]["Condition"] = {
            "StringEquals": {"aws:RequestedRegion": "eu-west-1"},
            "Bool": {"aws:SecureTransport": "true"},
        }
        emulator.set_policies(user.arn, [conditional, emulators.allow("iam:SimulatePrincipalPolicy")])
        config = {**stage.config, "region": region}
        assert stage.ask("grants", ("s3:GetObject",), config=config) == contract.Grants(missing=missing)

    def test_a_user_that_may_not_ask_leaves_all_unknown_and_says_what_to_grant(
        self, stage: suite.Stage
    ) -> None:
        assert stage.ask("grants", amazon.NAMES) == contract.Grants(
            unknown=tuple(sorted(amazon.NAMES)), why="grant iam:SimulatePrincipalPolicy to the key's user."
        )

    def test_a_key_for_a_role_is_asked_about_as_the_role(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        amazon.grant(emulator, user, "sts:AssumeRole", "ec2:*")
        role = emulator.create_role(
            "far",
            trust=emulators.trust(user, external_id=suite.EXTERNAL_ID),
            policies=[emulators.allow("s3:*", "iam:SimulatePrincipalPolicy")],
            account=amazon.OTHER,
            path="/ours/",
        )
        config = amazon.assuming(stage, role)
        assert stage.ask("grants", amazon.NAMES, config=config) == contract.Grants(
            missing=("ec2:RunInstances",)
        )
        assert amazon.actions(emulator) == ["AssumeRole", "SimulatePrincipalPolicy"]
        emulator.set_policies(role, [])
        assert "the role" in stage.ask("grants", amazon.NAMES, config=config).why

    def test_a_role_that_does_not_open_is_not_permitted(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        config = amazon.assuming(stage, f"arn:aws:iam::{amazon.OTHER}:role/none")
        for ability, arguments in (("grants", [amazon.NAMES]), ("reach", [])):
            assert (
                "cannot be assumed"
                in refused(errors.PermissionDenied, ability, *arguments, config=config).message
            )

    def test_a_sessions_role_is_found_with_its_path(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
    ) -> None:
        role = emulator.create_role(
            "reader",
            trust=emulators.trust(user),
            policies=[emulators.allow("s3:Get*", "iam:SimulatePrincipalPolicy", "iam:GetRole")],
            path="/ours/",
        )
        keys = stage.load(amazon.session_of(emulator, stage, role))
        found = stage.ask("grants", amazon.NAMES, keys=keys)
        assert found == contract.Grants(missing=("ec2:RunInstances", "s3:DeleteObject"))
        amazon.grant(emulator, role, "iam:SimulatePrincipalPolicy")
        found = stage.ask("grants", amazon.NAMES, keys=keys)
        assert (found.unknown, found.why) == (
            tuple(sorted(amazon.NAMES)),
            "grant iam:GetRole to the key's role.",
        )

    @pytest.mark.parametrize("principal", ["root", "federated-user/bob"])
    def test_whom_aws_does_not_simulate_leaves_all_unknown(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, principal: str
    ) -> None:
        service = "iam" if principal == "root" else "sts"
        emulator.faults.answer(
            f"<GetCallerIdentityResponse><Arn>arn:aws:{service}::{amazon.OTHER}:{principal}</Arn>"
            f"<Account>{amazon.OTHER}</Account></GetCallerIdentityResponse>",
            action="GetCallerIdentity",
        )
        found = stage.ask("grants", amazon.NAMES)
        assert found.unknown == tuple(sorted(amazon.NAMES))
        assert "users and roles alone" in found.why

    @pytest.mark.parametrize(
        "name", ["s3:*", "s3:Get*", "s3", "s3:", "storage.objects.get", "s3:GetObject/x"]
    )
    def test_what_is_no_action_is_named_without_a_call(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, refused: Callable[..., Any], name: str
    ) -> None:
        assert refused(errors.Misconfigured, "grants", ("s3:GetObject", name)).message.startswith(f"{name} ")
        assert emulator.calls == []

    def test_an_action_that_aws_refuses_is_named_among_many(
        self, emulator: emulators.AwsEmulator, user: emulators.User, refused: Callable[..., Any]
    ) -> None:
        amazon.grant(emulator, user, "iam:SimulatePrincipalPolicy")
        error = refused(errors.Misconfigured, "grants", (*amazon.NAMES, "Storage:Get", "s3:PutObject"))
        assert "Storage:Get" in error.message
        assert "s3:PutObject" not in error.message

    def test_an_answer_is_read_as_aws_lays_it_out(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator
    ) -> None:
        emulator.faults.answer(DOCUMENTED, action="SimulatePrincipalPolicy", status=200)
        names = ("s3:GetObject", "s3:ListBucket", "s3:PutObject")
        found = stage.ask("grants", names)
        assert (found.missing, found.unknown) == (("s3:PutObject",), ("s3:ListBucket",))

    def test_where_sts_is_ones_own_iam_is_asked_only_where_it_is_said_to_be(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator
    ) -> None:
        config = {
            "endpoint": emulator.url,
            "assumeRole": {"roleARN": f"arn:aws:iam::{amazon.OTHER}:role/far"},
        }
        assert stage.ask("history", config=config) is None
        found = stage.ask("grants", amazon.NAMES, config=config)
        assert found.unknown == amazon.NAMES
        assert "iamEndpoint" in found.why
        with pytest.raises(errors.Misconfigured, match="organizationsEndpoint"):
            stage.ask("reach", config=config)
        assert emulator.calls == []

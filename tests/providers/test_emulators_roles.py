"""The AWS emulator hands out a role's session to whom AWS would, and to nobody else."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from emulators import clients
from emulators.aws import ACCOUNT, AUDIENCE, AwsEmulator, User, allow, federate, trust
from emulators.child import EmulatorError
from providers import issuing

Key = tuple[str, str]
OTHER = "210987654321"
EXTERNAL_ID = "6f1f0a0e-4f6f-4d5a-9a3c-2d3f3a1f7e55"
MAY_ASSUME = [allow("sts:AssumeRole")]


@pytest.fixture(scope="module")
def emulator() -> Iterator[AwsEmulator]:
    with AwsEmulator(tls=False) as emulator:
        yield emulator


@pytest.fixture
def aws(emulator: AwsEmulator) -> AwsEmulator:
    emulator.reset()
    return emulator


@pytest.fixture
def user(aws: AwsEmulator) -> User:
    return aws.create_user("operator", policies=MAY_ASSUME)


@pytest.fixture
def key(aws: AwsEmulator, user: User) -> Key:
    return aws.create_key(user)


def assume(aws: AwsEmulator, key: Key, role: str, **parameters: Any) -> dict[str, Any]:
    sts = clients.client("sts", aws, key, token=parameters.pop("token", None))
    return dict(sts.assume_role(RoleArn=role, RoleSessionName="test", **parameters))


def refusal(aws: AwsEmulator, key: Key, role: str, **parameters: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        assume(aws, key, role, **parameters)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_a_trusted_user_with_the_external_id_gets_a_session(aws: AwsEmulator, user: User, key: Key) -> None:
    role = aws.create_role("backup", trust=trust(user, external_id=EXTERNAL_ID), path="/team/")
    answer = assume(aws, key, role, ExternalId=EXTERNAL_ID)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/backup/test"
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_another_external_id_is_refused(aws: AwsEmulator, user: User, key: Key) -> None:
    role = aws.create_role("backup", trust=trust(user, external_id=EXTERNAL_ID))
    assert refusal(aws, key, role, ExternalId="another") == (403, "AccessDenied")


def test_no_external_id_is_refused_where_one_is_asked_for(aws: AwsEmulator, user: User, key: Key) -> None:
    role = aws.create_role("backup", trust=trust(user, external_id=EXTERNAL_ID))
    assert refusal(aws, key, role) == (403, "AccessDenied")


def test_a_role_that_asks_for_no_external_id_takes_any(aws: AwsEmulator, user: User, key: Key) -> None:
    role = aws.create_role("careless", trust=trust(user))
    assert assume(aws, key, role)
    assert assume(aws, key, role, ExternalId=EXTERNAL_ID)


@pytest.mark.parametrize("account", [ACCOUNT, OTHER])
def test_a_role_that_does_not_exist_is_refused(aws: AwsEmulator, key: Key, account: str) -> None:
    assert refusal(aws, key, f"arn:aws:iam::{account}:role/nowhere") == (403, "AccessDenied")


def test_a_role_that_was_deleted_is_refused(aws: AwsEmulator, user: User, key: Key) -> None:
    role = aws.create_role("gone", trust=trust(user))
    aws.delete_role(role)
    assert refusal(aws, key, role) == (403, "AccessDenied")


def test_another_user_is_refused(aws: AwsEmulator, user: User) -> None:
    stranger = aws.create_key(aws.create_user("stranger", policies=MAY_ASSUME))
    assert refusal(aws, stranger, aws.create_role("backup", trust=trust(user))) == (403, "AccessDenied")


@pytest.mark.parametrize("principal", [f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "*"])
@pytest.mark.parametrize("home", [ACCOUNT, OTHER])
def test_a_trusted_account_lends_its_trust_to_its_users(
    aws: AwsEmulator, key: Key, principal: str, home: str
) -> None:
    role = aws.create_role("shared", trust=trust(principal, external_id=EXTERNAL_ID), account=home)
    assert assume(aws, key, role, ExternalId=EXTERNAL_ID)
    assert refusal(aws, key, role) == (403, "AccessDenied")


def test_another_account_s_trust_helps_nobody(aws: AwsEmulator, key: Key) -> None:
    role = aws.create_role("shared", trust=trust(f"arn:aws:iam::{OTHER}:root"))
    assert refusal(aws, key, role) == (403, "AccessDenied")


def test_a_trusted_account_is_not_enough_without_a_policy_of_one_s_own(aws: AwsEmulator) -> None:
    weak = aws.create_key(aws.create_user("weak"))
    role = aws.create_role("shared", trust=trust(f"arn:aws:iam::{ACCOUNT}:root"))
    assert refusal(aws, weak, role) == (403, "AccessDenied")


def test_being_named_is_enough_within_one_account_but_not_across(aws: AwsEmulator) -> None:
    weak = aws.create_user("weak")
    key = aws.create_key(weak)
    assert assume(aws, key, aws.create_role("near", trust=trust(weak)))
    assert refusal(aws, key, aws.create_role("far", trust=trust(weak), account=OTHER)) == (
        403,
        "AccessDenied",
    )


def test_a_policy_for_one_role_opens_no_other(aws: AwsEmulator) -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"
    mine, theirs = (aws.create_role(name, trust=trust(root)) for name in ("mine", "theirs"))
    key = aws.create_key(aws.create_user("narrow", policies=[allow("sts:AssumeRole", resource=mine)]))
    assert assume(aws, key, mine)
    assert refusal(aws, key, theirs) == (403, "AccessDenied")


@pytest.mark.parametrize("side", ["caller", "role"])
def test_a_deny_on_either_side_beats_every_allow(aws: AwsEmulator, user: User, key: Key, side: str) -> None:
    role = aws.create_role("backup", trust=trust(user))
    deny = {"Effect": "Deny", "Action": "sts:*"}
    if side == "caller":
        aws.set_policies(user.arn, [*MAY_ASSUME, {"Statement": deny | {"Resource": "*"}}])
    else:
        statements = [*trust(user)["Statement"], deny | {"Principal": {"AWS": ACCOUNT}}]
        aws.set_trust(role, {"Statement": statements})
    assert refusal(aws, key, role) == (403, "AccessDenied")


def test_trust_can_be_replaced(aws: AwsEmulator, user: User, key: Key) -> None:
    role = aws.create_role("backup", trust=trust(user))
    aws.set_trust(role, trust(user, external_id=EXTERNAL_ID))
    assert refusal(aws, key, role) == (403, "AccessDenied")
    assert assume(aws, key, role, ExternalId=EXTERNAL_ID)


def test_a_session_can_take_the_next_role(aws: AwsEmulator, user: User, key: Key) -> None:
    first = aws.create_role("first", trust=trust(user), policies=MAY_ASSUME)
    second = aws.create_role("second", trust=trust(first), account=OTHER, longest_session=7200)
    session = assume(aws, key, first)["Credentials"]
    chained = session["AccessKeyId"], session["SecretAccessKey"]
    assert assume(aws, chained, second, token=session["SessionToken"])
    too_long = {"DurationSeconds": 7200, "token": session["SessionToken"]}
    assert refusal(aws, chained, second, **too_long) == (400, "ValidationError")
    assert refusal(aws, key, second) == (403, "AccessDenied")


def test_a_session_longer_than_the_role_allows_is_refused(aws: AwsEmulator, user: User, key: Key) -> None:
    role = aws.create_role("backup", trust=trust(user))
    assert refusal(aws, key, role, DurationSeconds=3601) == (400, "ValidationError")


def test_a_session_policy_is_refused_because_it_would_not_be_enforced(
    aws: AwsEmulator, user: User, key: Key
) -> None:
    role = aws.create_role("backup", trust=trust(user))
    assert refusal(aws, key, role, Policy="{}") == (400, "ValidationError")


def web_identity(aws: AwsEmulator, token: str, role: str) -> Any:
    sts = clients.client("sts", aws, ("none", "none"), signature_version=UNSIGNED)
    return sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="test", WebIdentityToken=token)


def web_refusal(aws: AwsEmulator, token: str, role: str) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        web_identity(aws, token, role)
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], caught.value.response["Error"]["Code"]


@pytest.fixture
def issuer(aws: AwsEmulator) -> issuing.Issuer:
    made = issuing.Issuer()
    aws.trust_issuer(made.url, made.jwks)
    return made


def test_a_web_identity_that_the_role_trusts_gets_its_session(
    aws: AwsEmulator, issuer: issuing.Issuer
) -> None:
    role = aws.create_role("web", trust=federate(issuer.url, issuing.SUBJECT))
    session = web_identity(aws, issuer.token(AUDIENCE), role)["Credentials"]
    chained = session["AccessKeyId"], session["SecretAccessKey"]
    identity = clients.client("sts", aws, chained, token=session["SessionToken"]).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/web/test"


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"audience": "vault"}, (400, "InvalidIdentityToken")),
        ({"iss": "https://other.example.com"}, (400, "InvalidIdentityToken")),
        ({"seconds": -1}, (400, "ExpiredTokenException")),
        ({"subject": "system:serviceaccount:a:b"}, (403, "AccessDenied")),
    ],
)
def test_web_identities_are_refused_as_aws_does(
    aws: AwsEmulator, issuer: issuing.Issuer, made: dict[str, Any], says: tuple[int, str]
) -> None:
    role = aws.create_role("web", trust=federate(issuer.url, issuing.SUBJECT))
    assert web_refusal(aws, issuer.token(**{"audience": AUDIENCE, **made}), role) == says


def test_a_web_identity_is_verified(aws: AwsEmulator, issuer: issuing.Issuer) -> None:
    role = aws.create_role("web", trust=federate(issuer.url, issuing.SUBJECT))
    unsigned, forged = "made up", issuing.Issuer(issuer.url, number=1).token(AUDIENCE)
    for token in (unsigned, forged, issuer.token(AUDIENCE)[:-8] + "AAAAAAAA"):
        assert web_refusal(aws, token, role) == (400, "InvalidIdentityToken")
    far = aws.create_role("far", trust=federate(issuer.url, issuing.SUBJECT), account=OTHER)
    assert web_refusal(aws, issuer.token(AUDIENCE), far) == (400, "InvalidIdentityToken")
    named = aws.create_role("named", trust=trust(f"arn:aws:iam::{ACCOUNT}:root"))
    assert web_refusal(aws, issuer.token(AUDIENCE), named) == (403, "AccessDenied")


def test_a_condition_that_would_be_ignored_cannot_be_written(aws: AwsEmulator, user: User) -> None:
    strange = trust(user)
    strange["Statement"][0]["Condition"] = {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    with pytest.raises(EmulatorError, match="DateLessThan is not emulated"):
        aws.create_role("strange", trust=strange)


@pytest.mark.parametrize(
    ("condition", "accepted"),
    [
        ({"StringLike": {"sts:ExternalId": "6f1f*"}}, True),
        ({"StringLike": {"sts:ExternalId": "7*"}}, False),
        ({"StringNotEquals": {"sts:ExternalId": EXTERNAL_ID}}, False),
        ({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}, True),
        ({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, False),
        ({"Null": {"sts:ExternalId": "true"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/op*"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"StringEquals": {"sts:ExternalId": [EXTERNAL_ID, "older"], "aws:PrincipalAccount": ACCOUNT}}, True),
    ],
)
def test_conditions_are_evaluated(
    aws: AwsEmulator, user: User, key: Key, *, condition: dict[str, Any], accepted: bool
) -> None:
    conditional = trust(user)
    conditional["Statement"][0]["Condition"] = condition
    role = aws.create_role("conditional", trust=conditional)
    if accepted:
        assert assume(aws, key, role, ExternalId=EXTERNAL_ID)
    else:
        assert refusal(aws, key, role, ExternalId=EXTERNAL_ID) == (403, "AccessDenied")


def simulate(aws: AwsEmulator, key: Key, arn: str, actions: list[str], **more: Any) -> dict[str, str]:
    pages = clients.client("iam", aws, key).get_paginator("simulate_principal_policy")
    found = pages.paginate(PolicySourceArn=arn, ActionNames=actions, **more)
    return {
        each["EvalActionName"]: each["EvalDecision"] for page in found for each in page["EvaluationResults"]
    }


def test_permissions_can_be_asked_for(aws: AwsEmulator, user: User, key: Key) -> None:
    deny = {"Statement": {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}}
    aws.set_policies(user.arn, [allow("s3:*", "iam:SimulatePrincipalPolicy"), deny])
    actions = ["s3:GetObject", "s3:DeleteObject", "ec2:RunInstances"]
    wanted = dict(zip(actions, ["allowed", "explicitDeny", "implicitDeny"], strict=True))
    assert simulate(aws, key, user.arn, actions) == wanted
    assert simulate(aws, key, user.arn, actions, PaginationConfig={"PageSize": 1}) == wanted


def test_a_missing_context_value_is_named(aws: AwsEmulator, user: User, key: Key) -> None:
    conditional = allow("s3:GetObject")
    conditional["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    aws.set_policies(user.arn, [allow("iam:SimulatePrincipalPolicy"), conditional])
    ask = {"PolicySourceArn": user.arn, "ActionNames": ["s3:GetObject"]}
    entry = {"ContextKeyName": "aws:SourceVpc", "ContextKeyValues": ["vpc-1"], "ContextKeyType": "string"}
    iam = clients.client("iam", aws, key)
    (unknown,) = iam.simulate_principal_policy(**ask)["EvaluationResults"]
    (known,) = iam.simulate_principal_policy(**ask, ContextEntries=[entry])["EvaluationResults"]
    assert (unknown["EvalDecision"], unknown["MissingContextValues"]) == ("implicitDeny", ["aws:SourceVpc"])
    assert (known["EvalDecision"], known["MissingContextValues"]) == ("allowed", [])


@pytest.mark.parametrize(
    ("policies", "arn", "expected"),
    [
        ([], f"arn:aws:iam::{ACCOUNT}:user/operator", "AccessDenied"),
        ([allow("iam:*")], f"arn:aws:iam::{ACCOUNT}:user/nobody", "NoSuchEntity"),
        ([allow("iam:*")], f"arn:aws:sts::{ACCOUNT}:assumed-role/backup/test", "InvalidInput"),
    ],
)
def test_asking_for_permissions_is_refused_as_aws_does(
    aws: AwsEmulator, user: User, key: Key, *, policies: list[Any], arn: str, expected: str
) -> None:
    aws.set_policies(user.arn, policies)
    with pytest.raises(ClientError) as caught:
        simulate(aws, key, arn, ["s3:GetObject"])
    assert caught.value.response["Error"]["Code"] == expected


def test_a_key_that_was_never_used_has_no_last_use_and_asking_is_none(
    aws: AwsEmulator, user: User, key: Key
) -> None:
    aws.set_policies(user.arn, [allow("iam:*", "sts:*")])
    iam = clients.client("iam", aws, key)
    first = iam.get_access_key_last_used(AccessKeyId=key[0])
    assert (first["UserName"], first["AccessKeyLastUsed"]["ServiceName"]) == (user.name, "N/A")
    assert "LastUsedDate" not in first["AccessKeyLastUsed"]
    clients.client("sts", aws, key).get_caller_identity()
    used = iam.get_access_key_last_used(AccessKeyId=key[0])["AccessKeyLastUsed"]
    (listed,) = iam.list_access_keys()["AccessKeyMetadata"]
    assert (used["ServiceName"], listed["AccessKeyId"], listed["Status"]) == ("sts", key[0], "Active")
    assert listed["CreateDate"].replace(microsecond=0) <= used["LastUsedDate"]


def test_the_accounts_of_an_organization_are_its_managers_to_list(aws: AwsEmulator, user: User) -> None:
    aws.set_policies(user.arn, [allow("organizations:*")])

    def listed(key: Key) -> list[str]:
        pages = (
            clients.client("organizations", aws, key).get_paginator("list_accounts").paginate(MaxResults=20)
        )
        return [account["Name"] for page in pages for account in page["Accounts"]]

    with pytest.raises(ClientError, match="AWSOrganizationsNotInUseException"):
        listed(aws.create_key(user))
    names = [f"team {number}" for number in range(41)]
    member, *_ = aws.create_organization(names)
    assert sorted(listed(aws.create_key(user))) == sorted(["master", *names])
    stranger = aws.create_user("stranger", policies=[allow("*")], account=member)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        listed(aws.create_key(stranger))

"""The AWS emulator opens sessions of users and tags those of roles as AWS does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulators import clients
from emulators.aws import AwsEmulator, User, allow, trust

TAGS = [{"Key": "team", "Value": "a"}]
TAGGED = ("sts:AssumeRole", "sts:TagSession")


@pytest.fixture(scope="module")
def running() -> Iterator[AwsEmulator]:
    with AwsEmulator(tls=False) as emulator:
        yield emulator


@pytest.fixture
def aws(running: AwsEmulator) -> AwsEmulator:
    running.reset()
    return running


@pytest.fixture
def user(aws: AwsEmulator) -> User:
    return aws.create_user("operator", policies=[allow("iam:*", "sts:*", "s3:*")])


def refusal(call: Any, **parameters: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def session(aws: AwsEmulator, user: User, **parameters: Any) -> Any:
    """Opens a session and gives what makes clients of it."""
    made = clients.client("sts", aws, aws.create_key(user)).get_session_token(**parameters)["Credentials"]
    key = (made["AccessKeyId"], made["SecretAccessKey"])
    return lambda service, token=made["SessionToken"]: clients.client(service, aws, key, token=token)


def test_a_session_of_a_user_is_the_users(aws: AwsEmulator, user: User) -> None:
    opened = session(aws, user)
    assert opened("sts").get_caller_identity()["Arn"] == user.arn
    assert opened("s3").list_buckets()["Buckets"] == []


def test_a_session_of_a_user_assumes_roles_without_being_chained(aws: AwsEmulator, user: User) -> None:
    role = aws.create_role("far", trust=trust(user), longest_session=7200)
    opened = session(aws, user)
    assert opened("sts").assume_role(RoleArn=role, RoleSessionName="test", DurationSeconds=7200)


def test_a_session_of_a_user_calls_neither_iam_nor_the_rest_of_sts(aws: AwsEmulator, user: User) -> None:
    opened = session(aws, user)
    assert refusal(opened("iam").list_users) == (403, "InvalidClientTokenId")
    assert refusal(opened("sts").get_session_token) == (403, "AccessDenied")


def test_a_session_of_a_role_opens_none_of_a_user(aws: AwsEmulator, user: User) -> None:
    role = aws.create_role("far", trust=trust(user), policies=[allow("sts:*")])
    sts = clients.client("sts", aws, aws.create_key(user))
    made = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    key = (made["AccessKeyId"], made["SecretAccessKey"])
    role_sts = clients.client("sts", aws, key, token=made["SessionToken"])
    assert refusal(role_sts.get_session_token) == (403, "AccessDenied")


def test_a_session_of_another_token_or_length_is_refused(aws: AwsEmulator, user: User) -> None:
    opened = session(aws, user)
    assert refusal(opened("sts", "another").get_caller_identity) == (403, "InvalidClientTokenId")
    sts = clients.client("sts", aws, aws.create_key(user))
    sts.meta.events.register("before-call", lambda params, **_: params["body"].update(DurationSeconds=60))
    assert refusal(sts.get_session_token) == (400, "ValidationError")


def test_tags_need_their_own_permission_on_both_sides(aws: AwsEmulator, user: User) -> None:
    role = aws.create_role("far", trust=trust(user, actions=TAGGED), account="210987654321")
    sts = clients.client("sts", aws, aws.create_key(user))
    tagged = {"RoleArn": role, "RoleSessionName": "test", "Tags": TAGS}
    assert sts.assume_role(**tagged)
    aws.set_trust(role, trust(user))
    assert refusal(sts.assume_role, **tagged) == (403, "AccessDenied")
    aws.set_trust(role, trust(user, actions=TAGGED))
    aws.set_policies(user.arn, [allow("sts:AssumeRole")])
    assert refusal(sts.assume_role, **tagged) == (403, "AccessDenied")


def test_tags_that_differ_in_case_alone_are_refused(aws: AwsEmulator, user: User) -> None:
    role = aws.create_role("far", trust=trust(user, actions=TAGGED))
    sts = clients.client("sts", aws, aws.create_key(user))
    twice = [*TAGS, {"Key": "Team", "Value": "b"}]
    refused = refusal(sts.assume_role, RoleArn=role, RoleSessionName="test", Tags=twice)
    assert refused == (400, "ValidationError")

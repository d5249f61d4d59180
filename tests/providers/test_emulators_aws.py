"""The AWS emulator accepts and refuses keys, sessions and clocks as AWS does; boto3 is the judge."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from emulators import clients
from emulators.aws import ACCOUNT, AwsEmulator, Call, User, allow, trust

Key = tuple[str, str]
BOGUS = "bogus"
WRONG_SECRET = "x" * 40
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WHO_AM_I = b"Action=GetCallerIdentity&Version=2011-06-15"


@pytest.fixture(scope="module")
def emulator() -> Iterator[AwsEmulator]:
    with AwsEmulator() as emulator:
        yield emulator


@pytest.fixture
def aws(emulator: AwsEmulator) -> AwsEmulator:
    emulator.reset()
    return emulator


@pytest.fixture
def user(aws: AwsEmulator) -> User:
    return aws.create_user("backup", policies=[allow("sts:AssumeRole", "s3:*")])


@pytest.fixture
def key(aws: AwsEmulator, user: User) -> Key:
    return aws.create_key(user)


@pytest.fixture
def session(aws: AwsEmulator, user: User, key: Key) -> dict[str, str]:
    role = aws.create_role("reader", trust=trust(user), policies=[allow("s3:ListAllMyBuckets")])
    answer = clients.client("sts", aws, key).assume_role(RoleArn=role, RoleSessionName="night")
    return dict(answer["Credentials"])


def identify(aws: AwsEmulator, key: Key, **options: Any) -> str:
    return str(clients.client("sts", aws, key, **options).get_caller_identity()["Arn"])


def refusal(aws: AwsEmulator, key: Key, **options: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        identify(aws, key, **options)
    return status_and_code(caught.value)


def status_and_code(error: ClientError) -> tuple[int, str]:
    return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


def session_key(session: dict[str, str]) -> Key:
    return session["AccessKeyId"], session["SecretAccessKey"]


def send(aws: AwsEmulator, body: bytes, headers: dict[str, str], path: str = "/") -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(ca_certs=aws.ca_path) as pool:
        answer = pool.request("POST", aws.url + path, body=body, headers=headers, retries=False)
        assert isinstance(answer.data, bytes)
        return answer


def signed(aws: AwsEmulator, key: Key, body: bytes = WHO_AM_I, path: str = "/") -> dict[str, str]:
    request = AWSRequest("POST", aws.url + path, headers=FORM, data=body)
    SigV4Auth(Credentials(*key), "sts", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def test_a_good_key_learns_whose_it_is(aws: AwsEmulator, key: Key) -> None:
    assert identify(aws, key) == f"arn:aws:iam::{ACCOUNT}:user/backup"


def test_calls_are_recorded(aws: AwsEmulator, key: Key) -> None:
    identify(aws, key)
    refusal(aws, (key[0], WRONG_SECRET))
    assert aws.calls == [Call("GetCallerIdentity", key[0], 200), Call("GetCallerIdentity", key[0], 403)]
    aws.reset_calls()
    assert aws.calls == []


def test_a_wrong_secret_is_refused(aws: AwsEmulator, key: Key) -> None:
    assert refusal(aws, (key[0], WRONG_SECRET)) == (403, "SignatureDoesNotMatch")


def test_an_unknown_key_is_refused(aws: AwsEmulator, key: Key) -> None:
    assert refusal(aws, ("AKIAIOSFODNN7EXAMPLE", key[1])) == (403, "InvalidClientTokenId")


def test_an_inactive_key_is_refused_until_it_is_active_again(aws: AwsEmulator, key: Key) -> None:
    aws.set_key_status(key[0], "Inactive")
    assert refusal(aws, key) == (403, "InvalidClientTokenId")
    aws.set_key_status(key[0], "Active")
    assert identify(aws, key)


def test_a_deleted_key_is_refused(aws: AwsEmulator, key: Key) -> None:
    aws.delete_key(key[0])
    assert refusal(aws, key) == (403, "InvalidClientTokenId")


def test_a_new_key_is_unknown_for_as_long_as_the_test_wants(aws: AwsEmulator, key: Key) -> None:
    aws.delay_new_keys(3600)
    assert refusal(aws, key) == (403, "InvalidClientTokenId")
    aws.delay_new_keys(0)
    assert identify(aws, key)


def test_a_key_of_another_partition_is_refused(aws: AwsEmulator) -> None:
    chinese = aws.create_key(aws.create_user("li", partition="aws-cn"))
    assert refusal(aws, chinese) == (403, "InvalidClientTokenId")
    assert identify(aws, chinese, region="cn-north-1") == f"arn:aws-cn:iam::{ACCOUNT}:user/li"


def test_a_region_that_does_not_exist_is_refused(aws: AwsEmulator, key: Key) -> None:
    assert refusal(aws, key, region="eu-atlantis-1") == (403, "SignatureDoesNotMatch")


def test_users_of_two_accounts_may_have_one_name(aws: AwsEmulator, user: User) -> None:
    other = aws.create_user(user.name, account="210987654321")
    assert identify(aws, aws.create_key(other)) == "arn:aws:iam::210987654321:user/backup"


def test_an_unsigned_request_is_refused(aws: AwsEmulator, key: Key) -> None:
    assert refusal(aws, key, signature_version=UNSIGNED) == (403, "MissingAuthenticationToken")


def test_a_body_that_was_changed_after_signing_is_refused(aws: AwsEmulator, key: Key) -> None:
    answer = send(aws, WHO_AM_I + b"&Extra=1", signed(aws, key))
    assert (answer.status, b"SignatureDoesNotMatch" in answer.data) == (403, True)


def test_an_aws_header_that_was_not_signed_is_refused(aws: AwsEmulator, key: Key) -> None:
    answer = send(aws, WHO_AM_I, signed(aws, key) | {"X-Amz-Extra": "1"})
    assert (answer.status, b"IncompleteSignature" in answer.data) == (400, True)


def test_half_a_signature_is_refused(aws: AwsEmulator, key: Key) -> None:
    headers = signed(aws, key)
    answer = send(aws, WHO_AM_I, headers | {"Authorization": headers["Authorization"].split(",")[0]})
    assert (answer.status, b"IncompleteSignature" in answer.data) == (400, True)


@pytest.mark.parametrize("path", ["/moto-api/reset", "/latest/meta-data/iam/security-credentials/"])
def test_the_back_doors_of_moto_are_closed(aws: AwsEmulator, key: Key, path: str) -> None:
    assert send(aws, WHO_AM_I, FORM, path).status == 403
    assert send(aws, WHO_AM_I, signed(aws, key, path=path), path).status == 400
    assert identify(aws, key)


def test_nobody_chooses_the_account_they_are_taken_for(aws: AwsEmulator, key: Key) -> None:
    answer = send(aws, WHO_AM_I, signed(aws, key) | {"x-moto-account-id": "210987654321"})
    assert (answer.status, ACCOUNT.encode() in answer.data) == (200, True)


def test_a_session_is_its_role(aws: AwsEmulator, session: dict[str, str]) -> None:
    arn = identify(aws, session_key(session), token=session["SessionToken"])
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/night"


def test_a_session_has_the_permissions_of_its_role(aws: AwsEmulator, session: dict[str, str]) -> None:
    s3 = clients.client("s3", aws, session_key(session), token=session["SessionToken"])
    assert s3.list_buckets()["Buckets"] == []
    with pytest.raises(ClientError) as caught:
        s3.create_bucket(Bucket="of-the-night")
    assert status_and_code(caught.value) == (403, "AccessDenied")


@pytest.mark.parametrize("token", [None, "bogus"])
def test_a_session_without_its_token_is_refused(
    aws: AwsEmulator, session: dict[str, str], token: str | None
) -> None:
    assert refusal(aws, session_key(session), token=token) == (403, "InvalidClientTokenId")


def test_a_user_key_with_a_token_is_refused(aws: AwsEmulator, key: Key) -> None:
    assert refusal(aws, key, token=BOGUS) == (403, "InvalidClientTokenId")


def test_an_expired_session_is_refused(aws: AwsEmulator, session: dict[str, str]) -> None:
    aws.expire_session(session["AccessKeyId"])
    assert refusal(aws, session_key(session), token=session["SessionToken"]) == (403, "ExpiredToken")


def test_a_session_ends_by_itself(aws: AwsEmulator, user: User, key: Key) -> None:
    aws.limit_sessions(1)
    role = aws.create_role("brief", trust=trust(user))
    session = clients.client("sts", aws, key).assume_role(RoleArn=role, RoleSessionName="brief")[
        "Credentials"
    ]
    deadline = time.monotonic() + 10
    code = ""
    while code != "ExpiredToken" and time.monotonic() < deadline:
        try:
            identify(aws, session_key(session), token=session["SessionToken"])
        except ClientError as error:
            code = error.response["Error"]["Code"]
    assert code == "ExpiredToken"
    assert session["Expiration"].timestamp() <= time.time()


@pytest.mark.parametrize(
    ("skew", "words"), [(3600, "Signature expired: "), (-3600, "Signature not yet current: ")]
)
def test_a_clock_an_hour_off_is_refused(aws: AwsEmulator, key: Key, skew: int, words: str) -> None:
    aws.faults.skew(skew)
    with pytest.raises(ClientError) as caught:
        identify(aws, key)
    assert status_and_code(caught.value) == (403, "SignatureDoesNotMatch")
    assert caught.value.response["Error"]["Message"].startswith(words)


def test_a_clock_some_minutes_off_is_accepted(aws: AwsEmulator, key: Key) -> None:
    aws.faults.skew(600)
    assert identify(aws, key)


def test_the_date_header_tells_the_server_s_clock(aws: AwsEmulator, key: Key) -> None:
    aws.faults.skew(7200)
    answer = send(aws, WHO_AM_I, signed(aws, key))
    told = time.mktime(time.strptime(answer.headers["Date"], "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone
    assert abs(told - time.time() - 7200) < 60


def test_keys_can_be_rotated_through_iam(aws: AwsEmulator, user: User, key: Key) -> None:
    aws.set_policies(user.arn, [allow("iam:*AccessKey*", resource=user.arn)])
    iam = clients.client("iam", aws, key)
    made = iam.create_access_key(UserName=user.name)["AccessKey"]
    fresh = made["AccessKeyId"], made["SecretAccessKey"]
    assert identify(aws, fresh) == user.arn
    clients.client("iam", aws, fresh).update_access_key(
        UserName=user.name, AccessKeyId=key[0], Status="Inactive"
    )
    assert refusal(aws, key) == (403, "InvalidClientTokenId")
    with pytest.raises(ClientError) as caught:
        clients.client("iam", aws, fresh).list_users()
    assert status_and_code(caught.value) == (403, "AccessDenied")


def test_a_user_has_two_keys_at_most_switched_off_ones_included(
    aws: AwsEmulator, user: User, key: Key
) -> None:
    aws.set_policies(user.arn, [allow("iam:*AccessKey*", resource=user.arn)])
    iam = clients.client("iam", aws, key)
    second = iam.create_access_key()["AccessKey"]["AccessKeyId"]
    iam.update_access_key(AccessKeyId=second, Status="Inactive")
    with pytest.raises(ClientError) as caught:
        iam.create_access_key()
    assert status_and_code(caught.value) == (409, "LimitExceeded")
    iam.delete_access_key(AccessKeyId=second)
    assert iam.create_access_key()


def test_keys_of_nobody_named_are_the_caller_s_own(aws: AwsEmulator, user: User, key: Key) -> None:
    aws.set_policies(user.arn, [allow("iam:*AccessKey*", resource=user.arn)])
    stranger = aws.create_user("stranger")
    other, _ = aws.create_key(stranger)
    iam = clients.client("iam", aws, key)
    calls = (
        lambda: iam.delete_access_key(AccessKeyId=other),
        lambda: iam.update_access_key(AccessKeyId=other, Status="Inactive"),
        lambda: iam.delete_access_key(AccessKeyId=other, UserName=stranger.name),
    )
    refusals = []
    for call in calls:
        with pytest.raises(ClientError) as caught:
            call()
        refusals.append(status_and_code(caught.value))
    assert refusals == [(404, "NoSuchEntity"), (404, "NoSuchEntity"), (403, "AccessDenied")]


def test_a_right_on_a_user_names_its_path(aws: AwsEmulator) -> None:
    user = aws.create_user("deep", path="/team/a/")
    key = aws.create_key(user)
    aws.set_policies(user.arn, [allow("iam:TagUser", "iam:ListUserTags", resource=user.arn)])
    iam = clients.client("iam", aws, key)
    tags = [{"Key": "owner", "Value": "a<b"}, {"Key": "team", "Value": "c"}]
    iam.tag_user(UserName=user.name, Tags=tags)
    aws.set_list_page(1)
    pages = iam.get_paginator("list_user_tags").paginate(UserName=user.name)
    assert [tag for page in pages for tag in page["Tags"]] == tags
    aws.set_policies(user.arn, [allow("iam:ListUserTags", resource=user.arn.replace("/team/a/", "/"))])
    with pytest.raises(ClientError) as caught:
        iam.list_user_tags(UserName=user.name)
    assert status_and_code(caught.value) == (403, "AccessDenied")


def test_a_new_key_is_listed_as_late_as_the_test_wants(aws: AwsEmulator, user: User, key: Key) -> None:
    aws.set_policies(user.arn, [allow("iam:*AccessKey*", resource=user.arn)])
    iam = clients.client("iam", aws, key)
    aws.list_new_keys_late(3600)
    assert iam.list_access_keys()["AccessKeyMetadata"] == []
    aws.list_new_keys_late(0)
    assert [one["AccessKeyId"] for one in iam.list_access_keys()["AccessKeyMetadata"]] == [key[0]]

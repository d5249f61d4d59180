"""The AWS emulator fails on demand, and boto3 sees each failure as it would see the cloud's."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import urllib3
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError, SSLError
from botocore.parsers import ResponseParserError

from emulators import clients
from emulators.aws import AwsEmulator, allow
from emulators.child import EmulatorError
from emulators.fast_sts import FastSts

Key = tuple[str, str]


class Mixed(NamedTuple):
    url: str
    ca_path: str | None


@pytest.fixture(scope="module")
def emulator() -> Iterator[AwsEmulator]:
    with AwsEmulator() as emulator:
        yield emulator


@pytest.fixture
def aws(emulator: AwsEmulator) -> AwsEmulator:
    emulator.reset()
    return emulator


@pytest.fixture
def key(aws: AwsEmulator) -> Key:
    return aws.create_key(aws.create_user("operator", policies=[allow("s3:*", "organizations:*")]))


@pytest.fixture
def sts(aws: AwsEmulator, key: Key) -> Any:
    return clients.client("sts", aws, key, read_timeout=1)


@pytest.fixture
def s3(aws: AwsEmulator, key: Key) -> Any:
    return clients.client("s3", aws, key)


def failure(client: Any, operation: str = "get_caller_identity") -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)()
    return dict(caught.value.response)


def status_and_code(response: dict[str, Any]) -> tuple[int, str]:
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_sts_throttles_as_often_as_asked(aws: AwsEmulator, sts: Any, key: Key) -> None:
    aws.faults.throttle(count=2)
    for _ in range(2):
        assert status_and_code(failure(sts)) == (400, "Throttling")
    assert sts.get_caller_identity()
    assert [call.status for call in aws.calls] == [400, 400, 200]
    assert {call.access_key_id for call in aws.calls} == {key[0]}


def test_s3_slows_down_and_says_until_when(aws: AwsEmulator, s3: Any) -> None:
    aws.faults.throttle(retry_after=7)
    response = failure(s3, "list_buckets")
    assert status_and_code(response) == (503, "SlowDown")
    assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7"


def test_a_service_that_speaks_json_throttles_in_json(aws: AwsEmulator, key: Key) -> None:
    aws.faults.throttle()
    organizations = clients.client("organizations", aws, key)
    assert status_and_code(failure(organizations, "list_accounts")) == (400, "ThrottlingException")


def test_a_fault_can_be_limited_to_one_action(aws: AwsEmulator, sts: Any, s3: Any) -> None:
    aws.faults.throttle(action="ListBuckets")
    assert sts.get_caller_identity()
    assert status_and_code(failure(s3, "list_buckets")) == (503, "SlowDown")


def test_a_fault_for_an_action_that_does_not_exist_cannot_be_made(aws: AwsEmulator) -> None:
    with pytest.raises(EmulatorError, match="GetCalerIdentity"):
        aws.faults.throttle(action="GetCalerIdentity")


def test_faults_end_when_cleared(aws: AwsEmulator, sts: Any) -> None:
    aws.faults.throttle()
    aws.faults.delay(60)
    aws.faults.clear()
    assert sts.get_caller_identity()


def test_the_first_fault_wins_until_it_is_used_up(aws: AwsEmulator, sts: Any) -> None:
    aws.faults.throttle(count=1)
    aws.faults.error(status=500, count=1)
    assert status_and_code(failure(sts)) == (400, "Throttling")
    assert status_and_code(failure(sts)) == (500, "InternalFailure")
    assert sts.get_caller_identity()


@pytest.mark.parametrize(
    ("status", "of_sts", "of_s3"),
    [(500, "InternalFailure", "InternalError"), (503, "ServiceUnavailable", "ServiceUnavailable")],
)
def test_errors_are_worded_by_each_service(
    aws: AwsEmulator, sts: Any, s3: Any, *, status: int, of_sts: str, of_s3: str
) -> None:
    aws.faults.error(status=status)
    assert status_and_code(failure(sts)) == (status, of_sts)
    assert status_and_code(failure(s3, "list_buckets")) == (status, of_s3)


def test_an_error_can_say_anything(aws: AwsEmulator, sts: Any) -> None:
    aws.faults.error(
        status=403, code="RegionDisabledException", message="not <here>", headers={"Retry-After": "3"}
    )
    response = failure(sts)
    assert status_and_code(response) == (403, "RegionDisabledException")
    assert response["Error"]["Message"] == "not <here>"
    assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "3"


def test_a_server_that_hangs_times_out(aws: AwsEmulator, sts: Any) -> None:
    aws.faults.delay(60, count=1)
    with pytest.raises(ReadTimeoutError):
        sts.get_caller_identity()
    assert sts.get_caller_identity()


def test_a_slow_server_answers_in_the_end(aws: AwsEmulator, sts: Any) -> None:
    aws.faults.delay(0.3)
    began = time.monotonic()
    assert sts.get_caller_identity()
    assert time.monotonic() - began >= 0.3


def test_a_server_that_drips_never_times_out_by_itself(aws: AwsEmulator, sts: Any) -> None:
    aws.faults.drip(0.002)
    began = time.monotonic()
    assert sts.get_caller_identity()
    assert time.monotonic() - began >= 1


def test_a_connection_can_be_cut_before_the_answer(aws: AwsEmulator, sts: Any) -> None:
    aws.faults.cut(count=1)
    with pytest.raises(ConnectionClosedError):
        sts.get_caller_identity()
    assert sts.get_caller_identity()
    assert [call.status for call in aws.calls] == [0, 200]


def test_a_connection_can_be_cut_in_the_middle_of_the_answer(aws: AwsEmulator, sts: Any) -> None:
    aws.faults.cut(middle=True, count=1)
    # botocore hands the torn body to its XML parser, and quotes it in the error.
    with pytest.raises(ResponseParserError, match="<GetCallerIdentityResult>"):
        sts.get_caller_identity()
    assert sts.get_caller_identity()


def test_a_web_page_may_come_instead_of_an_answer(aws: AwsEmulator, sts: Any, s3: Any) -> None:
    aws.faults.html()
    # A page that is well-formed XML breaks botocore's parser in its own way.
    with pytest.raises((ResponseParserError, KeyError)):
        sts.get_caller_identity()
    assert not {"Buckets", "Owner"} & set(s3.list_buckets())


def test_an_empty_body_may_come_instead_of_an_answer(aws: AwsEmulator, sts: Any) -> None:
    aws.faults.empty()
    with pytest.raises(ResponseParserError):
        sts.get_caller_identity()


def test_any_answer_can_be_given(aws: AwsEmulator) -> None:
    aws.faults.answer("", status=302, headers={"Location": "http://169.254.169.254/", "Date": "yesterday"})
    with urllib3.PoolManager(ca_certs=aws.ca_path) as pool:
        answer = pool.request("GET", aws.url, redirect=False)
    assert (answer.status, answer.headers["Location"]) == (302, "http://169.254.169.254/")
    assert answer.headers["Date"] == "yesterday"


def test_a_fault_is_no_way_around_the_signature(aws: AwsEmulator, key: Key) -> None:
    aws.faults.skew(60)
    wrong = clients.client("sts", aws, (key[0], "x" * 40))
    assert status_and_code(failure(wrong)) == (403, "SignatureDoesNotMatch")


def test_a_client_that_trusts_another_authority_does_not_connect(aws: AwsEmulator, key: Key) -> None:
    with FastSts() as other, pytest.raises(SSLError):
        clients.client("sts", Mixed(aws.url, other.ca_path), key).get_caller_identity()

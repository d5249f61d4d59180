"""The fast STS verifies what it answers, and tells what it counted."""

import base64
import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from emulators import clients
from emulators.fast_sts import FastSts, Outage

Key = tuple[str, str]
BOGUS = "bogus"
SESSION = ("AccessKeyId", "SecretAccessKey", "SessionToken")


@pytest.fixture(scope="module", params=[True, False], ids=["tls", "plain"])
def sts(request: pytest.FixtureRequest) -> Iterator[FastSts]:
    with FastSts(keys=100, tls=request.param) as sts:
        yield sts


def identify(sts: FastSts, key: Key, **options: Any) -> str:
    return str(clients.client("sts", sts, key, **options).get_caller_identity()["Arn"])


def refusal(sts: FastSts, key: Key, **options: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        identify(sts, key, **options)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_every_key_is_its_own_user(sts: FastSts) -> None:
    for index in (0, 7, 99):
        assert identify(sts, sts.key(index)) == sts.arn(index)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_a_wrong_secret_is_refused(sts: FastSts, region: str) -> None:
    key_id, secret = sts.key(3)
    assert identify(sts, (key_id, secret), region=region)
    assert refusal(sts, (key_id, secret[::-1]), region=region) == (403, "SignatureDoesNotMatch")
    assert refusal(sts, (key_id, sts.key(4)[1]), region=region) == (403, "SignatureDoesNotMatch")


def test_a_key_beyond_the_last_is_refused(sts: FastSts) -> None:
    assert refusal(sts, sts.key(100)) == (403, "InvalidClientTokenId")


@pytest.mark.parametrize("key_id", ["AKIAIOSFODNN7EXAMPLE", "nonsense"])
def test_an_unknown_key_is_refused(sts: FastSts, key_id: str) -> None:
    assert refusal(sts, (key_id, "x" * 40)) == (403, "InvalidClientTokenId")


def test_a_token_is_refused(sts: FastSts) -> None:
    assert refusal(sts, sts.key(0), token=BOGUS) == (403, "InvalidClientTokenId")


def test_an_unsigned_request_is_refused(sts: FastSts) -> None:
    assert refusal(sts, sts.key(0), signature_version=UNSIGNED) == (403, "MissingAuthenticationToken")


def test_an_inactive_key_is_refused_until_it_is_active_again(sts: FastSts) -> None:
    key = sts.key(5)
    sts.set_key_status(key[0], "Inactive")
    assert refusal(sts, key) == (403, "InvalidClientTokenId")
    sts.set_key_status(key[0], "Active")
    assert identify(sts, key)


def test_another_action_is_refused(sts: FastSts) -> None:
    with pytest.raises(ClientError) as caught:
        clients.client("sts", sts, sts.key(0)).get_federation_token(Name="other")
    assert caught.value.response["Error"]["Code"] == "InvalidAction"


def test_every_session_has_a_key_of_its_own_and_lasts_as_long_as_it_may(sts: FastSts) -> None:
    client = clients.client("sts", sts, sts.key(0))
    asked, again = (client.get_session_token(DurationSeconds=900)["Credentials"] for _ in range(2))
    sts.limit_sessions(60)
    limited = client.get_session_token(DurationSeconds=900)["Credentials"]
    sts.limit_sessions(None)

    assert len({one[part] for one in (asked, again, limited) for part in SESSION}) == 3 * len(SESSION)
    now = datetime.datetime.now(datetime.UTC)
    assert 890 <= (asked["Expiration"] - now).total_seconds() <= 900
    assert 50 <= (limited["Expiration"] - now).total_seconds() <= 60


@pytest.mark.parametrize(
    ("outage", "expected"),
    [(Outage.THROTTLED, (400, "Throttling")), (Outage.UNAVAILABLE, (503, "ServiceUnavailable"))],
)
def test_an_outage_ends(sts: FastSts, outage: Outage, expected: tuple[int, str]) -> None:
    sts.set_outage(outage)
    assert refusal(sts, sts.key(0)) == expected
    sts.set_outage(Outage.NONE)
    assert identify(sts, sts.key(0))


def test_calls_are_counted_by_status(sts: FastSts) -> None:
    sts.reset_calls()
    identify(sts, sts.key(0))
    identify(sts, sts.key(1))
    refusal(sts, ("AKIAIOSFODNN7EXAMPLE", "x" * 40))
    assert sts.calls == {200: 2, 403: 1}


def test_what_a_key_was_accepted_for_is_counted_by_its_number(sts: FastSts) -> None:
    sts.reset_calls()
    for index in (5, 5, 6):
        identify(sts, sts.key(index))
    refusal(sts, (sts.key(7)[0], "x" * 40))
    assert sts.asked == {5: 2, 6: 1}


def test_latency_costs_no_cpu(sts: FastSts) -> None:
    client = clients.client("sts", sts, sts.key(0))
    client.get_caller_identity()
    sts.set_latency(0.2)
    before = sts.cpu_seconds
    client.get_caller_identity()
    sts.set_latency(0)
    assert sts.cpu_seconds - before < 0.1


def test_a_key_id_tells_its_account_as_aws_s_do(sts: FastSts) -> None:
    number = int.from_bytes(base64.b32decode(sts.key(42)[0][4:])[:6], "big")
    assert f"{(number & 0x7FFFFFFFFF80) >> 7:012}" == sts.arn(42).split(":")[4]

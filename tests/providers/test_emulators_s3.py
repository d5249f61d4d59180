"""Both S3 servers accept and refuse as S3 does; what only one of them does is told apart."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from emulators import clients
from emulators.aws import AwsEmulator, allow, trust
from emulators.s3 import Versity
from emulators.versity_admin import AdminError

Key = tuple[str, str]
BOGUS = "bogus"
WRONG_SECRET = "x" * 40
BUCKET = "backups"
UNLIKE_AWS = "as long as its administrator liked"


@pytest.fixture(scope="module")
def emulator() -> Iterator[AwsEmulator]:
    with AwsEmulator(hosts=["s3.us-east-1.amazonaws.com", "*.s3.us-east-1.amazonaws.com"]) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def versity() -> Iterator[Versity]:
    with Versity() as versity:
        yield versity


@pytest.fixture
def aws(emulator: AwsEmulator) -> AwsEmulator:
    emulator.reset()
    emulator.create_bucket(BUCKET)
    return emulator


@pytest.fixture
def aws_key(aws: AwsEmulator) -> Key:
    return aws.create_key(aws.create_user("writer", policies=[allow("s3:*")]))


@pytest.fixture(scope="module")
def versity_key(versity: Versity) -> Key:
    key = versity.create_user("writer", secret=UNLIKE_AWS)
    versity.create_bucket(BUCKET, owner=key[0])
    return key


class Store:
    """One of the two servers, with a bucket and its owner's key."""

    def __init__(self, endpoint: clients.Endpoint, key: Key) -> None:
        self.endpoint = endpoint
        self.key = key

    def client(self, key: Key | None = None, **options: Any) -> Any:
        return clients.client("s3", self.endpoint, key or self.key, **options)


@pytest.fixture(params=["aws", "versity"])
def store(request: pytest.FixtureRequest) -> Store:
    return Store(request.getfixturevalue(request.param), request.getfixturevalue(f"{request.param}_key"))


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def fetch(aws: AwsEmulator, key: Key, path: str, *, region: str = "us-east-1", host: str = "") -> Any:
    """Sends one signed GET without the SDK's own redirects."""
    url = f"https://{host or f'127.0.0.1:{aws.port}'}{path}"
    request = AWSRequest("GET", url)
    S3SigV4Auth(Credentials(*key), "s3", region).add_auth(request)
    headers = dict(request.headers.items()) | {"Host": url.split("/")[2]}
    context = ssl.create_default_context(cafile=aws.ca_path)
    with urllib3.HTTPSConnectionPool(
        "127.0.0.1",
        aws.port,
        ssl_context=context,
        server_hostname=host or "127.0.0.1",
        assert_hostname=host or None,
    ) as pool:
        return pool.request("GET", path, headers=headers, redirect=False, retries=False)


def test_an_owner_lists_reads_and_writes(store: Store) -> None:
    s3 = store.client()
    assert BUCKET in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.put_object(Bucket=BUCKET, Key="a b/ü+c~", Body=b"hello")
    assert s3.get_object(Bucket=BUCKET, Key="a b/ü+c~")["Body"].read() == b"hello"
    (entry,) = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=1)["Contents"]
    assert entry["Key"] == "a b/ü+c~"
    s3.delete_object(Bucket=BUCKET, Key="a b/ü+c~")


def test_a_wrong_secret_is_refused(store: Store) -> None:
    s3 = store.client((store.key[0], WRONG_SECRET))
    assert refusal(s3.list_buckets) == (403, "SignatureDoesNotMatch")
    assert refusal(s3.list_objects_v2, Bucket=BUCKET) == (403, "SignatureDoesNotMatch")


def test_an_unknown_key_is_refused(store: Store) -> None:
    s3 = store.client(("AKIAIOSFODNN7EXAMPLE", store.key[1]))
    assert refusal(s3.list_buckets) == (403, "InvalidAccessKeyId")
    assert refusal(s3.list_objects_v2, Bucket=BUCKET) == (403, "InvalidAccessKeyId")


def test_a_bucket_that_does_not_exist_is_told(store: Store) -> None:
    assert refusal(store.client().list_objects_v2, Bucket="nobodys-bucket") == (404, "NoSuchBucket")


def test_an_unsigned_request_is_refused(store: Store) -> None:
    s3 = store.client(signature_version=UNSIGNED)
    assert refusal(s3.list_objects_v2, Bucket=BUCKET) == (403, "AccessDenied")


def test_a_head_request_tells_no_reason(store: Store) -> None:
    for key in (store.key[0], WRONG_SECRET), ("AKIAIOSFODNN7EXAMPLE", WRONG_SECRET):
        assert refusal(store.client(key).head_bucket, Bucket=BUCKET) == (403, "403")


def test_a_key_that_may_nothing_is_refused(aws: AwsEmulator) -> None:
    s3 = clients.client("s3", aws, aws.create_key(aws.create_user("weak")))
    assert refusal(s3.list_buckets) == (403, "AccessDenied")
    assert refusal(s3.list_objects_v2, Bucket=BUCKET) == (403, "AccessDenied")


def test_a_policy_for_one_bucket_opens_no_other(aws: AwsEmulator) -> None:
    aws.create_bucket("secrets")
    narrow = aws.create_user("narrow", policies=[allow("s3:ListBucket", resource=f"arn:aws:s3:::{BUCKET}")])
    s3 = clients.client("s3", aws, aws.create_key(narrow))
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    assert refusal(s3.list_objects_v2, Bucket="secrets") == (403, "AccessDenied")
    assert refusal(s3.put_object, Bucket=BUCKET, Key="a", Body=b"") == (403, "AccessDenied")


def test_a_bucket_of_another_account_is_closed(aws: AwsEmulator, aws_key: Key) -> None:
    aws.create_bucket("foreign", account="210987654321")
    assert refusal(clients.client("s3", aws, aws_key).list_objects_v2, Bucket="foreign") == (
        403,
        "AccessDenied",
    )


def test_an_inactive_key_is_refused(aws: AwsEmulator, aws_key: Key) -> None:
    aws.set_key_status(aws_key[0], "Inactive")
    assert refusal(clients.client("s3", aws, aws_key).list_buckets) == (403, "InvalidAccessKeyId")


def test_sessions_are_checked(aws: AwsEmulator) -> None:
    role = aws.create_role("reader", trust=trust("*"), policies=[allow("s3:*")])
    user = aws.create_key(aws.create_user("night", policies=[allow("sts:AssumeRole")]))
    session = clients.client("sts", aws, user).assume_role(RoleArn=role, RoleSessionName="test")[
        "Credentials"
    ]
    key = session["AccessKeyId"], session["SecretAccessKey"]
    good = clients.client("s3", aws, key, token=session["SessionToken"])
    assert good.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    bogus = clients.client("s3", aws, key, token=BOGUS)
    assert refusal(bogus.list_objects_v2, Bucket=BUCKET) == (400, "InvalidToken")
    aws.expire_session(key[0])
    assert refusal(good.list_objects_v2, Bucket=BUCKET) == (400, "ExpiredToken")


@pytest.mark.parametrize("skew", [3600, -3600])
def test_a_clock_an_hour_off_is_refused(aws: AwsEmulator, aws_key: Key, skew: int) -> None:
    aws.faults.skew(skew)
    s3 = clients.client("s3", aws, aws_key)
    assert refusal(s3.list_objects_v2, Bucket=BUCKET) == (403, "RequestTimeTooSkewed")


def test_the_global_endpoint_names_the_region_of_a_bucket(aws: AwsEmulator, aws_key: Key) -> None:
    aws.create_bucket("european", region="eu-central-1")
    answer = fetch(aws, aws_key, "/european?list-type=2")
    assert (answer.status, answer.headers["x-amz-bucket-region"]) == (400, "eu-central-1")
    assert b"<Code>AuthorizationHeaderMalformed</Code>" in answer.data
    assert b"<Region>eu-central-1</Region>" in answer.data


def test_a_regional_endpoint_redirects_to_the_region_of_a_bucket(aws: AwsEmulator, aws_key: Key) -> None:
    aws.create_bucket("european", region="eu-central-1")
    answer = fetch(aws, aws_key, "/european?list-type=2", region="eu-west-1")
    assert (answer.status, answer.headers["x-amz-bucket-region"]) == (301, "eu-central-1")
    assert b"<Code>PermanentRedirect</Code>" in answer.data
    assert "Location" not in answer.headers


def test_a_bucket_may_be_named_in_the_host(aws: AwsEmulator, aws_key: Key) -> None:
    host = f"{BUCKET}.s3.us-east-1.amazonaws.com"
    answer = fetch(aws, aws_key, "/?list-type=2", host=host)
    assert (answer.status, f"<Name>{BUCKET}</Name>".encode() in answer.data) == (200, True)
    assert aws.calls[-1].action == "ListObjectsV2"
    refused = fetch(aws, (aws_key[0], WRONG_SECRET), "/?list-type=2", host=host)
    assert (refused.status, b"SignatureDoesNotMatch" in refused.data) == (403, True)


def test_a_body_that_was_changed_after_signing_is_refused(aws: AwsEmulator, aws_key: Key) -> None:
    request = AWSRequest("PUT", f"{aws.url}/{BUCKET}/key", data=b"hello")
    S3SigV4Auth(Credentials(*aws_key), "s3", "us-east-1").add_auth(request)
    with urllib3.PoolManager(ca_certs=aws.ca_path) as pool:
        answer = pool.request("PUT", request.url, headers=dict(request.headers.items()), body=b"HELLO")
    assert (answer.status, b"XAmzContentSHA256Mismatch" in answer.data) == (400, True)


def test_a_presigned_url_is_refused_because_it_would_not_be_verified(aws: AwsEmulator, aws_key: Key) -> None:
    s3 = clients.client("s3", aws, aws_key, signature_version="s3v4")
    url = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": BUCKET})
    with urllib3.PoolManager(ca_certs=aws.ca_path) as pool:
        assert pool.request("GET", url).status == 403


@pytest.mark.usefixtures("versity_key")
def test_another_user_of_versity_is_refused(versity: Versity) -> None:
    stranger = clients.client("s3", versity, versity.create_user("stranger"))
    assert refusal(stranger.list_objects_v2, Bucket=BUCKET) == (403, "AccessDenied")


def test_a_new_secret_of_versity_replaces_the_old_one_at_once(versity: Versity) -> None:
    old = versity.create_user("rotated")
    assert clients.client("s3", versity, old).list_buckets()["Buckets"] == []
    new = versity.set_secret("rotated")
    assert refusal(clients.client("s3", versity, old).list_buckets) == (403, "SignatureDoesNotMatch")
    assert clients.client("s3", versity, new).list_buckets()["Buckets"] == []


def test_a_deleted_user_of_versity_is_refused(versity: Versity) -> None:
    key = versity.create_user("leaver")
    versity.delete_user("leaver")
    assert refusal(clients.client("s3", versity, key).list_buckets) == (403, "InvalidAccessKeyId")


@pytest.mark.usefixtures("versity_key")
def test_the_root_key_of_versity_may_do_everything(versity: Versity) -> None:
    versity.create_bucket("roots-own")
    buckets = clients.client("s3", versity, versity.root_key).list_buckets()["Buckets"]
    assert {BUCKET, "roots-own"} <= {bucket["Name"] for bucket in buckets}


def test_a_refused_admin_call_of_versity_is_told(versity: Versity) -> None:
    with pytest.raises(AdminError, match="/create-user: "):
        versity.create_user("x", role="emperor")


def test_versity_serves_plain_http() -> None:
    with Versity(tls=False) as versity:
        assert clients.client("s3", versity, versity.root_key).list_buckets()["Buckets"] == []

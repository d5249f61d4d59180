"""S3, before two servers that share no code: moto behind a strict gate, and versitygw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from credential_operator import errors, providers
from credential_operator.providers import contract, network
from emulators import aws as emulators
from emulators import s3 as stores
from providers import servers, suite

BUCKET = "backups"
AWS_HOSTS = [
    "s3.us-east-1.amazonaws.com",
    "*.s3.us-east-1.amazonaws.com",
    "s3.eu-west-1.amazonaws.com",
    "*.s3.eu-west-1.amazonaws.com",
]


@pytest.fixture(scope="module")
def emulator() -> Iterator[emulators.AwsEmulator]:
    with emulators.AwsEmulator(hosts=AWS_HOSTS) as running:
        running.create_bucket(BUCKET)
        running.create_bucket("in.dublin", region="eu-west-1")
        yield running


@pytest.fixture(scope="module")
def user(emulator: emulators.AwsEmulator) -> emulators.User:
    return emulator.create_user("backup", policies=[emulators.allow("s3:ListBucket", "s3:ListAllMyBuckets")])


@pytest.fixture
def keys(emulator: emulators.AwsEmulator, user: emulators.User) -> Iterator[dict[str, str]]:
    key_id, secret = emulator.create_key(user)
    yield {"accessKeyID": key_id, "secretAccessKey": secret}
    emulator.faults.clear()
    emulator.delete_key(key_id)


@pytest.fixture
def stage(emulator: emulators.AwsEmulator, keys: dict[str, str]) -> suite.Stage:
    return suite.Stage(
        provider=providers.find()["s3"],
        emulator=emulator,
        config={"endpoint": emulator.url, "bucket": BUCKET},
        good=keys,
        wrong={
            "secret": {**keys, "secretAccessKey": "wrong" * 8},
            "key id": {**keys, "accessKeyID": "AKIAQ3EGUNKNOWNKEY23"},
            "session token": {**keys, "sessionToken": "of-another-key"},
        },
        principal=keys["accessKeyID"],
        expect={"key_id": keys["accessKeyID"], "external_id": None, "warnings": ()},
    )


class TestBucket(suite.Reading):
    @pytest.fixture
    def stage(self, stage: suite.Stage) -> suite.Stage:
        return stage


class TestAllBuckets(suite.Reading):
    @pytest.fixture
    def stage(self, stage: suite.Stage) -> suite.Stage:
        stage.config = {"endpoint": stage.emulator.url}
        return stage


def _changed(stage: suite.Stage, **config: Any) -> dict[str, Any]:
    return {**stage.config, **config}


def test_a_bucket_that_does_not_exist_is_misconfigured(stage: suite.Stage) -> None:
    with pytest.raises(errors.Misconfigured, match="NoSuchBucket"):
        stage.check(config=_changed(stage, bucket="nowhere"))


def test_a_key_that_may_not_list_is_not_permitted_and_told_what_to_permit(
    stage: suite.Stage, emulator: emulators.AwsEmulator
) -> None:
    stranger = emulator.create_key(emulator.create_user("stranger"))
    fields = dict(zip(("accessKeyID", "secretAccessKey"), stranger, strict=True))
    with pytest.raises(errors.PermissionDenied, match="s3:ListBucket"):
        stage.check(fields)
    with pytest.raises(errors.PermissionDenied, match="name the one bucket"):
        stage.check(fields, config={"endpoint": emulator.url})


def test_a_refusal_that_names_a_region_is_a_refusal(
    stage: suite.Stage, emulator: emulators.AwsEmulator
) -> None:
    region = {"x-amz-bucket-region": "eu-west-1"}
    emulator.faults.answer("<Error><Code>AccessDenied</Code></Error>", status=403, headers=region)
    with pytest.raises(errors.PermissionDenied):
        stage.check()


def test_a_bucket_of_another_region_is_misconfigured_and_its_region_named(stage: suite.Stage) -> None:
    with pytest.raises(errors.Misconfigured, match="set region to eu-west-1"):
        stage.check(config=_changed(stage, bucket="in.dublin"))
    assert stage.check(config=_changed(stage, bucket="in.dublin", region="eu-west-1"))


def test_a_redirect_without_a_body_names_the_region_of_its_header(
    stage: suite.Stage, emulator: emulators.AwsEmulator
) -> None:
    emulator.faults.answer("", status=301, headers={"x-amz-bucket-region": "eu-west-1"})
    with pytest.raises(errors.Misconfigured, match="eu-west-1"):
        stage.check()


def test_a_region_that_is_none_is_not_repeated(stage: suite.Stage, emulator: emulators.AwsEmulator) -> None:
    body = f"<Error><Code>AuthorizationHeaderMalformed</Code><Region>{suite.BODY} X</Region></Error>"
    emulator.faults.answer(body, status=400)
    with pytest.raises(errors.Misconfigured) as raised:
        stage.check()
    assert suite.BODY not in raised.value.message


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("SlowDown", 503, errors.RateLimited),
        ("ExpiredToken", 400, errors.Expired),
        ("AccountProblem", 403, errors.PermissionDenied),
        ("AllAccessDisabled", 403, errors.PermissionDenied),
        ("InvalidBucketName", 400, errors.Misconfigured),
        ("MethodNotAllowed", 405, errors.Misconfigured),
        ("XMinioServerNotInitialized", 503, errors.ProviderUnreachable),
    ],
)
def test_codes_decide(
    stage: suite.Stage,
    emulator: emulators.AwsEmulator,
    code: str,
    status: int,
    kind: type[errors.CredentialError],
) -> None:
    emulator.faults.error(status=status, code=code)
    with pytest.raises(errors.CredentialError) as raised:
        stage.check()
    assert type(raised.value) is kind


def test_an_error_with_a_good_status_is_an_error(stage: suite.Stage, emulator: emulators.AwsEmulator) -> None:
    emulator.faults.answer("<Error><Code>AccessDenied</Code></Error>", status=200)
    with pytest.raises(errors.PermissionDenied):
        stage.check()


def test_a_list_that_is_longer_than_anyone_reads_is_a_list(
    stage: suite.Stage, emulator: emulators.AwsEmulator
) -> None:
    buckets = "<Bucket><Name>b</Name></Bucket>" * 10_000
    emulator.faults.answer(f"<ListAllMyBucketsResult><Buckets>{buckets}</Buckets></ListAllMyBucketsResult>")
    assert stage.check(config={"endpoint": emulator.url}).identity


def test_an_own_authority_is_trusted_instead_of_all_others(
    stage: suite.Stage, emulator: emulators.AwsEmulator
) -> None:
    policy = network.Policy(allow=[f"127.0.0.1:{emulator.port}"])
    config = _changed(stage, caBundle=emulator.ca_pem.decode())
    assert stage.check(config=config, within=network.Session(policy))


def test_a_bundle_without_certificates_is_misconfigured(stage: suite.Stage) -> None:
    with pytest.raises(errors.Misconfigured, match="caBundle"):
        stage.check(config=_changed(stage, caBundle="nothing"))


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({"region": "us-east-1", "bucket": BUCKET}, "backups.s3.us-east-1.amazonaws.com:443"),
        ({"region": "us-east-1", "bucket": BUCKET, "forcePathStyle": True}, "s3.us-east-1.amazonaws.com:443"),
        ({"region": "eu-west-1", "bucket": "in.dublin"}, "s3.eu-west-1.amazonaws.com:443"),
        ({"region": "us-east-1"}, "s3.us-east-1.amazonaws.com:443"),
    ],
)
def test_awss_own_names_are_called_where_no_endpoint_is_given(
    stage: suite.Stage, emulator: emulators.AwsEmulator, config: dict[str, Any], asked: str
) -> None:
    proxy = servers.Proxy(emulator.port)
    with servers.serving(proxy) as server:
        session = stage.session(proxy=f"http://{server.host}")
        validation = stage.check(config=config, within=session)
        session.close()
    assert [line.split()[1] for line in proxy.asked] == [asked]
    assert validation.identity == contract.Identity(
        principal=stage.good["accessKeyID"], account=emulators.ACCOUNT
    )


@pytest.fixture(scope="module")
def versity() -> Iterator[stores.Versity]:
    with stores.Versity(region="garage") as running:
        for fields in (THEIRS, STRANGERS):
            running.create_user(fields["accessKeyID"], secret=fields["secretAccessKey"])
        running.create_bucket("their-bucket", owner="backup")
        yield running


THEIRS = {"accessKeyID": "backup", "secretAccessKey": "as its administrator liked"}
STRANGERS = {"accessKeyID": "stranger", "secretAccessKey": "another secret"}


@pytest.fixture
def store(versity: stores.Versity) -> suite.Stage:
    return suite.Stage(
        provider=providers.find()["s3"],
        emulator=versity,
        config={"endpoint": versity.url, "bucket": "their-bucket", "region": "garage"},
        good=THEIRS,
        wrong={},
        principal="backup",
    )


def test_a_compatible_store_accepts_its_own_kind_of_keys(store: suite.Stage) -> None:
    assert store.check() == contract.Validation(
        identity=contract.Identity(principal="backup"), key_id="backup"
    )
    assert store.check(config={**store.config, "bucket": None}).identity


@pytest.mark.parametrize(
    ("fields", "config", "kind"),
    [
        ({**THEIRS, "secretAccessKey": "other"}, {}, errors.Rejected),
        ({**THEIRS, "accessKeyID": "nobody"}, {}, errors.Rejected),
        (STRANGERS, {}, errors.PermissionDenied),
        (THEIRS, {"bucket": "nowhere"}, errors.Misconfigured),
        (THEIRS, {"region": "us-east-1"}, errors.Misconfigured),
    ],
)
def test_a_compatible_store_refuses(
    store: suite.Stage, fields: dict[str, str], config: dict[str, str], kind: type[errors.CredentialError]
) -> None:
    with pytest.raises(kind) as raised:
        store.check(fields, config={**store.config, **config})
    assert fields["secretAccessKey"] not in suite.everything(raised.value)


def test_fields_that_are_swapped_before_a_compatible_store_do_not_show_the_secret(store: suite.Stage) -> None:
    swapped = {"accessKeyID": "the-real-secret", "secretAccessKey": "backup"}
    with pytest.raises(errors.Rejected) as raised:
        store.check(swapped)
    assert "the-real-secret" not in suite.everything(raised.value)


def test_a_store_without_tls_is_called_only_where_that_is_asked_for() -> None:
    with stores.Versity(tls=False) as plain:
        stage = suite.Stage(
            provider=providers.find()["s3"],
            emulator=plain,
            config={"endpoint": f"127.0.0.1:{plain.port}", "disableSSL": True},
            good=dict(zip(("accessKeyID", "secretAccessKey"), plain.root_key, strict=True)),
            wrong={},
            principal=plain.root_key[0],
        )
        assert stage.check().identity
        with pytest.raises(errors.Misconfigured, match="disableSSL"):
            stage.check(config={"endpoint": plain.url})
        with pytest.raises(errors.ProviderUnreachable, match="TLS"):
            stage.check(config={"endpoint": f"127.0.0.1:{plain.port}"})


KEYS = {"accessKeyID": "AKIAQ3EGABCDEFGHIJK2", "secretAccessKey": "s" * 40}


@pytest.mark.parametrize(
    ("fields", "config", "kind", "says"),
    [
        (
            {"accessKeyID": "x" * 40, "secretAccessKey": KEYS["accessKeyID"]},
            {},
            errors.InvalidKeyMaterial,
            "swapped",
        ),
        ({**KEYS, "accessKeyID": "minio"}, {}, errors.InvalidKeyMaterial, "AKIA"),
        (KEYS, {"endpoint": "https://a.example", "disableSSL": True}, errors.Misconfigured, "disableSSL"),
        (KEYS, {"endpoint": "http://a.example"}, errors.Misconfigured, "disableSSL"),
        (KEYS, {"endpoint": "https://x.s3.amazonaws.com", "bucket": "x.s3"}, errors.Misconfigured, "bucket"),
        (KEYS, {"region": "garage"}, errors.Misconfigured, "garage"),
    ],
)
def test_what_cannot_be_right_is_named_without_a_call(
    fields: dict[str, str], config: dict[str, Any], kind: type[errors.CredentialError], says: str
) -> None:
    provider = providers.find()["s3"]
    keys = contract.load(provider, {name: text.encode() for name, text in fields.items()}, {})
    with pytest.raises(kind, match=says):
        provider.inspect(provider.config.model_validate(config), keys)


def _fields(config: dict[str, Any]) -> Any:
    provider = providers.find()["s3"]
    keys = contract.load(provider, {name: text.encode() for name, text in KEYS.items()}, {})
    return provider.fields(provider.config.model_validate(config), keys)


def test_a_storage_class_is_published_in_s3s_own_spelling() -> None:
    assert _fields({})["storageClass"] == "STANDARD"
    assert _fields({"storageClass": "STANDARD-IA"})["storageClass"] == "STANDARD_IA"


@pytest.mark.parametrize(
    ("config", "endpoint"),
    [
        ({}, None),
        ({"endpoint": "minio.example:9000"}, "https://minio.example:9000"),
        ({"endpoint": "minio.example:9000", "disableSSL": True}, "http://minio.example:9000"),
        ({"endpoint": "https://minio.example/"}, "https://minio.example"),
        ({"endpoint": "https://[2001:db8::1]:9000"}, "https://[2001:db8::1]:9000"),
    ],
)
def test_the_endpoint_is_published_as_a_url_where_one_is_given(
    config: dict[str, Any], endpoint: str | None
) -> None:
    assert _fields(config).get("endpoint") == endpoint


def test_a_check_costs_one_call(stage: suite.Stage, emulator: emulators.AwsEmulator) -> None:
    emulator.reset_calls()
    stage.check()
    assert [call.action for call in emulator.calls] == ["ListObjectsV2"]

"""What AWS tells of keys for buckets besides whether they work, and sessions that need no stored key."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from credential_operator import errors, providers
from credential_operator.providers import contract, network, s3
from emulators import aws as emulators
from emulators import s3 as stores
from providers import issuing, servers, suite

BUCKET = "backups"
ARN = f"arn:aws:s3:::{BUCKET}"
HOSTS = ["*.s3.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com", "iam.amazonaws.com"]
ASK = "iam:SimulatePrincipalPolicy"


@pytest.fixture(scope="module")
def running() -> Iterator[emulators.AwsEmulator]:
    with emulators.AwsEmulator(hosts=HOSTS) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: emulators.AwsEmulator) -> emulators.AwsEmulator:
    running.reset()
    running.create_bucket(BUCKET, region="eu-west-1")
    return running


@pytest.fixture
def user(emulator: emulators.AwsEmulator) -> emulators.User:
    return emulator.create_user("backup")


@pytest.fixture
def stage(emulator: emulators.AwsEmulator, user: emulators.User) -> suite.Stage:
    key_id, secret = emulator.create_key(user)
    return suite.Stage(
        provider=providers.find()["s3"],
        emulator=emulator,
        config={
            "region": "eu-west-1",
            "bucket": BUCKET,
            "endpoint": emulator.url,
            "stsEndpoint": emulator.url,
            "iamEndpoint": emulator.url,
        },
        good={"accessKeyID": key_id, "secretAccessKey": secret},
        wrong={},
    )


def without_endpoints(stage: suite.Stage) -> dict[str, Any]:
    return {name: value for name, value in stage.config.items() if not name.lower().endswith("endpoint")}


def test_a_keys_history_is_told(
    stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
) -> None:
    emulator.set_policies(user.arn, [emulators.allow("iam:*", "s3:ListBucket")])
    assert stage.ask("history").last_used_at is None
    stage.check()
    now = datetime.datetime.now(datetime.UTC)
    found = stage.ask("history")
    for moment in (found.created_at, found.last_used_at):
        assert abs(moment - now) < datetime.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("permission", "resource"),
    [
        ("s3:ListBucket", ARN),
        ("s3:GetBucketLocation", ARN),
        ("s3:CreateBucket", ARN),
        ("s3:PutLifecycleConfiguration", ARN),
        ("s3:PutBucketObjectLockConfiguration", ARN),
        ("s3:ListBucketMultipartUploads", ARN),
        ("s3:GetObject", f"{ARN}/*"),
        ("s3:PutObjectTagging", f"{ARN}/*"),
        ("s3:DeleteObjectVersion", f"{ARN}/*"),
        ("s3:AbortMultipartUpload", f"{ARN}/*"),
        ("s3:ListMultipartUploadParts", f"{ARN}/*"),
        ("s3:ReplicateDelete", f"{ARN}/*"),
        ("s3:ListAllMyBuckets", "*"),
        ("s3:GetAccountPublicAccessBlock", "*"),
        ("s3:CreateJob", "*"),
        ("kms:Decrypt", "*"),
    ],
)
def test_a_permission_is_asked_for_of_what_it_is_about(
    stage: suite.Stage,
    emulator: emulators.AwsEmulator,
    user: emulators.User,
    permission: str,
    resource: str,
) -> None:
    for allowed in (ARN, f"{ARN}/*", "arn:aws:s3:::other", "arn:aws:s3:::other/*"):
        emulator.set_policies(user.arn, [emulators.allow(permission, resource=allowed), emulators.allow(ASK)])
        missing = () if allowed == resource else (permission,)
        assert stage.ask("grants", (permission,)) == contract.Grants(missing=missing)
    emulator.set_policies(user.arn, [emulators.allow(permission, ASK)])
    assert stage.ask("grants", (permission,)) == contract.Grants()


def test_without_a_bucket_permissions_are_asked_for_of_all(
    stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
) -> None:
    wanted = ("s3:GetObject", "s3:ListBucket")
    config = {name: value for name, value in stage.config.items() if name != "bucket"}
    for resource, missing in ((f"{ARN}*", wanted), ("arn:aws:s3:::*", ())):
        emulator.set_policies(user.arn, [emulators.allow("s3:*", resource=resource), emulators.allow(ASK)])
        assert stage.ask("grants", wanted, config=config) == contract.Grants(missing=missing)


def test_the_sets_are_what_portworx_documents(
    stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
) -> None:
    anywhere = ["s3:PutObject", "s3:GetObject", "s3:ListAllMyBuckets", "s3:CreateBucket", "s3:ListBucket"]
    anywhere += ["s3:DeleteObject", "s3:GetBucketLocation"]
    emulator.set_policies(user.arn, [emulators.allow(*anywhere), emulators.allow(ASK)])
    assert contract.resolve(s3.PROVIDER, ["PortworxAllBuckets"]) == tuple(sorted(anywhere))
    config = {name: value for name, value in stage.config.items() if name != "bucket"}
    assert stage.ask("grants", contract.resolve(s3.PROVIDER, ["PortworxAllBuckets"]), config=config) == (
        contract.Grants()
    )
    emulator.set_policies(
        user.arn,
        [
            emulators.allow("s3:ListAllMyBuckets", "s3:GetBucketLocation", ASK),
            emulators.allow("s3:*", resource=[ARN, f"{ARN}/*"]),
        ],
    )
    assert stage.ask("grants", contract.resolve(s3.PROVIDER, ["PortworxBucket"])) == contract.Grants()


def test_a_user_that_may_not_ask_leaves_all_unknown(stage: suite.Stage) -> None:
    found = stage.ask("grants", ("s3:GetObject",))
    assert (found.missing, found.unknown) == ((), ("s3:GetObject",))
    assert ASK in found.why


def test_a_compatible_store_has_no_iam_unless_one_is_named(
    stage: suite.Stage, emulator: emulators.AwsEmulator
) -> None:
    for config in (
        {"endpoint": emulator.url},
        {"endpoint": emulator.url, "iamEndpoint": emulator.url},
        {"endpoint": emulator.url, "stsEndpoint": emulator.url},
    ):
        found = stage.ask("grants", ("s3:GetObject",), config=config)
        assert found.unknown == ("s3:GetObject",)
        assert "s3.iamEndpoint and s3.stsEndpoint" in found.why
    assert stage.ask("history", config={"endpoint": emulator.url}) is None
    assert emulator.calls == []


def test_amazons_own_endpoints_are_asked_for_amazons_own_store(
    stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
) -> None:
    emulator.set_policies(user.arn, [emulators.allow("s3:Get*", "iam:*")])
    proxy = servers.Proxy(emulator.port)
    with servers.serving(proxy) as server:
        session = stage.session(proxy=f"http://{server.host}")
        config = without_endpoints(stage)
        assert stage.ask("history", config=config, within=session).created_at
        found = stage.ask("grants", ("s3:GetObject", "s3:PutObject"), config=config, within=session)
        session.close()
    assert found == contract.Grants(missing=("s3:PutObject",))
    assert {line.split()[1] for line in proxy.asked} == {
        "iam.amazonaws.com:443",
        "sts.eu-west-1.amazonaws.com:443",
    }


@pytest.fixture
def issuer(emulator: emulators.AwsEmulator) -> issuing.Issuer:
    made = issuing.Issuer()
    emulator.trust_issuer(made.url, made.jwks)
    return made


@pytest.fixture
def identity(emulator: emulators.AwsEmulator, issuer: issuing.Issuer) -> dict[str, str]:
    role = emulator.create_role(
        "bucket",
        trust=emulators.federate(issuer.url, issuing.SUBJECT),
        policies=[emulators.allow("s3:ListBucket", "s3:GetObject", ASK)],
        path="/ours/",
    )
    return {"roleARN": role}


def test_a_token_opens_a_session_that_all_else_works_with(
    stage: suite.Stage,
    emulator: emulators.AwsEmulator,
    issuer: issuing.Issuer,
    identity: dict[str, str],
) -> None:
    keys = stage.exchange(identity, issuer.token("sts.amazonaws.com"))
    assert stage.ask("validate", keys=keys) == contract.Validation(
        identity=contract.Identity(principal=identity["roleARN"])
    )
    assert stage.ask("grants", ("s3:GetObject", "s3:PutObject"), keys=keys).missing == ("s3:PutObject",)
    assert stage.ask("history", keys=keys) is None
    assert [call.action for call in emulator.calls] == [
        "AssumeRoleWithWebIdentity",
        "ListObjectsV2",
        "SimulatePrincipalPolicy",
    ]


def test_the_audience_is_that_of_sts(stage: suite.Stage) -> None:
    provider: Any = stage.provider
    written = {"serviceAccountName": "a", "roleARN": "arn:aws-cn:iam::123456789012:role/a"}
    read = provider.workload_identity.model_validate(written)
    assert provider.audience(stage.read(), read) == "sts.amazonaws.com.cn"


@pytest.fixture
def untrusted(
    stage: suite.Stage, identity: dict[str, str], caplog: pytest.LogCaptureFixture
) -> Callable[..., Any]:
    def exchange(kind: type[errors.CredentialError], token: str, **options: Any) -> Any:
        return suite.refusal(
            kind, lambda: stage.exchange(identity, token, **options), secrets=[token], log=caplog
        )

    return exchange


def test_tokens_that_are_not_trusted_are_told_apart(
    issuer: issuing.Issuer, untrusted: Callable[..., Any]
) -> None:
    audience = "sts.amazonaws.com"
    untrusted(errors.Rejected, issuer.token("vault"))
    untrusted(errors.Rejected, issuing.Issuer("https://other.example.com").token(audience))
    untrusted(errors.Rejected, issuing.Issuer(issuer.url, number=1).token(audience))
    untrusted(errors.Expired, issuer.token(audience, seconds=-1))
    untrusted(errors.PermissionDenied, issuer.token(audience, subject="system:serviceaccount:a:b"))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"endpoint": "https://minio.example.com:9000"}, "stsEndpoint"),
        ({"region": "cn-north-1", "endpoint": "https://s3.cn-north-1.amazonaws.com.cn"}, "in aws-cn"),
        ({"endpoint": "http://minio.example.com", "stsEndpoint": "https://a.example.com"}, "disableSSL"),
        ({"endpoint": "https://x.s3.amazonaws.com", "bucket": "x.s3"}, "bucket"),
        ({"region": "garage"}, "garage"),
    ],
)
def test_what_cannot_be_right_is_named_without_a_call(
    emulator: emulators.AwsEmulator, untrusted: Callable[..., Any], config: dict[str, str], says: str
) -> None:
    assert says in untrusted(errors.Misconfigured, "a.b.c", config=config).message
    assert emulator.calls == []


def test_the_stores_authority_is_trusted_by_its_other_services_too(
    stage: suite.Stage,
    emulator: emulators.AwsEmulator,
    issuer: issuing.Issuer,
    identity: dict[str, str],
) -> None:
    policy = network.Policy(allow=[f"127.0.0.1:{emulator.port}"])
    config = {**stage.config, "caBundle": emulator.ca_pem.decode()}
    with network.Session(policy) as session:
        token = issuer.token("sts.amazonaws.com")
        keys = stage.exchange(identity, token, config=config, within=session)
        assert stage.ask("grants", ("s3:GetObject",), keys=keys, config=config, within=session) == (
            contract.Grants()
        )


def test_a_store_without_iam_is_asked_for_nothing_but_its_list() -> None:
    with stores.Versity() as store:
        stage = suite.Stage(
            provider=providers.find()["s3"],
            emulator=store,
            config={"endpoint": store.url},
            good=dict(zip(("accessKeyID", "secretAccessKey"), store.root_key, strict=True)),
            wrong={},
        )
        assert stage.check().identity
        assert stage.ask("history") is None
        assert stage.ask("grants", ("s3:GetObject",)).unknown == ("s3:GetObject",)

"""Passwords of Amazon's container registries, before a stand-in that verifies who gets them, and lets in with them."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest

from credential_operator import errors
from credential_operator.providers import _ecr, _partitions, issue, network
from emulators import aws as emulators
from providers import amazon, issuance, issuing, suite

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
MAY = "ecr:GetAuthorizationToken"
MAY_PUBLIC = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")
HOSTS = [
    "*.dkr.ecr.eu-west-1.amazonaws.com",
    "api.ecr.eu-west-1.amazonaws.com",
    "public.ecr.aws",
    "api.ecr-public.us-east-1.amazonaws.com",
]


class TestRegistryPassword(issuance.Passwords, amazon.Account):
    type_name: ClassVar[str] = "aws"
    kind: ClassVar[str] = "RegistryPassword"
    host: ClassVar[str] = HOST
    others: ClassVar[tuple[str, ...]] = (
        "ghcr.io",
        "ecr.aws",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.example.com",
        "123456789012.dkr.ecr.eu-west-1.example.com",
        "123456789012.dkr.ecr.nowhere.amazonaws.com",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
        "123.dkr.ecr.eu-west-1.amazonaws.com",
    )

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls) -> Iterator[emulators.AwsEmulator]:
        with emulators.AwsEmulator(hosts=HOSTS) as emulator:
            yield emulator

    @pytest.fixture
    def user(self, emulator: emulators.AwsEmulator) -> emulators.User:
        return emulator.create_user("backup", policies=[emulators.allow(MAY)])

    @pytest.fixture
    def stage(self, emulator: emulators.AwsEmulator, user: emulators.User) -> suite.Stage:
        return amazon.stage_of(emulator, user)

    def outlive(self, stage: suite.Stage) -> None:
        stage.emulator.limit_passwords(-10)

    def test_it_costs_one_call_and_is_good_for_twelve_hours(
        self, emulator: emulators.AwsEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        issued = make()
        assert amazon.actions(emulator) == ["GetAuthorizationToken"]
        assert issued.fields["username"] == "AWS"
        lasting = issued.expires_at - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(minutes=719) < lasting <= datetime.timedelta(hours=12)

    def test_the_public_registry_has_passwords_of_its_own(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        make: Callable[..., issue.Issued],
        unmade: Callable[..., Any],
    ) -> None:
        public = {"registry": "public.ecr.aws"}
        assert "ecr-public:GetAuthorizationToken" in unmade(errors.PermissionDenied, options=public).message
        amazon.grant(emulator, user, MAY_PUBLIC[0])
        assert MAY_PUBLIC[1] in unmade(errors.PermissionDenied, options=public).message
        amazon.grant(emulator, user, *MAY_PUBLIC)
        self.use(stage, make(options=public))
        assert MAY in unmade(errors.PermissionDenied).message

    def test_the_role_that_the_credential_assumes_gets_it(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        make: Callable[..., issue.Issued],
        unmade: Callable[..., Any],
    ) -> None:
        trust = emulators.trust(user, external_id=suite.EXTERNAL_ID)
        role = emulator.create_role("far", trust=trust, account=amazon.OTHER, policies=[emulators.allow(MAY)])
        amazon.grant(emulator, user, "sts:AssumeRole")
        config = amazon.assuming(stage, role)
        self.use(stage, make(config=config))
        assert amazon.actions(emulator)[:2] == ["AssumeRole", "GetAuthorizationToken"]
        emulator.set_trust(role, emulators.trust(amazon.OTHER))
        assert role in unmade(errors.PermissionDenied, config=config).message

    def test_a_workload_identity_gets_one_too(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        issuer = issuing.Issuer()
        emulator.trust_issuer(issuer.url, issuer.jwks)
        trust = emulators.federate(issuer.url, issuing.SUBJECT)
        role = emulator.create_role("cluster", trust=trust, policies=[emulators.allow(MAY)])
        keys = stage.exchange({"roleARN": role}, issuer.token("sts.amazonaws.com"))
        self.use(stage, make(keys=keys))

    def test_trouble_of_an_sts_of_ones_own_is_not_counted_as_amazons(
        self, stage: suite.Stage, options: Mapping[str, Any]
    ) -> None:
        own = {"endpoint": "https://sts.example.com"}
        usual = "api.ecr.eu-west-1.amazonaws.com:443"
        assert issuance.endpoint_of(stage, self.kind, own, options) == "sts.example.com:443"
        assert issuance.endpoint_of(stage, self.kind, {}, options) == usual

    def test_one_password_is_no_other(
        self, stage: suite.Stage, make: Callable[..., issue.Issued], led: network.Session
    ) -> None:
        issued = make()
        other = {**issued.fields, "password": f"{issued.fields['password']!r}x"}
        with pytest.raises(errors.Rejected):
            issuance.log_in(stage, issue.Issued(fields=other, expires_at=issued.expires_at), led)

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (400, "UnknownOperationException", errors.Misconfigured),
            (400, "UnsupportedCommandException", errors.Misconfigured),
            (400, "ExpiredTokenException", errors.Expired),
            (400, "ThrottlingException", errors.RateLimited),
            (400, "RequestExpired", errors.ClockSkew),
            (500, "ServerException", errors.ProviderUnreachable),
            (400, "SomethingNew", errors.ProviderUnreachable),
        ],
    )
    def test_codes_decide(
        self,
        emulator: emulators.AwsEmulator,
        unmade: Callable[..., Any],
        status: int,
        code: str,
        kind: type[errors.CredentialError],
    ) -> None:
        emulator.faults.error(status=status, code=code, message=suite.BODY)
        unmade(kind)

    @pytest.mark.parametrize(
        ("pair", "ends"),
        [
            ("AWS:canary", None),
            ("AWS:canary", "soon"),
            ("AWS:canary", "nan"),
            ("AWS:canary", 10**20),
            ("AWS:canary", 4_000_000_000),
            ("AWS:", 2_000_000_000),
            ("canary", 2_000_000_000),
            ("other:canary", 2_000_000_000),
            ("AWS:can ary", 2_000_000_000),
        ],
    )
    def test_what_cannot_be_a_password_is_none(
        self, emulator: emulators.AwsEmulator, unmade: Callable[..., Any], pair: str, ends: object
    ) -> None:
        token = base64.b64encode(pair.encode()).decode()
        for shown in (token, pair, None):
            data = {"authorizationToken": shown, "expiresAt": ends}
            emulator.faults.answer(json.dumps({"authorizationData": [data]}))
            unmade(errors.ProviderUnreachable)
            emulator.faults.clear()


@pytest.mark.parametrize(
    ("host", "partition", "url"),
    [
        (HOST, "aws", "https://api.ecr.eu-west-1.amazonaws.com/"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", "aws", "https://api.ecr.eu-west-1.amazonaws.com/"),
        (
            "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
            "aws-us-gov",
            "https://api.ecr.us-gov-west-1.amazonaws.com/",
        ),
        (
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "aws-cn",
            "https://api.ecr.cn-north-1.amazonaws.com.cn/",
        ),
        ("public.ecr.aws", "aws", "https://api.ecr-public.us-east-1.amazonaws.com/"),
    ],
)
def test_passwords_are_made_in_the_registrys_own_region(host: str, partition: str, url: str) -> None:
    options = issue.Registry.model_validate({"registry": host})
    assert _ecr.place(options, _partitions.named(partition)).url == url


@pytest.mark.parametrize(
    ("host", "partition", "says"),
    [
        (HOST, "aws-cn", "in partition aws, and the key in aws-cn"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "aws", "in partition aws-cn"),
        ("public.ecr.aws", "aws-cn", "in partition aws, and the key in aws-cn"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn", "aws", "no registry of Amazon:"),
    ],
)
def test_a_registry_of_another_partition_is_refused(host: str, partition: str, says: str) -> None:
    options: Mapping[str, Any] = {"registry": host}
    with pytest.raises(errors.Misconfigured, match=says):
        _ecr.place(issue.Registry.model_validate(options), _partitions.named(partition))

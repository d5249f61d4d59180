"""Sessions for buckets in place of a stored key, of AWS and of a store that has no roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest

from credential_operator import errors, providers
from credential_operator.providers import contract, issue
from emulators import aws as emulators
from providers import issuance, issuing, servers, suite

BUCKET = "backups"
HOSTS = ["*.s3.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com"]
MATERIAL = ("accessKeyID", "secretAccessKey", "sessionToken")


class Sessions(issuance.Issuance):
    """What both kinds keep."""

    type_name: ClassVar[str] = "s3"

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls) -> Iterator[emulators.AwsEmulator]:
        with emulators.AwsEmulator(hosts=HOSTS) as emulator:
            yield emulator

    @pytest.fixture
    def emulator(self, running: emulators.AwsEmulator) -> emulators.AwsEmulator:
        running.reset()
        running.create_bucket(BUCKET, region="eu-west-1")
        return running

    @pytest.fixture
    def user(self, emulator: emulators.AwsEmulator) -> emulators.User:
        allowed = emulators.allow("s3:ListBucket", "sts:AssumeRole")
        return emulator.create_user("backup", policies=[allowed])

    @pytest.fixture
    def stage(self, emulator: emulators.AwsEmulator, user: emulators.User) -> suite.Stage:
        key_id, secret = emulator.create_key(user)
        good = {"accessKeyID": key_id, "secretAccessKey": secret}
        return suite.Stage(
            provider=providers.find()["s3"],
            emulator=emulator,
            config={
                "region": "eu-west-1",
                "bucket": BUCKET,
                "endpoint": emulator.url,
                "stsEndpoint": emulator.url,
            },
            good=good,
            wrong={
                "secret": {**good, "secretAccessKey": "wrong" * 8},
                "key id": {**good, "accessKeyID": "AKIAQ3EGUNKNOWNKEY23"},
            },
        )

    @pytest.fixture
    def role(self, emulator: emulators.AwsEmulator, user: emulators.User) -> str:
        trust = emulators.trust(user, external_id=suite.EXTERNAL_ID)
        return emulator.create_role("bucket", trust=trust, policies=[emulators.allow("s3:ListBucket")])

    def use(self, stage: suite.Stage, issued: issue.Issued) -> None:
        assert stage.check({name: str(issued.fields[name]) for name in MATERIAL}).identity

    def outlive(self, stage: suite.Stage) -> None:
        stage.emulator.limit_sessions(-10)

    def elsewhere(self, stage: suite.Stage, url: str) -> Mapping[str, Any]:
        return {**stage.config, "endpoint": url, "stsEndpoint": url}

    def test_formats_find_what_they_find_of_a_stored_key(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        stored = stage.provider.fields(stage.read(), stage.load())
        issued = make()
        assert issued.fields.keys() == {*stored, "sessionToken", "expiresAt"}
        assert {name: issued.fields[name] for name in stored if name not in MATERIAL} == {
            name: text for name, text in stored.items() if name not in MATERIAL
        }

    def test_a_store_whose_service_is_not_named_opens_none(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, unmade: Callable[..., Any]
    ) -> None:
        config = {name: value for name, value in stage.config.items() if name != "stsEndpoint"}
        assert "s3.stsEndpoint" in unmade(errors.Misconfigured, config=config).message
        assert emulator.calls == []

    def test_amazons_own_service_is_asked_for_amazons_own_store(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        proxy = servers.Proxy(emulator.port)
        config = {"region": "eu-west-1", "bucket": BUCKET}
        with servers.serving(proxy) as server:
            session = stage.session(proxy=f"http://{server.host}")
            issued = make(config=config, within=session)
            session.close()
        assert {line.split()[1] for line in proxy.asked} == {"sts.eu-west-1.amazonaws.com:443"}
        self.use(stage, issued)


class TestSessionToken(Sessions):
    kind: ClassVar[str] = "SessionToken"

    def test_a_store_that_opens_other_sessions_says_which(
        self, emulator: emulators.AwsEmulator, unmade: Callable[..., Any]
    ) -> None:
        emulator.have_no_roles()
        assert "issue.kind" in unmade(errors.Misconfigured).message

    def test_a_workload_identitys_session_is_one(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        issuer = issuing.Issuer()
        emulator.trust_issuer(issuer.url, issuer.jwks)
        role = emulator.create_role(
            "cluster",
            trust=emulators.federate(issuer.url, issuing.SUBJECT),
            policies=[emulators.allow("s3:ListBucket")],
        )
        keys = stage.exchange({"roleARN": role}, issuer.token("sts.amazonaws.com"))
        emulator.reset_calls()
        issued = make(keys=keys)
        assert emulator.calls == []
        self.use(stage, issued)


class TestAssumeRole(Sessions):
    kind: ClassVar[str] = "AssumeRole"

    @pytest.fixture
    def options(self, role: str) -> Mapping[str, Any]:
        return {"roleARN": role}

    def test_a_store_without_roles_opens_a_session_of_the_user(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        emulator.have_no_roles()
        self.use(stage, make(options={}))

    def test_a_store_without_roles_says_who_opens_none(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        emulator.have_no_roles()
        issued = make(options={})
        stored = {name: str(issued.fields[name]) for name in MATERIAL}
        with pytest.raises(errors.PermissionDenied, match="it must be a user's"):
            make(options={}, fields=stored)

    def test_roles_of_other_stores_may_belong_to_no_account(
        self, emulator: emulators.AwsEmulator, unmade: Callable[..., Any]
    ) -> None:
        for account in ("", "tenant", "RGW12345678901234567"):
            role = f"arn:aws:iam::{account}:role/backup"
            assert role in unmade(errors.PermissionDenied, options={"roleARN": role}).message
        assert len(emulator.calls) == 3

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({}, "issue.roleARN is missing"),
            ({"roleARN": "arn:aws:iam:::role/backup"}, "12 digits"),
            ({"roleARN": "arn:aws-cn:iam::123456789012:role/backup"}, "partition"),
        ],
    )
    def test_a_role_of_amazons_is_complete(
        self,
        emulator: emulators.AwsEmulator,
        unmade: Callable[..., Any],
        options: Mapping[str, Any],
        says: str,
    ) -> None:
        config = {"region": "eu-west-1"}
        assert says in unmade(errors.Misconfigured, config=config, options=options).message
        assert emulator.calls == []


def test_both_have_the_fields_of_the_type_and_nothing_else_that_is_stored() -> None:
    provider: contract.Provider[Any, Any] = providers.find()["s3"]
    for kind in issue.kinds(provider).values():
        variables = {**kind.variables, "encryptionKey": ("RESTIC_PASSWORD",)}
        assert variables == {**provider.variables, "expiresAt": ()}
        assert "encryptionKey" not in kind.variables

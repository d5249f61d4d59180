"""AWS, before a stand-in that verifies signatures, trust policies and clocks."""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import botocore.session
import pytest

from credential_operator import errors, formats, providers
from credential_operator.formats import contract as formats_contract
from credential_operator.providers import contract, network
from emulators import aws as emulators
from emulators import clients, fast_sts
from providers import suite

OF_ANOTHER_KEY = "wrongwrongwrongwrongwrongwrongwrongwrong"
UNKNOWN_KEY = "AKIAQ3EGUNKNOWNKEY23"


@pytest.fixture(scope="module")
def emulator() -> Iterator[emulators.AwsEmulator]:
    with emulators.AwsEmulator() as running:
        yield running


@pytest.fixture(scope="module")
def user(emulator: emulators.AwsEmulator) -> emulators.User:
    return emulator.create_user("backup", policies=[emulators.allow("sts:AssumeRole")], path="/team/")


@pytest.fixture
def keys(emulator: emulators.AwsEmulator, user: emulators.User) -> Iterator[dict[str, str]]:
    key_id, secret = emulator.create_key(user)
    yield {"accessKeyID": key_id, "secretAccessKey": secret}
    emulator.faults.clear()
    emulator.delete_key(key_id)


@pytest.fixture
def stage(emulator: emulators.AwsEmulator, user: emulators.User, keys: dict[str, str]) -> suite.Stage:
    return suite.Stage(
        provider=providers.find()["aws"],
        emulator=emulator,
        config={"endpoint": emulator.url},
        good=keys,
        wrong={
            "secret": {**keys, "secretAccessKey": OF_ANOTHER_KEY},
            "key id": {**keys, "accessKeyID": UNKNOWN_KEY},
            "session token": {**keys, "sessionToken": "of-another-key"},
        },
        principal=user.arn,
        expect={
            "identity": contract.Identity(principal=user.arn, account=emulators.ACCOUNT),
            "key_id": keys["accessKeyID"],
            "external_id": None,
            "warnings": (),
        },
    )


class TestKey(suite.Reading):
    @pytest.fixture
    def stage(self, stage: suite.Stage) -> suite.Stage:
        return stage


class TestRole(suite.Reading):
    @pytest.fixture
    def role(self, emulator: emulators.AwsEmulator, user: emulators.User) -> Iterator[str]:
        trust = emulators.trust(user, external_id=suite.EXTERNAL_ID)
        arn = emulator.create_role(
            "OrganizationAccountAccessRole", trust=trust, path="/ours/", account="210987654321"
        )
        yield arn
        emulator.delete_role(arn)

    @pytest.fixture
    def stage(self, stage: suite.Stage, role: str) -> suite.Stage:
        stage.config = {**stage.config, "assumeRole": {"roleARN": role}}
        stage.principal = role
        stage.expect = {
            "identity": contract.Identity(principal=role, account="210987654321"),
            "key_id": stage.good["accessKeyID"],
            "external_id": suite.EXTERNAL_ID,
            "warnings": (),
        }
        return stage

    def test_the_external_id_of_the_spec_goes_before_the_derived_one(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User, role: str
    ) -> None:
        emulator.set_trust(role, emulators.trust(user, external_id="given"))
        assert stage.check(config=_with(stage, externalID="given")).external_id == "given"

    def test_a_role_that_asks_for_no_external_id_is_warned_of(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User, role: str
    ) -> None:
        emulator.set_trust(role, emulators.trust(user))
        (warned,) = stage.check().warnings
        assert warned.reason == "ExternalIDNotRequired"
        assert role in warned.message
        assert suite.EXTERNAL_ID in warned.message

    def test_trouble_while_the_role_is_probed_warns_of_nothing(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User, role: str
    ) -> None:
        emulator.set_trust(role, emulators.trust(user))
        for trouble in (emulator.faults.throttle, emulator.faults.cut):
            session = FirstCallOnly(stage.session(), trouble)
            assert stage.check(within=session).warnings == ()
            emulator.faults.clear()

    def test_a_role_with_another_external_id_is_not_permitted_and_the_expected_one_named(
        self,
        emulator: emulators.AwsEmulator,
        user: emulators.User,
        role: str,
        refused: Callable[..., Any],
    ) -> None:
        emulator.set_trust(role, emulators.trust(user, external_id="of-somebody-else"))
        error = refused(errors.PermissionDenied)
        assert suite.EXTERNAL_ID in error.message
        assert role in error.message

    def test_a_key_that_may_not_assume_roles_is_not_permitted(
        self, emulator: emulators.AwsEmulator, refused: Callable[..., Any]
    ) -> None:
        stranger = emulator.create_key(emulator.create_user("stranger"))
        refused(errors.PermissionDenied, dict(zip(("accessKeyID", "secretAccessKey"), stranger, strict=True)))

    def test_a_role_that_does_not_exist_is_not_permitted(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        refused(errors.PermissionDenied, config=_with(stage, roleARN="arn:aws:iam::210987654321:role/none"))

    def test_sessions_longer_than_the_role_allows_are_misconfigured(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        assert "duration" in refused(errors.Misconfigured, config=_with(stage, duration="2h")).message

    def test_the_account_is_the_roles(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        assert stage.check(config={**stage.config, "accountID": "210987654321"}).identity
        refused(errors.Misconfigured, config={**stage.config, "accountID": emulators.ACCOUNT})

    def test_a_role_of_another_partition_is_refused_without_a_call(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, refused: Callable[..., Any]
    ) -> None:
        emulator.reset_calls()
        refused(errors.Misconfigured, config=_with(stage, roleARN="arn:aws-cn:iam::210987654321:role/x"))
        assert emulator.calls == []

    def test_consumers_learn_how_to_assume_the_role(self, stage: suite.Stage, role: str) -> None:
        fields = _fields(stage, _with(stage, duration="30m", externalID="given", sessionName="nightly"))
        assert fields["roleARN"] == role
        assert (fields["externalID"], fields["sessionName"], fields["durationSeconds"]) == (
            "given",
            "nightly",
            "1800",
        )


def _with(stage: suite.Stage, **role: str) -> dict[str, Any]:
    return {**stage.config, "assumeRole": {**stage.config["assumeRole"], **role}}


def _fields(stage: suite.Stage, config: Any) -> Any:
    keys = contract.load(stage.provider, {name: text.encode() for name, text in stage.good.items()}, {})
    return stage.provider.fields(stage.provider.config.model_validate(config), keys)


class FirstCallOnly(network.Session):
    """A session whose provider is in trouble once it has answered."""

    def __init__(self, session: network.Session, trouble: Callable[[], None]) -> None:
        self._session = session
        self._trouble = trouble

    def request(self, *args: Any, **options: Any) -> network.Response:
        answer = self._session.request(*args, **options)
        self._trouble()
        return answer


def test_an_inactive_key_is_rejected(stage: suite.Stage, emulator: emulators.AwsEmulator) -> None:
    emulator.set_key_status(stage.good["accessKeyID"], "Inactive")
    with pytest.raises(errors.Rejected):
        stage.check()


def test_a_sessions_key_is_known_by_its_role_and_expires(
    stage: suite.Stage, emulator: emulators.AwsEmulator, user: emulators.User
) -> None:
    role = emulator.create_role("session", trust=emulators.trust(user))
    session = _assume(emulator, stage.good, role)
    identity = stage.check(session).identity
    assert identity == contract.Identity(
        principal=f"arn:aws:sts::{emulators.ACCOUNT}:assumed-role/session/test", account=emulators.ACCOUNT
    )
    emulator.expire_session(session["accessKeyID"])
    with pytest.raises(errors.Expired):
        stage.check(session)


def _assume(emulator: emulators.AwsEmulator, key: Mapping[str, str], role: str) -> dict[str, str]:
    client = clients.client("sts", emulator, (key["accessKeyID"], key["secretAccessKey"]))
    made = client.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return {
        "accessKeyID": made["AccessKeyId"],
        "secretAccessKey": made["SecretAccessKey"],
        "sessionToken": made["SessionToken"],
    }


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ExpiredTokenException", errors.Expired),
        ("UnrecognizedClientException", errors.Rejected),
        ("AuthFailure", errors.Rejected),
        ("OptInRequired", errors.PermissionDenied),
        ("AccessDeniedException", errors.PermissionDenied),
        ("RequestExpired", errors.ClockSkew),
        ("RequestLimitExceeded", errors.RateLimited),
        ("InvalidAction", errors.Misconfigured),
        ("SomethingNew", errors.ProviderUnreachable),
    ],
)
def test_codes_decide_and_unknown_ones_prove_nothing(
    stage: suite.Stage, emulator: emulators.AwsEmulator, code: str, kind: type[errors.CredentialError]
) -> None:
    for status in (400, 403):
        emulator.faults.error(status=status, code=code, count=1)
        with pytest.raises(errors.CredentialError) as raised:
            stage.check()
        assert type(raised.value) is kind
        if kind is not errors.RateLimited and kind is not errors.ClockSkew:
            assert code in raised.value.message


def test_an_endpoint_of_another_region_is_misconfigured(
    stage: suite.Stage, emulator: emulators.AwsEmulator
) -> None:
    emulator.faults.error(
        status=403, code="SignatureDoesNotMatch", message="Credential should be scoped to a valid region."
    )
    with pytest.raises(errors.Misconfigured, match="eu-west-1"):
        stage.check(config={**stage.config, "region": "eu-west-1"})


def test_a_wrong_clock_is_told_by_the_date_where_the_words_do_not(
    stage: suite.Stage, emulator: emulators.AwsEmulator
) -> None:
    body = "<ErrorResponse><Error><Code>{}</Code></Error></ErrorResponse>"
    date = {"Date": "Mon, 01 Jan 2024 00:00:00 GMT"}
    emulator.faults.answer(body.format("SignatureDoesNotMatch"), status=403, headers=date)
    with pytest.raises(errors.ClockSkew):
        stage.check()
    emulator.faults.clear()
    emulator.faults.answer(body.format("InvalidClientTokenId"), status=403, headers=date)
    with pytest.raises(errors.Rejected):
        stage.check()


def test_a_check_costs_one_call(stage: suite.Stage, emulator: emulators.AwsEmulator) -> None:
    emulator.reset_calls()
    stage.check()
    assert [call.action for call in emulator.calls] == ["GetCallerIdentity"]


def test_a_check_costs_no_more_than_three_milliseconds_of_cpu() -> None:
    with fast_sts.FastSts(keys=300) as server:
        stages = [_of(server, number) for number in range(300)]
        with stages[0].session() as session:
            stages[0].check(within=session)

            def milliseconds(some: list[suite.Stage]) -> float:
                began = time.thread_time()
                assert all(stage.check(within=session).identity for stage in some)
                return (time.thread_time() - began) / len(some) * 1000

            # What else runs on the machine makes a thread slower, never faster.
            least = min(milliseconds(stages[start : start + 50]) for start in range(0, len(stages), 50))
    assert least < 3


def _of(server: fast_sts.FastSts, number: int) -> suite.Stage:
    good = dict(zip(("accessKeyID", "secretAccessKey"), server.key(number), strict=True))
    return suite.Stage(
        provider=providers.find()["aws"],
        emulator=server,
        config={"endpoint": server.url},
        good=good,
        wrong={},
        principal=server.arn(number),
    )


def test_a_consumer_of_the_file_assumes_the_role(
    stage: suite.Stage,
    emulator: emulators.AwsEmulator,
    user: emulators.User,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    role = emulator.create_role("consumer", trust=emulators.trust(user, external_id="given"))
    assume = {"roleARN": role, "externalID": "given", "duration": "15m"}
    config = {"region": "us-east-1", "assumeRole": assume}
    material = formats_contract.Material(
        type="aws", fields=_fields(stage, config), variables=stage.provider.variables
    )
    layout = formats.find()["aws-credentials-file"]
    (tmp_path / "credentials").write_bytes(layout.render(material, layout.options())["credentials"])
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(emulator.ca_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.url)
    identity = botocore.session.Session().create_client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{emulators.ACCOUNT}:assumed-role/consumer/credential-operator"

"""Sessions in place of Oracle's API signing keys, before a service that verifies what either signs."""

from __future__ import annotations

import datetime
import importlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from credential_operator import errors
from credential_operator.providers import _oci, issue, oracle
from emulators.oracle import Oracle
from providers import issuance, signing, suite

TENANCY = f"ocid1.tenancy.oc1..{'a' * 60}"
USER = f"ocid1.user.oc1..{'b' * 60}"
PATH = "/v1/token/upst/actions/GenerateUpst"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Oracle]:
    with Oracle() as running:
        yield running


class TestSessionToken(issuance.Issuance):
    type_name: ClassVar[str] = "oracle"
    kind: ClassVar[str] = "SessionToken"

    @pytest.fixture
    def stage(self, emulator: Oracle) -> suite.Stage:
        emulator.reset()
        emulator.create_user(TENANCY, USER)
        fingerprint = emulator.upload_key(USER, signing.public("RS256"))
        return suite.Stage(
            provider=oracle.PROVIDER,
            emulator=emulator,
            config={
                "tenancyOCID": TENANCY,
                "userOCID": USER,
                "fingerprint": fingerprint,
                "region": "eu-frankfurt-1",
                "endpoint": emulator.url,
                "authEndpoint": emulator.url,
            },
            good={"privateKey": signing.private("RS256")},
            wrong={"of another key": {"privateKey": signing.private("RS256", 1)}},
            secret_fields=("privateKey",),
            at=lambda config, url: {**config, "endpoint": url, "authEndpoint": url},
        )

    def stored(self, stage: suite.Stage) -> list[str]:
        # What all keys of one length begin with is no secret of this one.
        lines = stage.good["privateKey"].splitlines()
        return [line for line in lines if not line.startswith("-")][1:]

    def use(self, stage: suite.Stage, issued: issue.Issued) -> None:
        assert _shown(stage, issued) == 200

    def outlive(self, stage: suite.Stage) -> None:
        stage.emulator.limit_sessions(-10)

    def test_it_costs_one_call_and_is_what_a_profile_of_a_session_holds(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        stage.emulator.reset_calls()
        issued = make()
        assert [call.path for call in stage.emulator.calls] == [PATH]
        assert issued.fields["tenancyOCID"] == TENANCY
        assert "userOCID" not in issued.fields
        assert issued.fields["fingerprint"] == _oci.fingerprint(_key(issued)) != stage.config["fingerprint"]

    def test_every_session_has_a_key_of_its_own(self, make: Callable[..., issue.Issued]) -> None:
        assert make().fields["privateKey"] != make().fields["privateKey"]

    def test_oracles_own_library_signs_with_it(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        # Imported for those who ask for it: that takes a second.
        signers = importlib.import_module("oci.auth.signers")
        issued = make()
        signer = signers.SecurityTokenSigner(issuance.text(issued, "securityToken"), _key(issued))
        answer = requests.get(_user(stage), auth=signer, verify=stage.emulator.ca_path, timeout=5)
        assert answer.json()["id"] == USER

    def test_it_lasts_as_long_as_was_asked_for_and_no_longer(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        issued = make(options={"duration": "20m"})
        lasting = issued.expires_at - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(minutes=19) < lasting <= datetime.timedelta(minutes=20)
        stage.emulator.limit_sessions(1)
        issued, deadline = make(), time.monotonic() + 5
        while _shown(stage, issued) == 200:
            assert time.monotonic() < deadline
        assert _shown(stage, issued) == 401

    def test_more_than_an_hour_is_misconfigured_without_a_call(
        self, stage: suite.Stage, unmade: Callable[..., Any]
    ) -> None:
        stage.emulator.reset_calls()
        assert "1h at most" in unmade(errors.Misconfigured, options={"duration": "61m"}).message
        assert stage.emulator.calls == []

    def test_a_private_identity_service_needs_the_other_named_too(
        self, stage: suite.Stage, unmade: Callable[..., Any]
    ) -> None:
        config = {name: value for name, value in stage.config.items() if name != "authEndpoint"}
        assert "oracle.authEndpoint" in unmade(errors.Misconfigured, config=config).message

    @pytest.mark.parametrize(
        ("region", "tenancy", "host"),
        [
            ("eu-frankfurt-1", TENANCY, "auth.eu-frankfurt-1.oraclecloud.com:443"),
            (
                "us-gov-ashburn-1",
                TENANCY.replace("oc1.", "oc3."),
                "auth.us-gov-ashburn-1.oraclegovcloud.com:443",
            ),
        ],
    )
    def test_the_service_is_the_regions_own(
        self, stage: suite.Stage, region: str, tenancy: str, host: str
    ) -> None:
        plain = {name: stage.config[name] for name in ("userOCID", "fingerprint")}
        config = oracle.Config.model_validate({**plain, "tenancyOCID": tenancy, "region": region})
        kind = issuance.kind_of(stage, self.kind)
        assert kind.endpoint(config, kind.options()) == host

    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, stage: suite.Stage, unmade: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.skew(-4000)
        unmade(errors.ClockSkew)

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (401, "NotAuthenticated", errors.Rejected),
            (403, "NotAllowed", errors.PermissionDenied),
            (404, "NotAuthorizedOrNotFound", errors.Misconfigured),
            (400, "InvalidParameter", errors.Misconfigured),
            (400, "SomethingNew", errors.ProviderUnreachable),
        ],
    )
    def test_codes_decide(
        self,
        stage: suite.Stage,
        unmade: Callable[..., Any],
        status: int,
        code: str,
        kind: type[errors.CredentialError],
    ) -> None:
        stage.emulator.faults.error(status=status, code=code, message=suite.BODY)
        unmade(kind)

    @pytest.mark.parametrize(
        "said",
        [
            {"token": None},
            {"token": "canary"},
            {"token": jwt.encode({"sub": "a"}, "k" * 32)},
            {"token": jwt.encode({"exp": "soon"}, "k" * 32)},
            {"token": jwt.encode({"exp": 4_000_000_000}, "k" * 32)},
        ],
    )
    def test_what_cannot_be_a_token_is_none(
        self, stage: suite.Stage, unmade: Callable[..., Any], said: Mapping[str, Any]
    ) -> None:
        stage.emulator.faults.answer(json.dumps(said))
        unmade(errors.ProviderUnreachable)


def _key(issued: issue.Issued) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(issuance.text(issued, "privateKey").encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _user(stage: suite.Stage) -> str:
    return f"{stage.emulator.url}/20160918/users/{USER}"


def _shown(stage: suite.Stage, issued: issue.Issued) -> int:
    """Asks for the user with what is signed in the session."""
    now, name = datetime.datetime.now(datetime.UTC), f"ST${issuance.text(issued, 'securityToken')}"
    with stage.session() as session:
        headers = _oci.signed(_user(stage), now, key=_key(issued), key_id=name)
        return session.request("GET", _user(stage), headers=headers, timeout=5).status

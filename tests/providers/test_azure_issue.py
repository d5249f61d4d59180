"""Access tokens in place of an application's key, and registries' passwords, before an Azure that verifies both."""

from __future__ import annotations

import datetime
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import jwt
import pytest
from jwt import algorithms

from credential_operator import errors
from credential_operator.providers import azure, issue, network
from emulators.azure import AzureEmulator
from providers import entra, issuance, suite
from providers.entra import CERTIFICATE, CLIENT, OF_ANOTHER, OTHER, OURS, SUBSCRIPTION, certified

HOST = "backups.azurecr.io"
ISSUER = "https://oidc.example.com/cluster-7"
SUBJECT = "system:serviceaccount:billing:backup"
EXCHANGE = "/oauth2/exchange"


@pytest.fixture(scope="module")
def emulator() -> Iterator[AzureEmulator]:
    with AzureEmulator(hosts=["*.azurecr.io"]) as running:
        yield running


class Tokens(issuance.Issuance):
    """What both kinds keep."""

    type_name: ClassVar[str] = "azure"

    @pytest.fixture
    def stage(self, emulator: AzureEmulator) -> suite.Stage:
        stage = entra.staged(emulator)
        emulator.add_certificate(CLIENT, CERTIFICATE)
        emulator.let_pull(CLIENT, HOST)
        stage.wrong = {
            **stage.wrong,
            "certificate": {"clientCertificate": certified(OF_ANOTHER, entra.YEARS)},
        }
        return stage

    def test_a_certificate_gets_one_too(
        self, make: Callable[..., issue.Issued], unmade: Callable[..., Any]
    ) -> None:
        assert make(fields={"clientCertificate": CERTIFICATE})
        over = {"clientCertificate": certified(OURS, datetime.timedelta(days=-1))}
        unmade(errors.Expired, fields=over)

    def test_a_federated_identity_gets_one_too(
        self, stage: suite.Stage, emulator: AzureEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        assert make(keys=_keyless(stage, emulator))

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("7000222", errors.Expired),
            ("7000112", errors.KeyDisabled),
            ("53003", errors.PermissionDenied),
            ("90002", errors.Misconfigured),
            ("500011", errors.Misconfigured),
            ("700024", errors.ClockSkew),
        ],
    )
    def test_codes_decide(
        self,
        emulator: AzureEmulator,
        unmade: Callable[..., Any],
        code: str,
        kind: type[errors.CredentialError],
    ) -> None:
        emulator.faults.error(status=400, code=code, message=suite.BODY, action="token")
        assert code in unmade(kind).message or kind is errors.ClockSkew


class TestAccessToken(Tokens):
    kind: ClassVar[str] = "AccessToken"

    def use(self, stage: suite.Stage, issued: issue.Issued) -> None:
        assert _subscriptions(stage, issued) == 200

    def outlive(self, stage: suite.Stage) -> None:
        stage.emulator.limit_tokens(-10)

    def test_it_is_the_applications_and_costs_one_call(
        self, stage: suite.Stage, emulator: AzureEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        issued = make()
        assert entra.actions(stage) == ["token"]
        lasting = issued.expires_at - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(minutes=59) < lasting <= datetime.timedelta(hours=1)
        stored = stage.provider.fields(stage.read(), stage.load())
        assert issued.fields.keys() == {*stored, "accessToken", "expiresAt"} - {"clientSecret"}
        assert issued.fields["subscriptionID"] == SUBSCRIPTION

    def test_it_is_no_longer_accepted_when_its_life_is_over(
        self, stage: suite.Stage, emulator: AzureEmulator, make: Callable[..., issue.Issued]
    ) -> None:
        emulator.limit_tokens(1)
        issued = make()
        deadline = time.monotonic() + 5
        while _subscriptions(stage, issued) == 200:
            assert time.monotonic() < deadline
        assert _subscriptions(stage, issued) == 401

    def test_it_is_for_the_resource_of_the_credential_alone(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        config = {**entra.without(stage, "endpoint", "subscriptionID"), "resource": "graph"}
        issued = make(config=config)
        assert issued.fields["resource"] == "graph"
        assert _subscriptions(stage, issued) == 401

    def test_sdks_are_given_no_half_of_a_key(self) -> None:
        variables = issue.kinds(azure.PROVIDER)[self.kind].variables
        assert not {"clientSecret", "clientCertificate"} & variables.keys()
        assert variables["clientID"] == ()
        assert "AZURE_TENANT_ID" in variables["tenantID"]

    def test_a_token_without_an_end_is_none(
        self, emulator: AzureEmulator, unmade: Callable[..., Any]
    ) -> None:
        for ends in (None, "soon", -1, 40_000_000, 10**12, True):
            body = {"token_type": "Bearer", "access_token": "canary", "expires_in": ends}
            emulator.faults.answer(json.dumps(body), count=1)
            unmade(errors.ProviderUnreachable)


class TestRegistryPassword(Tokens, issuance.Passwords):
    kind: ClassVar[str] = "RegistryPassword"
    host: ClassVar[str] = HOST
    others: ClassVar[tuple[str, ...]] = (
        "azurecr.io",
        "backups.azurecr.io.example.com",
        "backups.azurecr.cn",
        "evil.example.com",
        "a.b.azurecr.io",
    )

    def outlive(self, stage: suite.Stage) -> None:
        stage.emulator.limit_passwords(-10)

    def test_it_costs_a_sign_in_and_an_exchange(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        issued = make()
        assert entra.actions(stage) == ["token", EXCHANGE]
        lasting = issued.expires_at - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(minutes=179) < lasting <= datetime.timedelta(hours=3)

    def test_it_is_no_longer_accepted_when_its_life_is_over(
        self,
        stage: suite.Stage,
        emulator: AzureEmulator,
        make: Callable[..., issue.Issued],
        led: network.Session,
    ) -> None:
        emulator.limit_passwords(1)
        issued = make()
        deadline = time.monotonic() + 5

        def log_in() -> None:
            while issuance.log_in(stage, issued, led):
                assert time.monotonic() < deadline

        with pytest.raises((errors.Rejected, errors.Expired)):
            log_in()

    def test_trouble_of_a_registry_is_its_own(self, stage: suite.Stage) -> None:
        options = {"registry": HOST}
        assert issuance.endpoint_of(stage, self.kind, stage.config, options) == f"{HOST}:443"

    def test_an_application_without_a_role_there_is_not_permitted(
        self, stage: suite.Stage, emulator: AzureEmulator, unmade: Callable[..., Any]
    ) -> None:
        other = {"registry": "others.azurecr.io"}
        assert "AcrPull" in unmade(errors.PermissionDenied, options=other).message
        emulator.add_secret(OTHER, stage.good["clientSecret"])
        unmade(errors.PermissionDenied, config={**stage.config, "clientID": OTHER})

    def test_a_registry_that_does_not_exist_is_misconfigured(
        self, stage: suite.Stage, unmade: Callable[..., Any]
    ) -> None:
        def resolver(host: str, _: int) -> network.Resolution:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known")

        within = stage.session(resolver=resolver)
        message = unmade(errors.Misconfigured, within=within).message
        assert "no such registry" in message

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (401, "UNAUTHORIZED", errors.PermissionDenied),
            (403, "DENIED", errors.PermissionDenied),
            (401, "SOMETHING_NEW", errors.ProviderUnreachable),
            (429, "", errors.RateLimited),
            (503, "UNAVAILABLE", errors.ProviderUnreachable),
        ],
    )
    def test_codes_of_the_registry_decide(
        self,
        emulator: AzureEmulator,
        unmade: Callable[..., Any],
        status: int,
        code: str,
        kind: type[errors.CredentialError],
    ) -> None:
        emulator.faults.error(status=status, code=code, message=suite.BODY, action=EXCHANGE)
        unmade(kind)

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "[]",
            '{"refresh_token": 1}',
            '{"refresh_token": "canary-without-an-end"}',
            json.dumps({"refresh_token": jwt.encode({"sub": "a"}, "k" * 32)}),
            json.dumps({"refresh_token": jwt.encode({"exp": "soon"}, "k" * 32)}),
            json.dumps({"refresh_token": jwt.encode({"exp": 2**62}, "k" * 32)}),
            json.dumps({"refresh_token": jwt.encode({"exp": 4_000_000_000}, "k" * 32)}),
        ],
    )
    def test_a_registry_that_lies_gives_none(
        self, emulator: AzureEmulator, unmade: Callable[..., Any], body: str
    ) -> None:
        emulator.faults.answer(body, action=EXCHANGE)
        unmade(errors.ProviderUnreachable)

    @pytest.mark.parametrize(
        ("cloud", "host"), [("AzureUSGovernment", "backups.azurecr.us"), ("AzureChina", "backups.azurecr.cn")]
    )
    def test_every_cloud_has_registries_of_its_own(
        self, stage: suite.Stage, unmade: Callable[..., Any], cloud: str, host: str
    ) -> None:
        config = {**entra.without(stage, "endpoint"), "cloud": cloud}
        assert host in unmade(errors.Misconfigured, options={"registry": host}).message
        # The emulator knows no audience but that of the public cloud.
        assert (
            "AADSTS500011" in unmade(errors.Misconfigured, config=config, options={"registry": host}).message
        )


def _keyless(stage: suite.Stage, emulator: AzureEmulator) -> Any:
    """Gives what a ServiceAccount's token signs in with."""
    public = json.loads(algorithms.RSAAlgorithm.to_jwk(OURS.public_key()))
    keys = {"keys": [{**public, "kid": "first", "use": "sig", "alg": "RS256"}]}
    emulator.trust_issuer(ISSUER, keys)
    emulator.add_federated_credential(CLIENT, ISSUER, SUBJECT)
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": ["api://AzureADTokenExchange"],
        "iat": now,
        "exp": now + 600,
    }
    token = jwt.encode(claims, OURS, algorithm="RS256", headers={"kid": "first"})
    return stage.exchange({}, token)


def _subscriptions(stage: suite.Stage, issued: issue.Issued) -> int:
    """Asks Resource Manager with a token."""
    headers = {"Authorization": f"Bearer {issuance.text(issued, 'accessToken')}"}
    with stage.session() as session:
        url = f"{stage.emulator.url}/subscriptions?api-version=2022-12-01"
        return session.request("GET", url, headers=headers, timeout=5).status

"""Azure's client secrets and certificates, before a stand-in that verifies sign-ins, tokens and roles."""

from __future__ import annotations

import datetime
import hashlib
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from credential_operator import errors
from credential_operator.providers import _certificate, network
from emulators.azure import AzureEmulator
from providers import entra, suite
from providers.entra import (
    CERTIFICATE,
    CLIENT,
    OF_ANOTHER,
    OTHER,
    OURS,
    SECRET,
    SUBSCRIPTION,
    TENANT,
    YEARS,
    certified,
    without,
)


@pytest.fixture(scope="module")
def emulator() -> Iterator[AzureEmulator]:
    yield from entra.served()


@pytest.fixture
def stage(emulator: AzureEmulator) -> suite.Stage:
    return entra.staged(emulator)


class TestManagement(entra.Signing):
    @pytest.fixture
    def stage(self, stage: suite.Stage) -> suite.Stage:
        return stage

    def test_a_check_costs_two_calls(self, stage: suite.Stage) -> None:
        stage.check()
        assert [call.action for call in stage.emulator.calls] == ["token", "subscriptions"]

    def test_a_subscription_without_a_role_is_named_with_what_to_grant(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.add_subscription(SUBSCRIPTION, TENANT, readers=[OTHER])
        error = refused(errors.PermissionDenied)
        assert SUBSCRIPTION in error.message
        assert "Reader" in error.message

    def test_one_of_many_subscriptions_is_found_on_a_later_page(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        _more(stage, 5)
        stage.emulator.set_pages(2)
        stage.check()
        assert [call.action for call in stage.emulator.calls] == ["token", *["subscriptions"] * 3]
        refused(errors.PermissionDenied, config={**stage.config, "subscriptionID": OTHER})

    def test_a_link_to_another_host_is_not_followed_there(self, stage: suite.Stage) -> None:
        _more(stage, 5)
        stage.emulator.set_pages(3, link_host="https://evil.example.com")
        stage.check()
        assert [call.action for call in stage.emulator.calls] == ["token", "subscriptions", "subscriptions"]

    @pytest.mark.parametrize(("count", "size"), [(20, 2), (300, 1000)])
    def test_where_the_list_is_too_long_the_subscription_itself_is_asked_for(
        self, stage: suite.Stage, refused: Callable[..., Any], count: int, size: int
    ) -> None:
        _more(stage, count)
        stage.emulator.set_pages(size)
        stage.check()
        assert stage.emulator.calls[-1].action == "subscription"
        assert len(stage.emulator.calls) <= 7
        refused(errors.PermissionDenied, config={**stage.config, "subscriptionID": OTHER})
        stage.emulator.add_subscription(OTHER, TENANT, readers=[OTHER])
        refused(errors.PermissionDenied, config={**stage.config, "subscriptionID": OTHER})
        assert stage.check(config=without(stage, "subscriptionID")).warnings == ()

    def test_an_application_that_sees_nothing_is_accepted_and_warned_of(self, stage: suite.Stage) -> None:
        config = without(stage, "subscriptionID")
        assert stage.check(config=config).warnings == ()
        stage.emulator.add_subscription(SUBSCRIPTION, TENANT)
        (warned,) = stage.check(config=config).warnings
        assert warned.reason == "NoSubscriptions"
        assert CLIENT in warned.message

    def test_a_subscriptions_id_has_no_case(self, stage: suite.Stage) -> None:
        stage.check(config={**stage.config, "subscriptionID": SUBSCRIPTION.upper()})

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("InvalidAuthenticationToken", errors.Misconfigured),
            ("InvalidAuthenticationTokenTenant", errors.Misconfigured),
            ("AuthorizationFailed", errors.PermissionDenied),
            ("SomethingNew", errors.ProviderUnreachable),
        ],
    )
    @pytest.mark.parametrize("action", ["subscriptions", "subscription"])
    def test_codes_of_the_list_decide(
        self,
        stage: suite.Stage,
        refused: Callable[..., Any],
        action: str,
        code: str,
        kind: type[errors.CredentialError],
    ) -> None:
        _more(stage, 20)
        stage.emulator.set_pages(1)
        stage.emulator.faults.error(status=403, code=code, message=suite.BODY, action=action)
        error = refused(kind)
        if kind is errors.Misconfigured:
            assert code in error.message
        stage.emulator.faults.clear()
        stage.emulator.faults.error(status=503, code=code, message=suite.BODY, action=action)
        refused(errors.ProviderUnreachable)

    @pytest.mark.parametrize("status", [200, 401, 403])
    @pytest.mark.parametrize(
        "body", ["", "<html></html>", "{}", "[]", '{"value": {}}', '{"error": "x"}', suite.BODY * 9000]
    )
    def test_a_lying_resource_manager_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], body: str, status: int
    ) -> None:
        stage.emulator.faults.answer(body, status=status, action="subscriptions")
        stage.emulator.faults.answer(body, status=status, action="subscription")
        for config in (stage.config, without(stage, "subscriptionID")):
            refused(errors.ProviderUnreachable, config=config)

    def test_a_list_of_nonsense_shows_no_subscription(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        body = '{"value": [null, 1, {}, {"subscriptionId": 7}], "nextLink": "https://a.example/\\u0000"}'
        stage.emulator.faults.answer(body, action="subscriptions")
        refused(errors.PermissionDenied)

    def test_a_resource_manager_that_asks_for_fewer_calls_is_left_alone_as_long(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.throttle(retry_after=11, action="subscriptions")
        assert refused(errors.RateLimited).retry_after == 11

    def test_the_token_leaves_nothing_behind(
        self, stage: suite.Stage, refused: Callable[..., Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        stage.emulator.faults.html(action="subscriptions")
        left_behind = suite.everything(refused(errors.ProviderUnreachable)) + caplog.text
        assert "eyJ" not in left_behind
        assert "Bearer" not in left_behind


def _more(stage: suite.Stage, count: int) -> None:
    for number in range(count):
        stage.emulator.add_subscription(
            f"0aaaaaaa-0000-4000-8000-{number:012d}", TENANT, readers=[CLIENT], name="n" * 100
        )


class TestGraph(entra.Signing):
    @pytest.fixture
    def stage(self, stage: suite.Stage) -> suite.Stage:
        stage.config = {**without(stage, "endpoint"), "resource": "graph"}
        return stage

    def test_the_sign_in_alone_is_the_proof(self, stage: suite.Stage) -> None:
        stage.check()
        assert [call.action for call in stage.emulator.calls] == ["token"]

    @pytest.mark.parametrize("resource", ["loganalytics", "storage"])
    def test_other_resources_are_signed_in_for_alike(self, stage: suite.Stage, resource: str) -> None:
        stage.check(config={**stage.config, "resource": resource})

    @pytest.mark.parametrize(
        "change",
        [
            {"resource": "storage", "storageAccount": "unknown"},
            {"cloud": "AzureUSGovernment"},
            {"cloud": "AzureChina"},
        ],
    )
    def test_a_resource_that_the_tenant_does_not_know_is_misconfigured(
        self, stage: suite.Stage, refused: Callable[..., Any], change: Mapping[str, str]
    ) -> None:
        assert "resource" in refused(errors.Misconfigured, config={**stage.config, **change}).message


class TestCertificate(entra.Signing):
    @pytest.fixture
    def stage(self, stage: suite.Stage) -> suite.Stage:
        stage.emulator.add_certificate(CLIENT, CERTIFICATE)
        stage.good = {"clientCertificate": CERTIFICATE}
        stage.wrong = {"another": {"clientCertificate": certified(OF_ANOTHER, YEARS)}}
        # What the portal shows, and what openssl x509 -fingerprint prints.
        pem = x509.load_pem_x509_certificate(CERTIFICATE.encode())
        der = pem.public_bytes(serialization.Encoding.DER)
        thumbprint = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
        stage.expect = {**stage.expect, "key_id": thumbprint, "expires_at": pem.not_valid_after_utc}
        return stage

    @pytest.mark.parametrize("seconds", [-4000, 4000])
    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, stage: suite.Stage, refused: Callable[..., Any], seconds: int
    ) -> None:
        stage.emulator.faults.skew(seconds)
        refused(errors.ClockSkew)

    def test_a_certificate_whose_life_is_over_has_expired_for_certain(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        old = certified(OURS, datetime.timedelta(seconds=-1))
        assert refused(errors.Expired, {"clientCertificate": old}).certain
        assert stage.emulator.calls == []

    def test_another_certificate_of_the_same_key_is_rejected(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        refused(errors.Rejected, {"clientCertificate": certified(OURS, YEARS * 2)})

    def test_nothing_of_the_private_key_is_left_behind(
        self, stage: suite.Stage, refused: Callable[..., Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        stage.emulator.faults.html()
        left_behind = suite.everything(refused(errors.ProviderUnreachable)) + caplog.text
        assert not [line for line in CERTIFICATE.splitlines() if line in left_behind]
        assert "eyJ" not in left_behind


@pytest.mark.parametrize(
    "target",
    [
        "/subscriptions?api-version=2022-12-01",
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01",
        f"/v1.0/applications(appId='{CLIENT}')?$select=keyCredentials",
    ],
)
def test_resource_manager_accepts_its_own_tokens_only(stage: suite.Stage, target: str) -> None:
    with stage.session() as session:
        for header in (
            {},
            {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
            {"Authorization": _graph(stage)},
        ):
            answer = session.request(
                "GET",
                f"{stage.emulator.url}{target}",
                headers=header,
                timeout=suite.TIMEOUT,
            )
            assert answer.status == 401


def _graph(stage: suite.Stage) -> str:
    """Signs in for another resource."""
    answer = _post(stage, client_secret=SECRET, scope="https://graph.microsoft.com/.default")
    assert answer.status == 200
    return "Bearer " + answer.body.decode().partition('"access_token": "')[2].partition('"')[0]


def test_what_a_certificate_signed_for_another_authority_is_not_accepted(stage: suite.Stage) -> None:
    stage.emulator.add_certificate(CLIENT, CERTIFICATE)
    ours = _certificate.load(CERTIFICATE)
    for authority, status in ((stage.emulator.url, 200), ("https://login.microsoftonline.com", 401)):
        audience = f"{authority}/{TENANT}/oauth2/v2.0/token"
        shown = ours.assertion(CLIENT, audience, datetime.datetime.now(datetime.UTC))
        scope = f"{stage.emulator.url}/.default"
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        answer = _post(stage, client_assertion_type=kind, client_assertion=shown, scope=scope)
        assert answer.status == status


def _post(stage: suite.Stage, **shown: str) -> network.Response:
    form = {"grant_type": "client_credentials", "client_id": CLIENT, **shown}
    with stage.session() as session:
        return session.request(
            "POST",
            f"{stage.emulator.url}/{TENANT}/oauth2/v2.0/token",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urllib.parse.urlencode(form).encode(),
            timeout=suite.TIMEOUT,
        )

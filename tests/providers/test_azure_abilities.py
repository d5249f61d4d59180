"""What Azure tells besides whether a key works, before a stand-in that judges roles and verifies tokens."""

from __future__ import annotations

import datetime
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from credential_operator import errors
from credential_operator.providers import azure, contract, network
from emulators.azure import AzureEmulator
from providers import entra, servers, suite
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
    Asking,
    actions,
)

PUBLIC = ("login.microsoftonline.com", "management.azure.com", "graph.microsoft.com")
DAY = 24 * 3600.0


@pytest.fixture(scope="module")
def emulator() -> Iterator[AzureEmulator]:
    with AzureEmulator(hosts=PUBLIC) as served:
        yield served


@pytest.fixture
def stage(emulator: AzureEmulator) -> suite.Stage:
    return entra.staged(emulator)


@pytest.fixture
def ask(stage: suite.Stage, caplog: pytest.LogCaptureFixture) -> Asking:
    return Asking(stage, caplog)


@pytest.fixture
def public(stage: suite.Stage) -> Iterator[network.Session]:
    """Leads the clouds' own names to the emulator, through a proxy."""
    with (
        servers.serving(servers.Proxy(stage.emulator.port)) as proxy,
        network.Session(
            network.Policy(), ca_bundle=stage.emulator.ca_pem.decode(), proxy=f"http://{proxy.host}"
        ) as session,
    ):
        yield session


def subscribe(stage: suite.Stage, count: int, **what: Any) -> None:
    for number in range(count):
        stage.emulator.add_subscription(
            f"0aaaaaaa-0000-4000-8000-{number:012d}", TENANT, **{"readers": [CLIENT], **what}
        )


class TestReach:
    def test_all_pages_are_counted_and_the_first_places_are_given_in_order(
        self, stage: suite.Stage, ask: Asking
    ) -> None:
        subscribe(stage, 24)
        stage.emulator.add_subscription(OTHER, TENANT, readers=[OTHER])
        stage.emulator.set_pages(4)
        reach = ask("reach")
        assert reach.count == 25
        assert [place.id[-2:] for place in reach.places] == [f"0{number}" for number in range(10)]
        assert actions(stage) == ["token", *["subscriptions"] * 7]

    @pytest.mark.parametrize(
        ("state", "shown"),
        [
            ("Enabled", "Billing"),
            ("Disabled", "Billing (Disabled)"),
            ("Warned", "Billing (Warned)"),
            ("PastDue", "Billing (PastDue)"),
            ("Deleted", "Billing (Deleted)"),
            ("Odd canary", "Billing"),
        ],
    )
    def test_a_state_that_is_not_usual_stands_beside_the_name(
        self, stage: suite.Stage, ask: Asking, state: str, shown: str
    ) -> None:
        stage.emulator.add_subscription(SUBSCRIPTION, TENANT, readers=[CLIENT], name="Billing", state=state)
        assert ask("reach") == contract.Reach(count=1, places=(contract.Place(id=SUBSCRIPTION, name=shown),))

    def test_a_key_that_sees_nothing_has_no_reach(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.add_subscription(SUBSCRIPTION, TENANT)
        assert ask("reach") == contract.Reach(count=0)

    def test_one_long_page_is_read_whole(self, stage: suite.Stage, ask: Asking) -> None:
        subscribe(stage, 400, name="n" * 100)
        stage.emulator.set_pages(1000)
        assert ask("reach").count == 401

    def test_a_link_to_another_host_is_not_followed_there(self, stage: suite.Stage, ask: Asking) -> None:
        subscribe(stage, 5)
        stage.emulator.set_pages(3, link_host="https://evil.example.com")
        assert ask("reach").count == 6

    def test_the_clouds_own_address_is_asked(
        self, stage: suite.Stage, ask: Asking, public: network.Session
    ) -> None:
        config = entra.without(stage, "authority", "endpoint")
        stage.config = config
        assert ask("reach", within=public).count == 1

    @pytest.mark.parametrize("link", ["the same", "another"])
    def test_a_list_without_an_end_proves_nothing(self, stage: suite.Stage, ask: Asking, link: str) -> None:
        query = "api-version=2022-12-01" + ("" if link == "the same" else "&$skiptoken=1")
        item = f'{{"subscriptionId": "{SUBSCRIPTION}"}}'
        body = f'{{"value": [{item}], "nextLink": "{stage.emulator.url}/subscriptions?{query}"}}'
        stage.emulator.faults.answer(body, action="subscriptions")
        ask.refused(errors.ProviderUnreachable, "reach")
        assert 50 < len(stage.emulator.calls) < 200

    @pytest.mark.parametrize("status", [200, 401, 403, 500])
    @pytest.mark.parametrize(
        "body",
        [
            "",
            "<html></html>",
            "{}",
            "[]",
            '{"value": {}}',
            '{"value": [null]}',
            '{"value": [{"subscriptionId": 7}]}',
            '{"value": [{"subscriptionId": "canary-in-the-body"}]}',
            '{"value": [{"displayName": "a"}]}',
            '{"error": {"code": "canary-in-the-body"}}',
            '{"value": [' + "[" * 60_000,
        ],
    )
    def test_a_lying_resource_manager_proves_nothing(
        self, stage: suite.Stage, ask: Asking, body: str, status: int
    ) -> None:
        stage.emulator.faults.answer(
            body, status=status, action="subscriptions", headers={"WWW-Authenticate": "Bearer error=x"}
        )
        ask.refused(errors.ProviderUnreachable, "reach")
        assert len(stage.emulator.calls) == 2

    @pytest.mark.parametrize(
        "odd", ['"displayName": null', '"displayName": "a\\u0000"', '"state": 7', '"tags": 7', '"state": []']
    )
    def test_odd_facts_about_a_subscription_do_not_hide_it(
        self, stage: suite.Stage, ask: Asking, odd: str
    ) -> None:
        body = f'{{"value": [{{"subscriptionId": "{SUBSCRIPTION}", {odd}, "managedByTenants": "x"}}]}}'
        stage.emulator.faults.answer(body, action="subscriptions")
        assert ask("reach") == contract.Reach(count=1, places=(contract.Place(id=SUBSCRIPTION),))

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("InvalidAuthenticationToken", errors.Misconfigured),
            ("AuthorizationFailed", errors.PermissionDenied),
            ("SomethingNew", errors.ProviderUnreachable),
        ],
    )
    def test_codes_decide(
        self, stage: suite.Stage, ask: Asking, code: str, kind: type[errors.CredentialError]
    ) -> None:
        stage.emulator.faults.error(status=403, code=code, message=suite.BODY, action="subscriptions")
        ask.refused(kind, "reach")

    def test_fewer_calls_are_made_where_that_is_asked(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.faults.throttle(retry_after=11, action="subscriptions")
        assert ask.refused(errors.RateLimited, "reach").retry_after == 11
        assert actions(stage) == ["token", "subscriptions"]

    def test_a_redirect_is_not_followed(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.faults.answer(
            suite.BODY, status=302, headers={"Location": stage.emulator.url}, action="subscriptions"
        )
        ask.refused(errors.ProviderUnreachable, "reach")
        assert len(stage.emulator.calls) == 2

    def test_the_time_is_that_of_all_pages_together(self, stage: suite.Stage, ask: Asking) -> None:
        subscribe(stage, 30)
        ask("reach")
        stage.emulator.set_pages(1)
        stage.emulator.faults.delay(0.2, action="subscriptions")
        began = time.monotonic()
        ask.refused(errors.ProviderUnreachable, "reach", timeout=1.0)
        assert time.monotonic() - began < 5

    def test_the_endpoint_policy_is_kept(self, stage: suite.Stage, ask: Asking) -> None:
        ask.refused(errors.Misconfigured, "reach", endpoint="https://169.254.169.254")

    def test_nothing_of_the_environment_reaches_it(
        self, stage: suite.Stage, ask: Asking, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NETRC"):
            monkeypatch.setenv(name, str(tmp_path))
        monkeypatch.setenv("AZURE_CLOUD", "AZURE_CHINA_CLOUD")
        monkeypatch.setenv("AZURE_CLIENT_ID", OTHER)
        assert ask("reach").count == 1

    def test_neither_token_nor_secret_is_logged(self, ask: Asking, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        left_behind = repr(ask("reach")) + caplog.text
        assert not [canary for canary in (SECRET, "eyJ", "Bearer") if canary in left_behind]

    @pytest.mark.parametrize("resource", ["graph", "loganalytics", "storage"])
    def test_only_resource_management_has_subscriptions(self, ask: Asking, resource: str) -> None:
        assert "management" in ask.refused(errors.Misconfigured, "reach", resource=resource).message


class TestHistory:
    @pytest.fixture(autouse=True)
    def graph(self, stage: suite.Stage) -> None:
        stage.config = {**stage.config, "resource": "graph"}
        stage.emulator.set_graph_roles(CLIENT, "Application.Read.All")

    def test_a_secrets_beginning_and_end_are_known(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.add_secret(CLIENT, "abc-canary", seconds=10 * DAY, age=20 * DAY)
        history = ask("history", fields={"clientSecret": "abc-canary"})
        now = datetime.datetime.now(datetime.UTC)
        assert abs((now - history.created_at).total_seconds() - 20 * DAY) < 60
        assert abs((history.expires_at - now).total_seconds() - 10 * DAY) < 60
        assert history.last_used_at is None
        assert uuid.UUID(history.key_id)
        assert actions(stage) == ["token", "application"]

    def test_of_two_secrets_that_begin_alike_nothing_is_said(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.add_secret(CLIENT, f"{SECRET[:3]}-another")
        assert ask("history") == contract.History()

    def test_a_certificates_beginning_and_end_are_known(self, stage: suite.Stage, ask: Asking) -> None:
        for pem in (CERTIFICATE, entra.certified(OF_ANOTHER, YEARS * 2)):
            stage.emulator.add_certificate(CLIENT, pem)
        ours = x509.load_pem_x509_certificate(CERTIFICATE.encode())
        history = ask("history", fields={"clientCertificate": CERTIFICATE})
        assert history.created_at == ours.not_valid_before_utc
        assert history.expires_at == ours.not_valid_after_utc

    @pytest.mark.parametrize(("name", "known"), [("{}", 1), ("lower", 1), ("7", 0), ("!", 0), ("null", 0)])
    def test_a_certificates_name_may_be_in_hexadecimal_digits(
        self, stage: suite.Stage, ask: Asking, name: str, known: int
    ) -> None:
        stage.emulator.add_certificate(CLIENT, CERTIFICATE)
        thumbprint = ask("validate", fields={"clientCertificate": CERTIFICATE}).key_id
        name = thumbprint.lower() if name == "lower" else name.format(thumbprint)
        times = '"startDateTime": "2026-01-01T00:00:00.1234567Z", "endDateTime": "not a time"'
        body = f'{{"keyCredentials": [{{"customKeyIdentifier": "{name}", {times}}}, 7]}}'
        stage.emulator.faults.answer(body, action="application")
        history = ask("history", fields={"clientCertificate": CERTIFICATE})
        assert (history.created_at is not None) == known
        assert history.expires_at is None

    def test_the_clouds_own_graph_is_asked_whatever_the_key_is_for(
        self, stage: suite.Stage, ask: Asking, public: network.Session
    ) -> None:
        stage.config = {**entra.without(stage, "authority", "endpoint"), "resource": "management"}
        assert ask("history", within=public).created_at is not None

    def test_a_private_clouds_graph_is_not_guessed(self, stage: suite.Stage, ask: Asking) -> None:
        ask.refused(errors.Misconfigured, "history", resource="management")
        assert stage.emulator.calls == []

    def test_an_application_that_may_not_read_itself_is_told_what_to_ask_for(
        self, stage: suite.Stage, ask: Asking
    ) -> None:
        stage.emulator.set_graph_roles(CLIENT, "User.Read.All")
        error = ask.refused(errors.PermissionDenied, "history")
        assert "Application.Read.All" in error.message

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (404, "Request_ResourceNotFound", errors.PermissionDenied),
            (401, "InvalidAuthenticationToken", errors.Misconfigured),
            (403, suite.BODY, errors.ProviderUnreachable),
            (503, "Authorization_RequestDenied", errors.ProviderUnreachable),
        ],
    )
    def test_graphs_codes_decide(
        self,
        stage: suite.Stage,
        ask: Asking,
        status: int,
        code: str,
        kind: type[errors.CredentialError],
    ) -> None:
        stage.emulator.faults.error(status=status, code=code, message=suite.BODY, action="application")
        ask.refused(kind, "history")

    @pytest.mark.parametrize("body", ["", "<html></html>", "[]", '{"passwordCredentials": {}}', "{}"])
    def test_a_lying_graph_proves_nothing(self, stage: suite.Stage, ask: Asking, body: str) -> None:
        stage.emulator.faults.answer(body, action="application")
        ask.refused(errors.ProviderUnreachable, "history")

    def test_fewer_calls_are_made_where_that_is_asked(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.faults.throttle(retry_after=8, action="application")
        assert ask.refused(errors.RateLimited, "history").retry_after == 8

    def test_a_certificate_whose_life_is_over_is_not_asked_about(
        self, stage: suite.Stage, ask: Asking
    ) -> None:
        old = entra.certified(OURS, datetime.timedelta(seconds=-1))
        ask.refused(errors.Expired, "history", fields={"clientCertificate": old})
        assert stage.emulator.calls == []


def test_the_operator_finds_every_ability() -> None:
    for ability in (contract.Historian, contract.Granter, contract.Explorer, contract.Keyless):
        assert isinstance(azure.PROVIDER, ability)


def test_a_private_key_is_in_none_of_what_is_told(ask: Asking, stage: suite.Stage) -> None:
    stage.emulator.add_certificate(CLIENT, CERTIFICATE)
    told = [
        ask("reach", fields={"clientCertificate": CERTIFICATE}),
        ask("grants", ("Microsoft.Compute/virtualMachines/read",), fields={"clientCertificate": CERTIFICATE}),
    ]
    key = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    lines = OURS.private_bytes(*key).decode().splitlines()[1:-1]
    assert not [line for line in lines if line in repr(told)]

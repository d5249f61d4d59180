"""Which permissions an application of Azure has, before a stand-in that judges roles by itself."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import errors
from credential_operator.providers import _permissions, contract
from emulators.azure import AzureEmulator
from providers import entra, suite
from providers.entra import CLIENT, OTHER, SUBSCRIPTION, TENANT, Asking, actions

READ = "Microsoft.Compute/virtualMachines/read"
START = "Microsoft.Compute/virtualMachines/start/action"
WRITE = "Microsoft.Compute/virtualMachines/write"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"


@pytest.fixture(scope="module")
def emulator() -> Iterator[AzureEmulator]:
    yield from entra.served()


@pytest.fixture
def stage(emulator: AzureEmulator) -> suite.Stage:
    return entra.staged(emulator)


@pytest.fixture
def ask(stage: suite.Stage, caplog: pytest.LogCaptureFixture) -> Asking:
    return Asking(stage, caplog)


class TestGrants:
    def test_a_reader_reads_and_does_not_write(self, stage: suite.Stage, ask: Asking) -> None:
        asked = tuple(sorted((READ, START, WRITE)))
        assert ask("grants", asked) == contract.Grants(missing=(START, WRITE))
        assert actions(stage) == ["token", "permissions", "operations"]

    @pytest.mark.parametrize(
        ("role", "has"),
        [
            ({"actions": ["*"]}, {READ, START, WRITE}),
            ({"actions": ["MICROSOFT.compute/*"]}, {READ, START, WRITE}),
            ({"actions": ["microsoft.compute/virtualmachines/*/ACTION"]}, {START}),
            ({"actions": ["Microsoft.*/virtualMachines/*e"]}, {WRITE}),
            ({"actions": ["*"], "not_actions": ["*/write"]}, {READ, START}),
            ({"actions": ["Microsoft.Compute/virtualMachines/rea"]}, set()),
            ({"actions": ["Microsoft.Storage/*"]}, set()),
            ({"data_actions": ["*"], "actions": ["*/read"]}, {READ, BLOBS}),
            ({"data_actions": ["*"], "not_data_actions": ["Microsoft.Storage/*"]}, set()),
            ({"data_actions": ["Microsoft.Storage/*/blobs/read"]}, {BLOBS}),
            ({"actions": ["*"], "not_actions": ["*"], "data_actions": [BLOBS.lower()]}, {BLOBS}),
        ],
    )
    def test_a_role_grants_what_its_patterns_cover_and_its_exceptions_do_not(
        self, stage: suite.Stage, ask: Asking, role: Mapping[str, Any], has: set[str]
    ) -> None:
        stage.emulator.add_subscription(SUBSCRIPTION, TENANT)
        stage.emulator.assign_role(CLIENT, SUBSCRIPTION, **role)
        stage.emulator.assign_role(CLIENT, SUBSCRIPTION, actions=["Microsoft.Authorization/*/read"])
        asked = tuple(sorted((READ, START, WRITE, BLOBS)))
        assert ask("grants", asked) == contract.Grants(missing=tuple(one for one in asked if one not in has))

    def test_what_one_role_leaves_out_another_grants(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.assign_role(CLIENT, SUBSCRIPTION, actions=["*"], not_actions=[START, WRITE])
        stage.emulator.assign_role(CLIENT, SUBSCRIPTION, actions=[START])
        assert ask("grants", (READ, START, WRITE)).missing == (WRITE,)

    def test_all_of_resources_is_nothing_of_data(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.assign_role(CLIENT, SUBSCRIPTION, actions=["*"])
        assert ask("grants", (BLOBS,)).missing == (BLOBS,)

    def test_roles_on_all_pages_count(self, stage: suite.Stage, ask: Asking) -> None:
        for number in range(5):
            stage.emulator.assign_role(CLIENT, SUBSCRIPTION, actions=[f"Microsoft.Other{number}/*"])
        stage.emulator.assign_role(CLIENT, SUBSCRIPTION, actions=[START])
        stage.emulator.set_pages(2)
        assert ask("grants", (START,)) == contract.Grants()
        assert actions(stage).count("permissions") == 4

    def test_roles_elsewhere_or_of_others_do_not_count(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.add_subscription(OTHER, TENANT)
        stage.emulator.assign_role(CLIENT, OTHER, actions=["*"])
        stage.emulator.assign_role(OTHER, SUBSCRIPTION, actions=["*"])
        assert ask("grants", (WRITE,)).missing == (WRITE,)

    def test_where_the_roles_may_not_be_read_nothing_is_known_and_it_says_what_to_give(
        self, stage: suite.Stage, ask: Asking
    ) -> None:
        stage.emulator.add_subscription(SUBSCRIPTION, TENANT)
        stage.emulator.assign_role(CLIENT, SUBSCRIPTION, actions=[READ])
        grants = ask("grants", (READ, WRITE))
        assert (grants.missing, grants.unknown) == ((), (READ, WRITE))
        for words in ("Microsoft.Authorization/permissions", "Reader", CLIENT, SUBSCRIPTION):
            assert words in grants.why

    def test_a_subscription_that_is_not_seen_tells_nothing(self, ask: Asking) -> None:
        assert ask("grants", (READ,), subscriptionID=OTHER).unknown == (READ,)

    def test_where_operations_may_not_be_listed_only_what_is_sure_is_said(
        self, stage: suite.Stage, ask: Asking
    ) -> None:
        stage.emulator.add_subscription(SUBSCRIPTION, TENANT)
        stage.emulator.assign_role(
            CLIENT,
            SUBSCRIPTION,
            actions=["Microsoft.Authorization/permissions/read", READ, START],
            data_actions=[START],
        )
        grants = ask("grants", (READ, START, WRITE))
        assert (grants.missing, grants.unknown) == ((WRITE,), (READ,))
        assert "Microsoft.Authorization/providerOperations/read" in grants.why

    def test_an_operation_that_azure_does_not_know_is_named(self, ask: Asking) -> None:
        wrong = "Microsoft.Compute/virtualMachines/reed/action"
        error = ask.refused(errors.Misconfigured, "grants", (READ, wrong))
        assert wrong in error.message
        assert READ not in error.message

    def test_an_empty_list_of_operations_says_nothing_of_what_azure_knows(
        self, stage: suite.Stage, ask: Asking
    ) -> None:
        stage.emulator.faults.answer('{"resourceTypes": [7, {"operations": 7}]}', action="operations")
        assert ask("grants", (READ, WRITE)).unknown == (READ,)

    def test_a_provider_that_azure_does_not_know_is_lacking(self, ask: Asking) -> None:
        assert ask("grants", ("Microsoft.Nothing/things/write",)).missing

    @pytest.mark.parametrize(
        "wrong", ["s3:GetObject", "User.Read.All", "Microsoft.Compute", "Microsoft.Compute/virtualMachines"]
    )
    def test_what_cannot_be_an_operation_is_named_without_a_call(
        self, stage: suite.Stage, ask: Asking, wrong: str
    ) -> None:
        error = ask.refused(errors.Misconfigured, "grants", (READ, wrong))
        assert f"holds {wrong}:" in error.message
        assert stage.emulator.calls == []

    def test_without_a_subscription_nothing_is_known_and_nothing_is_asked(
        self, stage: suite.Stage, ask: Asking
    ) -> None:
        grants = ask("grants", (READ,), subscriptionID=None)
        assert grants.unknown == (READ,)
        assert "subscriptionID" in grants.why
        assert stage.emulator.calls == []

    @pytest.mark.parametrize("action", ["permissions", "operations"])
    @pytest.mark.parametrize("status", [200, 403, 500])
    @pytest.mark.parametrize(
        "body", ["", "<html></html>", "{}", '{"value": [7]}', '{"value": [{"actions": "*"}]}', '{"error": 1}']
    )
    def test_a_lying_resource_manager_proves_nothing(
        self, stage: suite.Stage, ask: Asking, action: str, status: int, body: str
    ) -> None:
        stage.emulator.faults.answer(body, status=status, action=action)
        ask.refused(errors.ProviderUnreachable, "grants", (READ,))

    @pytest.mark.parametrize("action", ["token", "permissions", "operations"])
    def test_trouble_is_tried_again_later(self, stage: suite.Stage, ask: Asking, action: str) -> None:
        stage.emulator.faults.throttle(retry_after=9, action=action)
        assert ask.refused(errors.RateLimited, "grants", (READ,)).retry_after == 9
        stage.emulator.faults.clear()
        stage.emulator.faults.error(status=503, code="AuthorizationFailed", action=action)
        ask.refused(errors.ProviderUnreachable, "grants", (READ,))

    def test_a_token_that_is_not_accepted_is_misconfigured(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.faults.error(status=401, code="InvalidAuthenticationToken", action="permissions")
        ask.refused(errors.Misconfigured, "grants", (READ,))

    def test_a_list_of_roles_without_an_end_proves_nothing(self, stage: suite.Stage, ask: Asking) -> None:
        body = '{"value": [], "nextLink": "https://a.example/b?api-version=2022-04-01&$skiptoken=1"}'
        stage.emulator.faults.answer(body, action="permissions")
        ask.refused(errors.ProviderUnreachable, "grants", (READ,))
        assert len(stage.emulator.calls) < 50

    @pytest.mark.parametrize("resource", ["loganalytics", "storage"])
    def test_other_resources_tell_nothing(self, stage: suite.Stage, ask: Asking, resource: str) -> None:
        grants = ask("grants", (READ,), resource=resource)
        assert grants.unknown == (READ,)
        assert resource in grants.why
        assert stage.emulator.calls == []


PATTERNS = st.text("aB/.*", max_size=12)
OPERATIONS = st.text("Ab/.", max_size=12)


@given(PATTERNS, OPERATIONS)
def test_a_star_stands_for_any_text(pattern: str, operation: str) -> None:
    assert _permissions.matches(pattern, operation) == fnmatch.fnmatchcase(operation.lower(), pattern.lower())


def test_a_pattern_of_many_stars_costs_no_more() -> None:
    began = time.monotonic()
    assert not _permissions.matches("*a" * 30_000 + "b", "a" * 60_000)
    assert time.monotonic() - began < 5


class TestGrantsOnGraph:
    @pytest.fixture(autouse=True)
    def graph(self, stage: suite.Stage) -> None:
        stage.config = {**stage.config, "resource": "graph"}

    def test_the_applications_permissions_are_known(self, stage: suite.Stage, ask: Asking) -> None:
        stage.emulator.set_graph_roles(CLIENT, "User.Read.All", "Mail.Send")
        assert ask("grants", ("Mail.Send", "User.Read.All")) == contract.Grants()
        assert ask("grants", ("Group.Read.All", "User.Read.All")).missing == ("Group.Read.All",)
        assert set(actions(stage)) == {"token"}

    def test_an_application_without_permissions_lacks_all(self, ask: Asking) -> None:
        assert ask("grants", ("User.Read.All",)).missing == ("User.Read.All",)

    @pytest.mark.parametrize("token", ["opaque", "eyJhbGciOiJSUzI1NiJ9.eyJyb2xlcyI6N30.x"])
    def test_a_token_that_does_not_say_leaves_them_unknown(
        self, stage: suite.Stage, ask: Asking, token: str
    ) -> None:
        stage.emulator.faults.answer(f'{{"token_type": "Bearer", "access_token": "{token}"}}')
        grants = ask("grants", ("User.Read.All",))
        assert grants.unknown == ("User.Read.All",)
        assert grants.why.endswith(".")

    @pytest.mark.parametrize("wrong", [READ, "s3:GetObject", "Reader"])
    def test_what_cannot_be_a_permission_is_named_without_a_call(
        self, stage: suite.Stage, ask: Asking, wrong: str
    ) -> None:
        assert wrong in ask.refused(errors.Misconfigured, "grants", (wrong,)).message
        assert stage.emulator.calls == []

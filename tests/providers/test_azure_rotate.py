"""Client secrets of Entra ID that renew themselves, before a stand-in that verifies who may."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest

from credential_operator import errors
from credential_operator.providers import _azure_rotate, network
from emulators.azure import AzureEmulator
from providers import entra, issuing, rotating, servers, suite
from providers.entra import CERTIFICATE, CLIENT, OTHER, SECRET, actions

DAY = 24 * 3600.0
HOSTS = ("login.microsoftonline.us", "graph.microsoft.us")
NO_KEY = "0c0ffee0-0000-4000-8000-00000000000d"
CALLS = [
    ("application", ("listed",)),
    ("application", ("owner",)),
    ("application", ("claim", "me")),
    ("application", ("delete", NO_KEY)),
    ("updateApplication", ("claim", "me")),
    ("addPassword", ("make", "")),
    ("removePassword", ("delete", NO_KEY)),
]
"""What of Graph is asked -> what asks it."""


@pytest.fixture(scope="module")
def running() -> Iterator[AzureEmulator]:
    with AzureEmulator(hosts=HOSTS) as emulator:
        yield emulator


class TestRotation(rotating.Rotations):
    type_name: ClassVar[str] = "azure"
    makes: ClassVar[str] = "addPassword"

    @pytest.fixture
    def emulator(self, running: AzureEmulator) -> AzureEmulator:
        return running

    @pytest.fixture
    def stage(self, emulator: AzureEmulator) -> suite.Stage:
        stage = entra.staged(emulator)
        emulator.set_graph_roles(CLIENT, *_azure_rotate.NEEDS)
        emulator.let_own(CLIENT, CLIENT)
        stage.config = {**entra.without(stage, "subscriptionID"), "resource": "graph"}
        emulator.reset_calls()
        return stage

    def key_id(self, stage: suite.Stage) -> str:
        (own,) = [one.id for one in rotating.ask(stage, "listed") if one.mark == "made by hand"]
        assert isinstance(own, str)
        return own

    def forbid(self, stage: suite.Stage) -> None:
        stage.emulator.set_graph_roles(CLIENT)

    def elsewhere(self, stage: suite.Stage, url: str) -> Mapping[str, Any]:
        return {**stage.config, "authority": url, "endpoint": url}

    # What is another way with secrets than with keys

    def test_a_disabled_key_is_refused(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        made = ask("make", rotating.MARK)
        old = self.key_id(stage)
        stage.emulator.reset_calls()
        ask("disable", old, fields=made.fields)
        assert actions(stage) == []
        assert all(one.enabled for one in ask("listed"))
        assert stage.check()

    def test_a_deleted_key_is_refused_and_gone(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        made, old = ask("make", rotating.MARK), self.key_id(stage)
        for _ in range(2):
            ask("delete", old, fields=made.fields)
        assert [one.id for one in ask("listed", fields=made.fields)] == [made.id]
        assert stage.check(made.fields)
        with pytest.raises(errors.Rejected):
            stage.check()

    def test_the_owner_is_the_principals_and_not_the_keys(
        self, stage: suite.Stage, ask: Callable[..., Any]
    ) -> None:
        ask("claim", rotating.OWNER)
        made, old = ask("make", rotating.MARK), self.key_id(stage)
        ask("delete", old, fields=made.fields)
        assert ask("owner", fields=made.fields) == rotating.OWNER

    def test_there_are_no_more_than_the_provider_allows(
        self, stage: suite.Stage, ask: Callable[..., Any], denied: Callable[..., Any]
    ) -> None:
        # As applications for personal accounts: of the others it would take a day to make all.
        stage.emulator.limit_secrets(CLIENT, most=2)
        ask("make", rotating.MARK)
        assert "delete" in denied(errors.Misconfigured, "make", rotating.MARK).message
        assert len(ask("listed")) == 2

    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, stage: suite.Stage, denied: Callable[..., Any]
    ) -> None:
        # A secret is not signed with: no clock of ours is looked at.
        stage.emulator.faults.skew(-4000)
        assert rotating.ask(stage, "make", rotating.MARK)

    # What secrets have besides

    def test_what_is_asked_of_graph(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        made = {}
        for call in (("owner",), ("claim", "me"), ("listed",), ("make", ""), ("delete", NO_KEY)):
            stage.emulator.reset_calls()
            ask(*call)
            made[call[0]] = actions(stage)
        assert made == {
            "owner": ["token", "application"],
            "claim": ["token", "application", "updateApplication"],
            "listed": ["token", "application"],
            "make": ["token", "addPassword"],
            "delete": ["token", "application", "removePassword"],
        }

    def test_the_name_of_a_secret_is_its_mark(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        stage.emulator.add_secret(CLIENT, "another~secret", name=None)
        made = ask("make", rotating.MARK)
        marks = {one.id: one.mark for one in ask("listed")}
        assert marks[made.id] == rotating.MARK
        assert sorted(marks.values()) == ["", rotating.MARK, "made by hand"]

    def test_the_owner_must_be_itself(self, emulator: AzureEmulator, denied: Callable[..., Any]) -> None:
        entra.staged(emulator)
        emulator.set_graph_roles(CLIENT, *_azure_rotate.NEEDS)
        emulator.let_own(CLIENT, OTHER)
        message = denied(errors.PermissionDenied, "make", rotating.MARK).message
        assert f"az ad app owner add --id {CLIENT}" in message

    def test_the_right_to_all_applications_will_do(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        stage.emulator.set_graph_roles(CLIENT, "Application.ReadWrite.All")
        for call in self.calls(stage):
            ask(*call)

    def test_other_tags_are_kept(self, stage: suite.Stage, ask: Callable[..., Any]) -> None:
        stage.emulator.set_tags(CLIENT, "HideApp", f"{_azure_rotate.TAG}old", "team: a")
        assert ask("owner") == "old"
        ask("claim", "o" * 200)
        assert stage.emulator.tags(CLIENT) == ["HideApp", "team: a", f"{_azure_rotate.TAG}{'o' * 200}"]

    @pytest.mark.parametrize(("longest", "days"), [(800, 730), (400, 365), (365.5, 365), (200, 180)])
    def test_a_secret_lives_two_years_or_as_long_as_a_policy_allows(
        self, stage: suite.Stage, ask: Callable[..., Any], longest: float, days: int
    ) -> None:
        stage.emulator.limit_secrets(CLIENT, longest=longest * DAY)
        made = ask("make", rotating.MARK)
        lives = made.expires_at - datetime.datetime.now(datetime.UTC)
        assert abs(lives - datetime.timedelta(days=days)) < datetime.timedelta(minutes=1)
        assert len(ask("listed")) == 2

    @pytest.mark.parametrize("longest", [90 * DAY, None])
    def test_a_policy_that_leaves_no_room_is_told(
        self, stage: suite.Stage, denied: Callable[..., Any], longest: float | None
    ) -> None:
        stage.emulator.limit_secrets(CLIENT, longest=longest)
        assert "app management policy" in denied(errors.PermissionDenied, "make", rotating.MARK).message

    def test_a_secret_whose_life_is_over_is_not_good(
        self, stage: suite.Stage, ask: Callable[..., Any]
    ) -> None:
        stage.emulator.add_secret(CLIENT, f"{SECRET[:3]}~over", seconds=-DAY, age=2 * DAY)
        listed = ask("listed")
        assert [one.enabled for one in listed] == [False, True]
        assert rotating.identified(stage, stage.good, listed) == listed[1].id

    def test_of_two_that_begin_alike_nobody_knows_which(
        self, stage: suite.Stage, ask: Callable[..., Any], denied: Callable[..., Any]
    ) -> None:
        alike = stage.emulator.add_secret(CLIENT, f"{SECRET[:3]}~other")
        assert rotating.identified(stage, stage.good, ask("listed")) is None
        assert alike in denied(errors.Misconfigured, "delete", alike).message

    def test_a_hint_is_not_printed(self, ask: Callable[..., Any]) -> None:
        (one,) = ask("listed")
        assert one.hint == SECRET[:3]
        assert "hint" not in repr(one)

    @pytest.mark.parametrize("code", ["Directory_ConcurrencyViolation", "ConcurrencyViolation"])
    def test_a_tenant_that_is_busy_is_tried_again_later(
        self, stage: suite.Stage, denied: Callable[..., Any], code: str
    ) -> None:
        for action, call in {"addPassword": ("make", ""), "removePassword": ("delete", NO_KEY)}.items():
            stage.emulator.faults.error(status=409, code=code, message=suite.BODY, action=action)
            denied(errors.Conflict, *call)

    def test_a_secret_that_is_there_and_not_removed_is_told(
        self, stage: suite.Stage, ask: Callable[..., Any], denied: Callable[..., Any]
    ) -> None:
        made = ask("make", rotating.MARK)
        stage.emulator.faults.error(status=400, code="Request_BadRequest", action="removePassword")
        denied(errors.ProviderUnreachable, "delete", made.id)

    @pytest.mark.parametrize(("action", "call"), CALLS)
    @pytest.mark.parametrize("status", [400, 404])
    @pytest.mark.parametrize("body", ["[]", '{"error": {"code": "Odd"}}'])
    def test_a_lying_graph_is_not_believed(
        self,
        stage: suite.Stage,
        denied: Callable[..., Any],
        action: str,
        call: tuple[str, ...],
        status: int,
        body: str,
    ) -> None:
        stage.emulator.faults.answer(body, status=status, action=action)
        denied(errors.ProviderUnreachable, *call)

    @pytest.mark.parametrize(
        "secret",
        [
            1,
            {"keyId": NO_KEY, "startDateTime": "2026-01-01T00:00:00Z"},
            {"keyId": NO_KEY, "endDateTime": "2026-01-01T00:00:00Z"},
            {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"},
        ],
    )
    def test_a_listed_secret_has_a_name_and_a_life(
        self, stage: suite.Stage, denied: Callable[..., Any], secret: object
    ) -> None:
        for said in ([secret], secret):
            body = json.dumps({"passwordCredentials": said})
            stage.emulator.faults.answer(body, action="application", count=1)
            denied(errors.ProviderUnreachable, "listed")

    @pytest.mark.parametrize("value", ["", "a b" * 5, "ö" * 20])
    def test_a_new_secret_that_is_none_is_not_taken(
        self, stage: suite.Stage, denied: Callable[..., Any], value: str
    ) -> None:
        body = json.dumps({"keyId": NO_KEY, "secretText": value})
        stage.emulator.faults.answer(body, action="addPassword")
        denied(errors.ProviderUnreachable, "make", rotating.MARK)

    # What cannot be rotated

    def test_certificates_and_workload_identities_are_not_rotated(self, stage: suite.Stage) -> None:
        with pytest.raises(errors.Misconfigured, match="clientSecret"):
            rotating.fit(stage, {"clientCertificate": CERTIFICATE})
        keys = stage.exchange({}, issuing.Issuer().token("api://AzureADTokenExchange"))
        with pytest.raises(errors.Misconfigured, match="workload identity"):
            rotating.fit(stage, keys=keys)

    def test_a_private_clouds_graph_must_be_known(self, stage: suite.Stage) -> None:
        with pytest.raises(errors.Misconfigured, match="resource graph"):
            rotating.fit(stage, config={**stage.config, "resource": "management"})

    @pytest.mark.parametrize(
        ("cloud", "graph"),
        [
            ("AzurePublic", "graph.microsoft.com:443"),
            ("AzureUSGovernment", "graph.microsoft.us:443"),
            ("AzureChina", "microsoftgraph.chinacloudapi.cn:443"),
        ],
    )
    def test_each_cloud_has_its_own_graph(self, stage: suite.Stage, cloud: str, graph: str) -> None:
        config = {**entra.PLAIN, "cloud": cloud}
        rotating.fit(stage, config=config)
        assert rotating.rotation_of(stage).endpoint(stage.read(config)) == graph

    def test_a_sovereign_clouds_own_address_is_asked(self, stage: suite.Stage) -> None:
        stage.emulator.serve_graph("https://graph.microsoft.us")
        with (
            servers.serving(servers.Proxy(stage.emulator.port)) as proxy,
            network.Session(
                network.Policy(), ca_bundle=stage.emulator.ca_pem.decode(), proxy=f"http://{proxy.host}"
            ) as session,
        ):
            config = {**entra.PLAIN, "cloud": "AzureUSGovernment"}
            assert rotating.ask(stage, "make", rotating.MARK, config=config, within=session).id

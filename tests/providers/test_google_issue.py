"""Access tokens in place of a service account's key, before a Google that verifies who may have them."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import jwt
import pytest
from jwt.algorithms import RSAAlgorithm

from credential_operator import errors
from credential_operator.providers import google, issue, network, registry
from emulators.google import Google
from providers import accounts, issuance, signing, suite

PROJECT = "example-project"
EMAIL = "backup@example-project.iam.gserviceaccount.com"
TARGET = "restore@other-project.iam.gserviceaccount.com"
ISSUER = "https://kubernetes.example.com"
SUBJECT = "system:serviceaccount:backups:backup"
POOL = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/clusters"
PROVIDER = f"{POOL}/providers/production"
PRINCIPAL = f"principal:{POOL}/subject/{SUBJECT}"
IMPERSONATED = f"/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"
NARROW = "https://www.googleapis.com/auth/devstorage.read_only"
BROAD = "https://www.googleapis.com/auth/cloud-platform"
SEES = "resourcemanager.projects.get"


@pytest.fixture(scope="module")
def running() -> Iterator[Google]:
    with Google() as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Google) -> Google:
    running.reset()
    running.create_account(EMAIL, project=PROJECT)
    running.create_account(TARGET, project="other-project")
    running.let_impersonate(TARGET, f"serviceAccount:{EMAIL}")
    return running


class Tokens(issuance.Issuance):
    """What all kinds keep."""

    type_name: ClassVar[str] = "google"

    @pytest.fixture
    def stage(self, emulator: Google) -> suite.Stage:
        return accounts.staged(emulator, emulator.create_key(EMAIL))

    def stored(self, stage: suite.Stage) -> list[str]:
        lines = json.loads(stage.good["serviceAccountJSON"])["private_key"].splitlines()
        return [line for line in lines if not line.startswith("-")]

    def use(self, stage: suite.Stage, issued: issue.Issued) -> None:
        assert _projects(stage, issued) == 200

    def outlive(self, stage: suite.Stage) -> None:
        stage.emulator.limit_tokens(-10)

    def test_it_is_no_longer_accepted_when_its_life_is_over(
        self, stage: suite.Stage, emulator: Google, make: Callable[..., issue.Issued]
    ) -> None:
        issued = make()
        emulator.end_tokens()
        assert _projects(stage, issued) == 401

    def test_it_lasts_an_hour(self, make: Callable[..., issue.Issued]) -> None:
        lasting = make().expires_at - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(minutes=59) < lasting <= datetime.timedelta(hours=1)

    def test_a_token_without_an_end_is_none(
        self, stage: suite.Stage, emulator: Google, unmade: Callable[..., Any]
    ) -> None:
        for ends in ("", "soon", -1, 40_000_000, 10**12):
            body = {"access_token": "ya29.a", "accessToken": "ya29.a", "expires_in": ends, "expireTime": ends}
            emulator.faults.answer(json.dumps(body))
            unmade(errors.ProviderUnreachable)
            emulator.faults.clear()

    def test_an_account_that_is_switched_off_has_none(
        self, emulator: Google, unmade: Callable[..., Any]
    ) -> None:
        emulator.set_disabled(EMAIL)
        unmade(errors.KeyDisabled)

    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, emulator: Google, unmade: Callable[..., Any]
    ) -> None:
        emulator.faults.skew(-9000)
        unmade(errors.ClockSkew)


class TestAccessToken(Tokens):
    kind: ClassVar[str] = "AccessToken"

    def test_it_is_the_accounts_and_costs_one_call(
        self, stage: suite.Stage, emulator: Google, make: Callable[..., issue.Issued]
    ) -> None:
        emulator.reset_calls()
        issued = make()
        assert [call.path for call in emulator.calls] == ["/token"]
        assert issued.fields["projectID"] == PROJECT
        emulator.grant(PROJECT, f"serviceAccount:{EMAIL}", SEES)
        assert _projects(stage, issued, sees=PROJECT) == 200

    def test_it_is_for_the_scopes_of_the_credential_alone(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        assert _projects(stage, make(config={**stage.config, "scopes": [NARROW]})) == 403

    def test_a_workload_identitys_is_for_the_scopes_of_the_credential_and_an_hour(
        self, stage: suite.Stage, emulator: Google, make: Callable[..., issue.Issued]
    ) -> None:
        config = {**stage.config, "scopes": [NARROW]}
        held = _keyless(stage, emulator, config)
        issued = make(keys=held, config=config)
        assert issued.fields.keys() == {"accessToken", "expiresAt"}
        assert _projects(stage, issued) == 403
        assert issued.fields["accessToken"] != held.token
        assert held.subject not in repr(held)

    def test_an_impersonated_workload_identitys_lasts_an_hour_too(
        self, stage: suite.Stage, emulator: Google, make: Callable[..., issue.Issued]
    ) -> None:
        emulator.let_impersonate(EMAIL, PRINCIPAL)
        issued = make(keys=_keyless(stage, emulator, stage.config, impersonate=EMAIL))
        self.use(stage, issued)
        assert issued.fields["projectID"] == PROJECT
        lasting = issued.expires_at - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(minutes=59) < lasting <= datetime.timedelta(hours=1)


class TestImpersonatedAccessToken(Tokens):
    kind: ClassVar[str] = "ImpersonatedAccessToken"

    @pytest.fixture
    def options(self) -> Mapping[str, Any]:
        return {"serviceAccount": TARGET}

    def test_it_is_the_other_accounts(
        self, stage: suite.Stage, emulator: Google, make: Callable[..., issue.Issued]
    ) -> None:
        emulator.reset_calls()
        issued = make()
        assert [call.path for call in emulator.calls] == ["/token", IMPERSONATED]
        assert issued.fields["projectID"] == "other-project"
        emulator.grant("other-project", f"serviceAccount:{TARGET}", SEES)
        assert _projects(stage, issued, sees="other-project") == 200

    def test_its_scopes_are_those_of_the_credential_unless_it_has_its_own(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        narrow = {**stage.config, "scopes": [NARROW]}
        assert _projects(stage, make(config=narrow)) == 403
        assert _projects(stage, make(options={"serviceAccount": TARGET, "scopes": [NARROW]})) == 403
        own = {"serviceAccount": TARGET, "scopes": [BROAD]}
        assert _projects(stage, make(config=narrow, options=own)) == 200

    def test_more_than_an_hour_takes_the_organizations_leave(
        self, emulator: Google, make: Callable[..., issue.Issued], unmade: Callable[..., Any]
    ) -> None:
        long = {"serviceAccount": TARGET, "duration": "2h"}
        assert "LifetimeExtension" in unmade(errors.Misconfigured, options=long).message
        emulator.let_last(TARGET)
        lasting = make(options=long).expires_at - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(minutes=119) < lasting <= datetime.timedelta(hours=2)

    def test_a_scope_that_does_not_exist_is_misconfigured(self, unmade: Callable[..., Any]) -> None:
        wrong = {"serviceAccount": TARGET, "scopes": ["storage"]}
        message = unmade(errors.Misconfigured, options=wrong).message
        assert "issue.scopes" in message
        assert "issue.duration" not in message

    def test_an_account_that_the_key_may_not_be_is_not_permitted(
        self, emulator: Google, unmade: Callable[..., Any]
    ) -> None:
        for other in ("stranger@other-project.iam.gserviceaccount.com", EMAIL):
            message = unmade(errors.PermissionDenied, options={"serviceAccount": other}).message
            assert "roles/iam.serviceAccountTokenCreator" in message
            assert other in message

    def test_an_api_that_is_switched_off_is_named(self, emulator: Google, unmade: Callable[..., Any]) -> None:
        emulator.switch_api(PROJECT, "iamcredentials.googleapis.com", on=False)
        assert "gcloud services enable" in unmade(errors.PermissionDenied).message

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (401, "UNAUTHENTICATED", errors.Misconfigured),
            (404, "NOT_FOUND", errors.Misconfigured),
            (429, "RESOURCE_EXHAUSTED", errors.RateLimited),
            (500, "INTERNAL", errors.ProviderUnreachable),
            (400, "SOMETHING_NEW", errors.ProviderUnreachable),
        ],
    )
    def test_codes_decide(
        self,
        emulator: Google,
        unmade: Callable[..., Any],
        status: int,
        code: str,
        kind: type[errors.CredentialError],
    ) -> None:
        emulator.faults.error(status=status, code=code, message=suite.BODY, action=IMPERSONATED)
        unmade(kind)

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "[]",
            '{"accessToken": "ya29.canary"}',
            '{"accessToken": "", "expireTime": "2099-01-01T00:00:00Z"}',
            '{"accessToken": "ya29.canary", "expireTime": "soon"}',
            '{"accessToken": "ya29.canary", "expireTime": "2099-01-01T00:00:00Z"}',
            '{"accessToken": "ya29.canary", "expireTime": "2009-01-01T00:00:00Z"}',
        ],
    )
    def test_a_lie_after_the_first_answer_makes_none(
        self, emulator: Google, unmade: Callable[..., Any], body: str
    ) -> None:
        emulator.faults.answer(body, action=IMPERSONATED)
        assert "ya29.canary" not in suite.everything(unmade(errors.ProviderUnreachable))

    def test_a_workload_identity_may_become_it(
        self, stage: suite.Stage, emulator: Google, make: Callable[..., issue.Issued]
    ) -> None:
        config = {**stage.config, "scopes": [NARROW]}
        held = _keyless(stage, emulator, config)
        emulator.let_impersonate(TARGET, PRINCIPAL)
        own = {"serviceAccount": TARGET, "scopes": [BROAD]}
        self.use(stage, make(keys=held, config=config, options=own))

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"serviceAccount": "somebody@example.com"},
            {"serviceAccount": TARGET, "scopes": ["a b"]},
            {"serviceAccount": TARGET, "duration": "13h"},
        ],
    )
    def test_what_google_does_not_take_is_no_option(self, options: dict[str, Any]) -> None:
        kind = issue.kinds(google.PROVIDER)[self.kind]
        with pytest.raises(ValueError, match="validation error"):
            kind.options.model_validate(options)


def test_trouble_of_an_address_of_ones_own_is_not_counted_as_googles(emulator: Google) -> None:
    stage = suite.Stage(provider=google.PROVIDER, emulator=emulator, config={}, good={}, wrong={})
    impersonated = {"serviceAccount": TARGET}
    url, api = {"tokenURL": "https://a.example.com/token"}, {"apiEndpoint": "https://b.example.com"}
    expected: list[tuple[Mapping[str, str], str, str]] = [
        ({}, "oauth2.googleapis.com:443", "iamcredentials.googleapis.com:443"),
        (url, "a.example.com:443", "a.example.com:443"),
        (api, "b.example.com:443", "b.example.com:443"),
        ({**url, **api}, "a.example.com:443", "a.example.com:443"),
    ]
    for config, own, other in expected:
        assert issuance.endpoint_of(stage, "AccessToken", config, {}) == own
        assert issuance.endpoint_of(stage, "ImpersonatedAccessToken", config, impersonated) == other


class TestRegistryPassword(Tokens):
    kind: ClassVar[str] = "RegistryPassword"

    @pytest.fixture
    def options(self) -> Mapping[str, Any]:
        return {"registry": "europe-docker.pkg.dev"}

    def use(self, stage: suite.Stage, issued: issue.Issued) -> None:
        named = {"username": "oauth2accesstoken", "host": "europe-docker.pkg.dev"}
        assert {name: issued.fields[name] for name in named} == named
        assert _projects(stage, issued, field="password") == 200

    def test_it_is_no_longer_accepted_when_its_life_is_over(
        self, stage: suite.Stage, emulator: Google, make: Callable[..., issue.Issued]
    ) -> None:
        issued = make()
        emulator.end_tokens()
        assert _projects(stage, issued, field="password") == 401

    def test_its_fields_are_those_of_a_registrys_user(self) -> None:
        kind = issue.kinds(google.PROVIDER)[self.kind]
        assert kind.variables == {**registry.PROVIDER.variables, "expiresAt": ()}

    @pytest.mark.parametrize("host", ["gcr.io", "eu.gcr.io", "us-central1-docker.pkg.dev"])
    def test_registries_of_google_are_known(self, host: str, make: Callable[..., issue.Issued]) -> None:
        assert make(options={"registry": host}).fields["host"] == host

    @pytest.mark.parametrize(
        "host", ["ghcr.io", "gcr.io.example.com", "evilgcr.io", "pkg.dev", "a.b.pkg.dev"]
    )
    def test_a_token_is_not_shown_to_other_registries(
        self, emulator: Google, unmade: Callable[..., Any], host: str
    ) -> None:
        emulator.reset_calls()
        assert host in unmade(errors.Misconfigured, options={"registry": host}).message
        assert emulator.calls == []


def _keyless(stage: suite.Stage, emulator: Google, config: Mapping[str, Any], **identity: str) -> Any:
    """Exchanges a ServiceAccount's token."""
    public = RSAAlgorithm.to_jwk(signing.key("RS256", 0).public_key(), as_dict=True)
    jwks = {"keys": [{**public, "kid": "a", "alg": "RS256", "use": "sig"}]}
    emulator.trust_issuer(ISSUER, jwks, provider=PROVIDER)
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": [f"https:{PROVIDER}"], "iat": now, "exp": now + 600}
    token = jwt.encode(claims, signing.key("RS256", 0), algorithm="RS256", headers={"kid": "a"})
    return stage.exchange({"provider": PROVIDER, **identity}, token, config=config)


def _projects(
    stage: suite.Stage, issued: issue.Issued, *, field: str = "accessToken", sees: str | None = None
) -> int:
    """Asks with a token for the projects that it sees."""
    headers = {"Authorization": f"Bearer {issuance.text(issued, field)}"}
    with stage.session() as session:
        url = f"{stage.emulator.url}/v3/projects:search"
        answer: network.Response = session.request("GET", url, headers=headers, timeout=5)
    assert sees is None or sees in answer.body.decode()
    return answer.status

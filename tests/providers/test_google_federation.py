"""ServiceAccounts without a stored key, before Google's workload identity federation that verifies their tokens."""

from __future__ import annotations

import dataclasses
import datetime
import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pydantic
import pytest
from jwt.algorithms import RSAAlgorithm

from credential_operator import errors
from credential_operator.providers import contract, google, network
from emulators.google import Google
from providers import signing, suite

ISSUER = "https://kubernetes.example.com"
SUBJECT = "system:serviceaccount:backups:backup"
POOL = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/clusters"
PROVIDER = f"{POOL}/providers/production"
PRINCIPAL = f"principal:{POOL}/subject/{SUBJECT}"
PROJECT = "example-project"
EMAIL = "backup@example-project.iam.gserviceaccount.com"
EXCHANGED = "/v1/token"
IMPERSONATED = f"/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
LIST = "storage.buckets.list"
SEES = "resourcemanager.projects.get"


def jwks(number: int = 0) -> dict[str, Any]:
    public = signing.key("RS256", number).public_key()
    return {"keys": [{**RSAAlgorithm.to_jwk(public, as_dict=True), "kid": "a", "alg": "RS256", "use": "sig"}]}


def token(number: int = 0, **changes: Any) -> str:
    """Gives what the API server would: a token of the ServiceAccount for its provider."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": [f"https:{PROVIDER}"],
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        **changes,
    }
    return jwt.encode(claims, signing.key("RS256", number), algorithm="RS256", headers={"kid": "a"})


@dataclasses.dataclass
class Scene:
    """A ServiceAccount before Google."""

    emulator: Google
    config: dict[str, Any] = dataclasses.field(default_factory=dict)
    identity: dict[str, Any] = dataclasses.field(default_factory=dict)
    token: str = dataclasses.field(default_factory=token, repr=False)

    @property
    def read(self) -> google.Config:
        return google.Config.model_validate({"apiEndpoint": self.emulator.url, **self.config})

    @property
    def known(self) -> google.WorkloadIdentity:
        written = {"serviceAccountName": "backup", "provider": PROVIDER, **self.identity}
        return google.WorkloadIdentity.model_validate(written)

    def ask(
        self,
        ability: str,
        *arguments: Any,
        timeout: float = suite.TIMEOUT,
        within: network.Session | None = None,
    ) -> Any:
        """Does what the operator does: exchange the token, and ask with what it was exchanged for."""
        own = within or suite.session(self.emulator)
        try:
            context = contract.Context(
                session=own,
                timeout=timeout,
                now=lambda: datetime.datetime.now(datetime.UTC),
                external_id=suite.EXTERNAL_ID,
            )
            held = google.PROVIDER.exchange(self.read, self.known, self.token, context)
            assert self.token not in repr(held)
            assert held.token not in repr(held)
            return getattr(google.PROVIDER, ability)(self.read, held, *arguments, context)
        finally:
            own.close()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Google]:
    with Google() as running:
        yield running


@pytest.fixture
def scene(emulator: Google) -> Scene:
    emulator.reset()
    emulator.create_account(EMAIL, project=PROJECT)
    emulator.trust_issuer(ISSUER, jwks(), provider=PROVIDER)
    return Scene(emulator)


@pytest.fixture
def impersonating(scene: Scene) -> Scene:
    scene.emulator.let_impersonate(EMAIL, PRINCIPAL)
    scene.identity = {"impersonate": EMAIL}
    return scene


@pytest.fixture
def refused(scene: Scene, caplog: pytest.LogCaptureFixture) -> Callable[..., Any]:
    """Runs an exchange that must fail, and looks for tokens and bodies in all that it leaves behind."""
    caplog.set_level(logging.DEBUG)

    def ask(kind: type[errors.CredentialError], **options: Any) -> Any:
        with pytest.raises(errors.CredentialError) as raised:
            scene.ask("validate", **options)
        left_behind = suite.everything(raised.value) + caplog.text
        assert not [part for part in scene.token.split(".") if part in left_behind]
        assert suite.BODY not in left_behind
        assert "ya29." not in left_behind
        assert type(raised.value) is kind, raised.value
        assert raised.value.__context__ is None
        return raised.value

    return ask


def test_a_trusted_service_account_is_itself(scene: Scene) -> None:
    scene.emulator.reset_calls()
    validation = scene.ask("validate")
    assert validation == contract.Validation(identity=contract.Identity(principal=PRINCIPAL))
    assert [(call.path, call.status) for call in scene.emulator.calls] == [(EXCHANGED, 200)]


def test_a_service_account_becomes_the_one_that_it_impersonates(impersonating: Scene) -> None:
    impersonating.emulator.reset_calls()
    identity = contract.Identity(principal=EMAIL, account=PROJECT)
    assert impersonating.ask("validate") == contract.Validation(identity=identity)
    calls = [(call.path, call.status) for call in impersonating.emulator.calls]
    assert calls == [(EXCHANGED, 200), (IMPERSONATED, 200)]


def test_permissions_are_those_of_the_service_account_itself(scene: Scene) -> None:
    scene.config = {"projectID": PROJECT}
    assert scene.ask("grants", (LIST,)) == contract.Grants(missing=(LIST,))
    scene.emulator.grant(PROJECT, PRINCIPAL, LIST)
    assert scene.ask("grants", (LIST,)) == contract.Grants()


def test_permissions_are_those_of_the_impersonated_account(impersonating: Scene) -> None:
    impersonating.emulator.grant(PROJECT, PRINCIPAL, LIST)
    assert impersonating.ask("grants", (LIST,)) == contract.Grants(missing=(LIST,))
    impersonating.emulator.grant(PROJECT, f"serviceAccount:{EMAIL}", LIST)
    assert impersonating.ask("grants", (LIST,)) == contract.Grants()


def test_permissions_need_a_project(scene: Scene) -> None:
    with pytest.raises(errors.Misconfigured, match="set projectID"):
        scene.ask("grants", (LIST,))


def test_reach_is_what_the_service_account_sees(scene: Scene) -> None:
    scene.emulator.grant(PROJECT, PRINCIPAL, SEES)
    assert scene.ask("reach").places == (contract.Place(id=PROJECT, name=PROJECT),)


def test_a_service_account_has_no_key_with_a_history(scene: Scene) -> None:
    assert scene.ask("history") is None


def test_the_token_is_made_for_the_provider_unless_it_takes_others(scene: Scene) -> None:
    audience = google.PROVIDER.audience
    assert audience(scene.read, scene.known) == f"https:{PROVIDER}"
    scene.identity = {"audience": "backups"}
    assert audience(scene.read, scene.known) == "backups"
    scene.emulator.trust_issuer(ISSUER, jwks(), provider=PROVIDER, audiences=["backups"])
    scene.token = token(aud=["backups"])
    scene.ask("validate")


def test_what_google_will_not_take_is_named(scene: Scene, refused: Callable[..., Any]) -> None:
    wrong: tuple[tuple[type[errors.CredentialError], str, str], ...] = (
        (errors.Misconfigured, token(aud=["backups"]), "audience"),
        (errors.Misconfigured, token(iss="https://other.example.com"), "issuer"),
        (errors.Rejected, token(1), "signing keys"),
        (errors.Rejected, f"{token().rpartition('.')[0]}.AAAA", "signing keys"),
        (errors.ClockSkew, token(iat=int(time.time()) - 9000, exp=int(time.time()) - 8000), "clock"),
        (errors.InvalidKeyMaterial, token(sub=""), "no subject"),
        (errors.InvalidKeyMaterial, "canary", "no subject"),
    )
    for kind, text, says in wrong:
        scene.token = text
        assert says in refused(kind).message


def test_an_attribute_condition_keeps_others_out(scene: Scene, refused: Callable[..., Any]) -> None:
    scene.emulator.trust_issuer(ISSUER, jwks(), provider=PROVIDER, subjects=[f"{SUBJECT}-2"])
    error = refused(errors.PermissionDenied)
    assert "attribute condition" in error.message
    assert "ServiceAccount backup" in error.message


def test_a_provider_that_does_not_exist_is_misconfigured(scene: Scene, refused: Callable[..., Any]) -> None:
    scene.identity = {"provider": f"{POOL}/providers/staging"}
    assert "workloadIdentity.provider" in refused(errors.Misconfigured).message


def test_scopes_that_do_not_exist_are_misconfigured(scene: Scene, refused: Callable[..., Any]) -> None:
    scene.config = {"scopes": ["email"]}
    assert "scopes" in refused(errors.Misconfigured).message


def test_scopes_of_an_account_that_do_not_exist_are_misconfigured(
    impersonating: Scene, refused: Callable[..., Any]
) -> None:
    impersonating.config = {"scopes": ["email"]}
    assert "scopes" in refused(errors.Misconfigured).message


def test_an_account_that_may_not_be_impersonated_is_told_with_the_role(
    scene: Scene, refused: Callable[..., Any]
) -> None:
    scene.identity = {"impersonate": EMAIL}
    message = refused(errors.PermissionDenied).message
    assert "roles/iam.workloadIdentityUser" in message
    assert PRINCIPAL in message
    assert EMAIL in message


def test_an_api_that_is_switched_off_is_named(impersonating: Scene, refused: Callable[..., Any]) -> None:
    impersonating.emulator.create_project("123456789012")
    impersonating.emulator.switch_api("123456789012", "iamcredentials.googleapis.com", on=False)
    message = refused(errors.PermissionDenied).message
    assert "gcloud services enable iamcredentials.googleapis.com" in message


def test_an_account_of_another_project_is_refused_without_a_call(
    impersonating: Scene, refused: Callable[..., Any]
) -> None:
    impersonating.emulator.reset_calls()
    impersonating.config = {"projectID": "other-project"}
    assert "other-project" in refused(errors.Misconfigured).message
    assert impersonating.emulator.calls == []


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", errors.Misconfigured),
        (400, "invalid_grant", errors.Rejected),
        (403, "access_denied", errors.PermissionDenied),
        (429, "", errors.RateLimited),
        (400, "something_new", errors.ProviderUnreachable),
        (503, "invalid_grant", errors.ProviderUnreachable),
        (200, "invalid_grant", errors.ProviderUnreachable),
    ],
)
def test_codes_decide_of_the_exchange(
    scene: Scene, refused: Callable[..., Any], status: int, code: str, kind: type[errors.CredentialError]
) -> None:
    scene.emulator.faults.error(status=status, code=code, message=suite.BODY, action=EXCHANGED)
    refused(kind)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Error connecting to the given credential's issuer.", errors.Misconfigured),
        ("The mapped attribute 'google.subject' must be of type STRING.", errors.Misconfigured),
        ("ID Token issued at 1 is stale to sign-in.", errors.ClockSkew),
    ],
)
def test_googles_words_tell_grants_apart(
    scene: Scene, refused: Callable[..., Any], words: str, kind: type[errors.CredentialError]
) -> None:
    scene.emulator.faults.error(status=400, code="invalid_grant", message=f"{words} {suite.BODY}")
    refused(kind)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "UNAUTHENTICATED", errors.Misconfigured),
        (403, "PERMISSION_DENIED", errors.PermissionDenied),
        (404, "NOT_FOUND", errors.Misconfigured),
        (429, "", errors.RateLimited),
        (403, "SOMETHING_NEW", errors.ProviderUnreachable),
        (500, "INTERNAL", errors.ProviderUnreachable),
    ],
)
def test_codes_decide_of_the_impersonation(
    impersonating: Scene,
    refused: Callable[..., Any],
    status: int,
    code: str,
    kind: type[errors.CredentialError],
) -> None:
    impersonating.emulator.faults.error(status=status, code=code, message=suite.BODY, action=IMPERSONATED)
    refused(kind)


@pytest.mark.parametrize("path", [EXCHANGED, IMPERSONATED])
@pytest.mark.parametrize("status", [200, 302, 403])
@pytest.mark.parametrize(
    "answer",
    [
        "",
        f"<p>{suite.BODY}</p>",
        {},
        [suite.BODY],
        {"access_token": suite.BODY, "accessToken": suite.BODY},
        {"access_token": suite.BODY, "expires_in": "canary"},
        {"access_token": suite.BODY, "expires_in": 10**30},
        {"accessToken": suite.BODY, "expireTime": "canary"},
        {"access_token": 1, "accessToken": 1},
    ],
)
def test_a_lying_google_proves_nothing(
    impersonating: Scene, refused: Callable[..., Any], path: str, status: int, answer: Any
) -> None:
    body = answer if isinstance(answer, str) else json.dumps(answer)
    headers = {"Location": impersonating.emulator.url}
    impersonating.emulator.faults.answer(body, status=status, action=path, headers=headers)
    refused(errors.ProviderUnreachable)


@pytest.mark.parametrize("path", [EXCHANGED, IMPERSONATED])
def test_both_calls_share_one_deadline(impersonating: Scene, refused: Callable[..., Any], path: str) -> None:
    impersonating.emulator.faults.delay(30, action=path)
    began = time.monotonic()
    assert "in time" in refused(errors.ProviderUnreachable, timeout=0.7).message
    assert time.monotonic() - began < 15


def test_another_clock_is_not_a_wrong_token(scene: Scene, refused: Callable[..., Any]) -> None:
    scene.emulator.faults.skew(4000)
    refused(errors.ClockSkew)


def test_a_google_that_is_down_is_unreachable(scene: Scene, refused: Callable[..., Any]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    scene.config = {"apiEndpoint": f"https://127.0.0.1:{port}"}
    refused(errors.ProviderUnreachable, within=network.Session(network.Policy(allow=[f"127.0.0.1:{port}"])))


def test_nothing_of_the_environment_reaches_an_exchange(
    impersonating: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "GCE_METADATA_HOST", "GOOGLE_CLOUD_UNIVERSE_DOMAIN"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path))
    impersonating.ask("validate")


@pytest.mark.parametrize(
    "identity",
    [
        {},
        {"provider": PROVIDER.removeprefix("//iam.googleapis.com/")},
        {"provider": PROVIDER.replace("123456789012", PROJECT)},
        {"provider": POOL},
        {"provider": PROVIDER, "impersonate": "backup@example.com"},
        {"provider": PROVIDER, "impersonate": "backup@iam.gserviceaccount.com/keys"},
    ],
)
def test_an_identity_that_cannot_be_right_is_refused(identity: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        google.WorkloadIdentity.model_validate({"serviceAccountName": "backup", **identity})


def test_the_example_is_an_identity() -> None:
    google.WorkloadIdentity.model_validate(
        {"serviceAccountName": "backup", **google.WorkloadIdentity.example}
    )


def test_an_exchange_needs_none_of_the_libraries_own_ways_out() -> None:
    code = (
        "import sys; from credential_operator.providers import _google_federation as f;"
        "f._library(); print([m for m in sys.modules if m.partition('.')[0] in ('requests', 'aiohttp')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

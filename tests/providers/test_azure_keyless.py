"""Azure without a stored key: a stand-in verifies the ServiceAccount's token with its issuer's keys."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import algorithms

from credential_operator import breaker, checks, errors
from credential_operator.providers import azure, contract
from emulators.azure import AzureEmulator
from providers import entra, suite
from providers.entra import CLIENT, OF_ANOTHER, OURS, SUBSCRIPTION, TENANT, Asking

ISSUER = "https://oidc.example.com/cluster-7"
SUBJECT = "system:serviceaccount:billing:backup"
AUDIENCE = "api://AzureADTokenExchange"
IDENTITY = contract.WorkloadIdentity.model_validate({"serviceAccountName": "backup"})
READ = "Microsoft.Compute/virtualMachines/read"


def jwks(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """Gives what an issuer publishes."""
    public = json.loads(algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {"keys": [{**public, "kid": "first", "use": "sig", "alg": "RS256"}]}


def token(key: rsa.RSAPrivateKey = OURS, **changes: Any) -> str:
    """Gives what the API server makes for a ServiceAccount, changed."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": [AUDIENCE],
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        "kubernetes.io": {"namespace": "billing", "serviceaccount": {"name": "backup"}},
    }
    return jwt.encode({**claims, **changes}, key, algorithm="RS256", headers={"kid": "first"})


@pytest.fixture(scope="module")
def emulator() -> Iterator[AzureEmulator]:
    yield from entra.served()


@pytest.fixture
def stage(emulator: AzureEmulator) -> suite.Stage:
    stage = entra.staged(emulator)
    emulator.trust_issuer(ISSUER, jwks(OURS))
    emulator.add_federated_credential(CLIENT, ISSUER, SUBJECT)
    return stage


@pytest.fixture
def ask(stage: suite.Stage, caplog: pytest.LogCaptureFixture) -> Asking:
    return Asking(stage, caplog)


def exchanged(ask: Asking, text: str, identity: contract.WorkloadIdentity = IDENTITY) -> Any:
    return ask("exchange", identity, text)


def refused(ask: Asking, kind: type[errors.CredentialError], text: str) -> Any:
    """Signs in with a token, which must fail, and looks for the token in what that leaves behind."""
    error = ask.refused(kind, "validate", keys=exchanged(ask, text))
    left_behind = suite.everything(error) + ask.caplog.text
    assert not [part for part in text.split(".") if part in left_behind]
    return error


def test_a_token_stands_in_for_a_key(stage: suite.Stage, ask: Asking) -> None:
    keys = exchanged(ask, token())
    validation = ask("validate", keys=keys)
    assert validation.identity == contract.Identity(principal=CLIENT, account=TENANT)
    assert (validation.key_id, validation.expires_at, validation.unasked) == (None, None, "")
    assert ask("grants", (READ,), keys=keys) == contract.Grants()
    assert [place.id for place in ask("reach", keys=keys).places] == [SUBSCRIPTION]
    stage.emulator.set_graph_roles(CLIENT, "Application.Read.All")
    assert ask("history", keys=keys, resource="graph") is None


async def test_one_check_tells_everything(stage: suite.Stage) -> None:
    with stage.session() as session:
        checker = checks.Checker(session, breaker.Breakers(clock=time.monotonic, jitter=float), threads=1)
        validation = await checker.check(
            azure.PROVIDER,
            azure.Config.model_validate(stage.config),
            contract.Token(identity=IDENTITY, text=token()),
            timeout=suite.TIMEOUT,
            external_id=suite.EXTERNAL_ID,
            asked=checks.Asked(permissions=(READ,), reach=True, history=True),
        )
        checker.close()
    assert validation.grants == contract.Grants()
    assert validation.reach
    assert validation.reach.count == 1
    assert validation.history is None
    assert validation.warnings == ()


def test_nothing_is_asked_until_something_is_needed(stage: suite.Stage, ask: Asking) -> None:
    exchanged(ask, token())
    assert stage.emulator.calls == []


def test_a_config_that_cannot_be_is_named_before_the_token_is_sent(stage: suite.Stage, ask: Asking) -> None:
    error = ask.refused(errors.Misconfigured, "exchange", IDENTITY, token(), authority="https://127.1")
    assert "notation" in error.message
    assert stage.emulator.calls == []


@pytest.mark.parametrize(
    ("config", "audience"),
    [
        ({}, AUDIENCE),
        ({"cloud": "AzureUSGovernment"}, f"{AUDIENCE}USGov"),
        ({"cloud": "AzureChina"}, f"{AUDIENCE}China"),
    ],
)
def test_the_cloud_says_whom_tokens_are_for_unless_the_identity_does(
    config: Mapping[str, str], audience: str
) -> None:
    read = azure.Config.model_validate({**entra.PLAIN, **config})
    assert azure.PROVIDER.audience(read, IDENTITY) == audience
    other = IDENTITY.model_copy(update={"audience": "api://ours"})
    assert azure.PROVIDER.audience(read, other) == "api://ours"


def test_another_audience_that_both_sides_know_is_accepted(stage: suite.Stage, ask: Asking) -> None:
    stage.emulator.add_federated_credential(CLIENT, ISSUER, SUBJECT, audience="api://ours")
    identity = IDENTITY.model_copy(update={"audience": "api://ours"})
    ask("validate", keys=exchanged(ask, token(aud=["api://ours"]), identity))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": f"{ISSUER}/"}, "AADSTS700211"),
        ({"sub": "system:serviceaccount:billing:other"}, "AADSTS700213"),
        ({"sub": SUBJECT.upper()}, "AADSTS700213"),
        ({"aud": ["api://another"]}, "AADSTS700212"),
    ],
)
def test_where_no_federated_credential_is_for_the_token_it_is_said_which_to_add(
    ask: Asking, changes: Mapping[str, Any], code: str
) -> None:
    error = refused(ask, errors.Misconfigured, token(**changes))
    said = {"iss": ISSUER, "sub": SUBJECT, **changes}
    for words in (code, f"issuer {said['iss']},", f"subject {said['sub']} ", f"audience {AUDIENCE} "):
        assert words in error.message


def test_an_application_without_federated_credentials_is_told_which_to_add(
    stage: suite.Stage, ask: Asking
) -> None:
    stage.emulator.add_application(TENANT, CLIENT)
    error = refused(ask, errors.Misconfigured, token())
    for words in ("AADSTS70021)", ISSUER, SUBJECT, AUDIENCE):
        assert words in error.message


def test_a_token_of_another_clusters_key_is_not_accepted(ask: Asking) -> None:
    error = refused(ask, errors.Misconfigured, token(OF_ANOTHER))
    assert "AADSTS50013" in error.message
    assert ISSUER in error.message


def test_an_issuer_that_the_authority_cannot_read_is_named(stage: suite.Stage, ask: Asking) -> None:
    stage.emulator.add_federated_credential(CLIENT, "https://hidden.example.com", SUBJECT)
    error = refused(ask, errors.ProviderUnreachable, token(iss="https://hidden.example.com"))
    assert "hidden.example.com must be reachable" in error.message


@pytest.mark.parametrize("seconds", [-4000, 4000])
def test_a_clock_that_differs_is_not_a_wrong_key(stage: suite.Stage, ask: Asking, seconds: int) -> None:
    stage.emulator.faults.skew(seconds)
    refused(ask, errors.ClockSkew, token())


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("70021", errors.Misconfigured),
        ("700211", errors.Misconfigured),
        ("700212", errors.Misconfigured),
        ("7002121", errors.Misconfigured),
        ("700213", errors.Misconfigured),
        ("7002137", errors.Misconfigured),
        ("7002138", errors.Misconfigured),
        ("700222", errors.Misconfigured),
        ("50013", errors.Misconfigured),
        ("700027", errors.Misconfigured),
        ("500133", errors.ClockSkew),
        ("700024", errors.ClockSkew),
        ("50166", errors.ProviderUnreachable),
        ("700016", errors.Rejected),
        ("7000112", errors.KeyDisabled),
        ("90002", errors.Misconfigured),
        ("53003", errors.PermissionDenied),
        ("90033", errors.ProviderUnreachable),
    ],
)
def test_numbers_decide(
    stage: suite.Stage, ask: Asking, number: str, kind: type[errors.CredentialError]
) -> None:
    stage.emulator.faults.error(status=401, code=number, message=suite.BODY)
    error = refused(ask, kind, token())
    assert number in error.message or number == "90033"
    stage.emulator.faults.clear()
    stage.emulator.faults.error(status=503, code=number, message=suite.BODY)
    refused(ask, errors.ProviderUnreachable, token())


@pytest.mark.parametrize("number", ["70021", "50013", "500133", "700222"])
def test_the_numbers_of_tokens_mean_nothing_with_a_stored_key(
    stage: suite.Stage, ask: Asking, number: str
) -> None:
    stage.emulator.faults.error(status=401, code=number, message=suite.BODY)
    ask.refused(errors.ProviderUnreachable, "validate")


@pytest.mark.parametrize("claims", [{"iss": "a\nb", "sub": 7}, {"iss": "i" * 300, "sub": ["a"]}])
def test_what_a_token_says_that_nobody_could_read_is_in_no_message(
    ask: Asking, claims: Mapping[str, Any]
) -> None:
    text = jwt.encode({"aud": AUDIENCE, **claims}, OURS, algorithm="RS256", headers={"kid": "first"})
    keys = exchanged(ask, text)
    assert keys.issuer == "that of this cluster"
    assert keys.subject == "system:serviceaccount:NAMESPACE:NAME"


def test_a_token_is_in_nothing_that_is_printed(ask: Asking) -> None:
    text = token()
    assert text not in repr(exchanged(ask, text))

"""What every way to sign in to Azure keeps, and keys to sign in with."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import oid

from credential_operator import errors
from credential_operator.providers import azure, contract, network
from emulators.azure import AzureEmulator
from providers import suite

TENANT = "8d3e1c9a-0000-4000-8000-000000000001"
CLIENT = "5c6f2b7e-0000-4000-8000-00000000000a"
OTHER = "5c6f2b7e-0000-4000-8000-00000000000b"
SUBSCRIPTION = "1f0a7c55-0000-4000-8000-00000000000c"
SECRET = "canary~8Q.secret+/=&?%_value"
LOOKS_LIKE_AN_ID = "c0ffee00-0000-4000-8000-00000000000d"


PLAIN = {"tenantID": TENANT, "clientID": CLIENT}
YEARS = datetime.timedelta(days=730)
OURS, OF_ANOTHER, SMALL = (rsa.generate_private_key(65537, bits) for bits in (2048, 2048, 1024))


def certified(
    key: rsa.RSAPrivateKey, life: datetime.timedelta, *, shown: rsa.RSAPrivateKey | None = None
) -> str:
    """Makes a certificate, and puts its private key after it, or the one to be shown."""
    name = x509.Name([x509.NameAttribute(oid.NameOID.COMMON_NAME, "billing")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + life)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    written = (shown or key).private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (certificate.public_bytes(pem) + written).decode()


CERTIFICATE = certified(OURS, YEARS)


def served() -> Iterator[AzureEmulator]:
    """Serves an Azure."""
    with AzureEmulator(hosts=["rebind.example.com"]) as emulator:
        yield emulator


def at(config: Mapping[str, Any], url: str) -> Mapping[str, Any]:
    own = {"authority": url, "endpoint": url} if "endpoint" in config else {"authority": url}
    return {**config, **own}


def without(stage: suite.Stage, *names: str) -> dict[str, Any]:
    """Gives a stage's config without some fields."""
    return {name: value for name, value in stage.config.items() if name not in names}


def staged(emulator: AzureEmulator) -> suite.Stage:
    """Gives an application with a secret and one subscription."""
    emulator.reset()
    for client in (CLIENT, OTHER):
        emulator.add_application(TENANT, client)
    emulator.add_secret(CLIENT, SECRET)
    emulator.add_subscription(SUBSCRIPTION, TENANT, readers=[CLIENT])
    return suite.Stage(
        provider=azure.PROVIDER,
        emulator=emulator,
        config={
            "tenantID": TENANT,
            "clientID": CLIENT,
            "subscriptionID": SUBSCRIPTION,
            "authority": emulator.url,
            "endpoint": emulator.url,
        },
        good={"clientSecret": SECRET},
        wrong={
            "secret": {"clientSecret": "canary-wrong"},
            "the secret's ID": {"clientSecret": LOOKS_LIKE_AN_ID},
        },
        principal=CLIENT,
        expect={"identity": contract.Identity(principal=CLIENT, account=TENANT), "warnings": ()},
        secret_fields=("clientSecret", "clientCertificate"),
        at=at,
    )


@dataclasses.dataclass
class Asking:
    """Asks a type for more, as the operator does: load, inspect, ask."""

    stage: suite.Stage
    caplog: pytest.LogCaptureFixture

    def __call__(
        self,
        ability: str,
        *arguments: Any,
        fields: Mapping[str, str] | None = None,
        keys: Any = None,
        within: network.Session | None = None,
        timeout: float = suite.TIMEOUT,
        **change: Any,
    ) -> Any:
        read = azure.Config.model_validate({**self.stage.config, **change})
        own = within or self.stage.session()
        context = contract.Context(
            session=own,
            timeout=timeout,
            now=lambda: datetime.datetime.now(datetime.UTC),
            external_id=suite.EXTERNAL_ID,
        )
        if keys is None and ability != "exchange":
            shown = self.stage.good if fields is None else fields
            keys = contract.load(azure.PROVIDER, {name: text.encode() for name, text in shown.items()}, {})
            azure.PROVIDER.inspect(read, keys)
        try:
            own_keys = () if keys is None else (keys,)
            return getattr(azure.PROVIDER, ability)(read, *own_keys, *arguments, context)
        finally:
            if within is None:
                own.close()

    def refused(self, kind: type[errors.CredentialError], ability: str, *arguments: Any, **rest: Any) -> Any:
        """Asks for what must fail, and looks for key material in all that it leaves behind."""
        self.caplog.set_level("DEBUG")
        with pytest.raises(errors.CredentialError) as raised:
            self(ability, *arguments, **rest)
        left_behind = suite.everything(raised.value) + self.caplog.text
        for canary in (SECRET, suite.BODY, "eyJ", "Bearer"):
            assert canary not in left_behind
        assert type(raised.value) is kind, raised.value
        assert raised.value.__context__ is None
        return raised.value


def actions(stage: suite.Stage) -> list[str]:
    """Names what was asked of the emulator."""
    return [call.action for call in stage.emulator.calls]


class Signing(suite.Reading):
    """What is kept whatever the application signs in for."""

    def test_a_missing_field_is_named_with_the_keys_to_write_it_under(self, stage: suite.Stage) -> None:
        for fields in ({}, {"clientSecret": SECRET, "clientCertificate": "canary"}):
            with pytest.raises(errors.InvalidKeyMaterial) as raised:
                stage.check(fields)
            for word in ("clientSecret", *azure.PROVIDER.variables["clientSecret"], "clientCertificate"):
                assert word in raised.value.message

    @pytest.mark.parametrize("seconds", [-4000, 4000])
    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, stage: suite.Stage, refused: Callable[..., Any], seconds: int
    ) -> None:
        # A secret is not signed with: no clock of ours is looked at.
        stage.emulator.faults.skew(seconds)
        assert stage.check().identity
        stage.emulator.faults.clear()

    @pytest.mark.parametrize(
        ("number", "kind"),
        [
            ("7000215", errors.Rejected),
            ("7000229", errors.Rejected),
            ("700016", errors.Rejected),
            ("700027", errors.Rejected),
            ("700024", errors.ClockSkew),
            ("7000222", errors.Expired),
            ("7000112", errors.KeyDisabled),
            ("53000", errors.PermissionDenied),
            ("53003", errors.PermissionDenied),
            ("530035", errors.ProviderUnreachable),
            ("90002", errors.Misconfigured),
            ("900023", errors.Misconfigured),
            ("500011", errors.Misconfigured),
            ("70011", errors.Misconfigured),
            ("50196", errors.RateLimited),
            ("90033", errors.ProviderUnreachable),
            ("7000218", errors.ProviderUnreachable),
        ],
    )
    def test_numbers_decide_and_unknown_ones_prove_nothing(
        self,
        stage: suite.Stage,
        refused: Callable[..., Any],
        number: str,
        kind: type[errors.CredentialError],
    ) -> None:
        for status in (400, 401, 403):
            stage.emulator.faults.error(
                status=status, code=number, message=suite.BODY, headers={"Retry-After": "6"}
            )
            error = refused(kind)
            if kind in (errors.RateLimited, errors.ProviderUnreachable):
                assert error.retry_after == 6
            else:
                assert number in error.message
            stage.emulator.faults.clear()
        for status in (200, 500, 503):
            stage.emulator.faults.error(status=status, code=number, message=suite.BODY)
            refused(errors.ProviderUnreachable)
            stage.emulator.faults.clear()

    @pytest.mark.parametrize(
        ("word", "kind"),
        [
            ("invalid_client", errors.Rejected),
            ("unauthorized_client", errors.PermissionDenied),
            ("invalid_scope", errors.Misconfigured),
            ("invalid_request", errors.ProviderUnreachable),
            ("temporarily_unavailable", errors.ProviderUnreachable),
        ],
    )
    def test_words_decide_where_there_are_no_numbers(
        self, stage: suite.Stage, refused: Callable[..., Any], word: str, kind: type[errors.CredentialError]
    ) -> None:
        stage.emulator.faults.error(status=400, code=word, message=suite.BODY)
        refused(kind)

    @pytest.mark.parametrize(
        "body",
        [
            '{"error": ["invalid_client"], "error_codes": "7000215"}',
            '{"error": "invalid_client", "error_codes": [7000215]',
            '{"error": "invalid_client", "error_codes": [1e999, null, {}, "7000215", 1]}',
            '[{"error": "invalid_client"}]',
            "[" * 60_000,
        ],
    )
    def test_other_json_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], body: str
    ) -> None:
        stage.emulator.faults.answer(body, status=401)
        refused(errors.ProviderUnreachable)

    @pytest.mark.parametrize(
        "body",
        [
            '{"access_token": "abc"}',
            '{"token_type": "Bearer", "access_token": ""}',
            '{"token_type": "Bearer", "access_token": 7}',
            '{"token_type": "Bearer", "access_token": "a\\r\\nb"}',
            '{"token_type": "mac", "access_token": "abc"}',
        ],
    )
    def test_a_token_that_is_none_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], body: str
    ) -> None:
        stage.emulator.faults.answer(body)
        refused(errors.ProviderUnreachable)

    def test_a_secret_whose_life_is_over_has_expired(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.add_secret(CLIENT, "canary-old", seconds=-1)
        refused(errors.Expired, {"clientSecret": "canary-old"})

    def test_both_of_two_secrets_are_accepted(self, stage: suite.Stage) -> None:
        stage.emulator.add_secret(CLIENT, "canary-second")
        stage.check()
        stage.check({"clientSecret": "canary-second"})

    def test_a_disabled_application_is_told_from_a_wrong_secret(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.set_application(CLIENT, disabled=True)
        refused(errors.KeyDisabled)

    def test_conditional_access_is_told_from_a_wrong_secret(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.set_application(CLIENT, blocked=True)
        refused(errors.PermissionDenied)

    def test_an_application_of_another_tenant_is_rejected(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stranger = "5c6f2b7e-0000-4000-8000-00000000000f"
        refused(errors.Rejected, config={**stage.config, "clientID": stranger})

    def test_a_tenant_that_does_not_exist_is_misconfigured(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        elsewhere = {**stage.config, "tenantID": "nobody.example.com"}
        assert "tenantID" in refused(errors.Misconfigured, config=elsewhere).message

    def test_the_pasted_id_of_a_secret_is_named_and_not_repeated(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        error = refused(errors.Rejected, {"clientSecret": LOOKS_LIKE_AN_ID})
        assert "Value" in error.message
        assert "Value" not in refused(errors.Rejected, {"clientSecret": "canary-wrong"}).message

    def test_a_domain_names_the_tenant_too(self, stage: suite.Stage) -> None:
        stage.check(config={**stage.config, "tenantID": "contoso.onmicrosoft.com"})

    def test_its_own_authority_is_trusted(self, stage: suite.Stage) -> None:
        stage.check(config={**stage.config, "caBundle": stage.emulator.ca_pem.decode()})

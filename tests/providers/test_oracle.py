"""Oracle's API signing keys, before an identity service that verifies what they sign."""

from __future__ import annotations

import base64
import datetime
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pydantic
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from credential_operator import errors
from credential_operator.providers import _oci, contract, oracle
from emulators.oracle import Oracle
from providers import probing, suite

TENANCY = f"ocid1.tenancy.oc1..{'a' * 60}"
USER = f"ocid1.user.oc1..{'b' * 60}"
OTHER_USER = f"ocid1.user.oc1..{'c' * 60}"
PASSPHRASE = "canary-passphrase"


def generated(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem(key: rsa.RSAPrivateKey, *, passphrase: str = "", traditional: bool = False) -> str:
    form = serialization.PrivateFormat
    return key.private_bytes(
        serialization.Encoding.PEM,
        form.TraditionalOpenSSL if traditional else form.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption(),
    ).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return generated()


@pytest.fixture(scope="module")
def other() -> rsa.RSAPrivateKey:
    return generated()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Oracle]:
    with Oracle(hosts=["rebind.example.com"]) as running:
        yield running


@pytest.fixture
def stage(emulator: Oracle, key: rsa.RSAPrivateKey) -> suite.Stage:
    emulator.faults.clear()
    emulator.set_open(opened=False)
    emulator.create_user(TENANCY, OTHER_USER)
    emulator.create_user(TENANCY, USER)
    fingerprint = emulator.upload_key(USER, public_pem(key))
    return suite.Stage(
        provider=oracle.PROVIDER,
        emulator=emulator,
        config={
            "tenancyOCID": TENANCY,
            "userOCID": USER,
            "fingerprint": fingerprint,
            "region": "eu-frankfurt-1",
            "endpoint": emulator.url,
        },
        good={"privateKey": pem(key)},
        wrong={},
        principal=USER,
        expect={
            "identity": contract.Identity(principal=USER, account=TENANCY),
            "key_id": fingerprint,
            "expires_at": None,
            "warnings": (),
        },
        secret_fields=("privateKey", "passphrase"),
    )


class TestOracle(suite.Coded):
    decide = (
        (401, "NotAuthenticated", errors.Rejected),
        (402, "SignUpRequired", errors.PermissionDenied),
        (403, "NotAllowed", errors.PermissionDenied),
    )
    prove_nothing = (
        (400, "InvalidParameter"),
        (404, "NotFound"),
        (401, "SomethingNew"),
        (200, "NotAuthenticated"),
        (503, "NotAuthenticated"),
        (401, "NotAuthorizedOrNotFound"),
    )

    @pytest.fixture
    def stage(self, stage: suite.Stage) -> suite.Stage:
        return stage

    def test_a_wrong_key_is_rejected(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        unknown = generated()
        wrong = _with(stage, fingerprint=_oci.fingerprint(unknown))
        refused(errors.Rejected, {"privateKey": pem(unknown)}, config=wrong)
        refused(errors.Rejected, config=_with(stage, userOCID=OTHER_USER))
        refused(errors.Rejected, config=_with(stage, tenancyOCID=f"ocid1.tenancy.oc1..{'d' * 60}"))

    def test_a_deleted_key_is_rejected(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        stage.emulator.delete_key(USER, stage.config["fingerprint"])
        refused(errors.Rejected)

    def test_another_key_than_the_fingerprints_is_named_without_a_call(
        self, stage: suite.Stage, other: rsa.RSAPrivateKey, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.reset_calls()
        error = refused(errors.InvalidKeyMaterial, {"privateKey": pem(other)})
        assert stage.config["fingerprint"] in error.message
        assert _oci.fingerprint(other) in error.message
        assert stage.emulator.calls == []

    @pytest.mark.parametrize("traditional", [False, True])
    def test_an_encrypted_key_needs_its_passphrase(
        self, stage: suite.Stage, key: rsa.RSAPrivateKey, refused: Callable[..., Any], *, traditional: bool
    ) -> None:
        good = {
            "privateKey": pem(key, passphrase=PASSPHRASE, traditional=traditional),
            "passphrase": PASSPHRASE,
        }
        assert stage.check(good).key_id == stage.config["fingerprint"]
        stage.good = good
        self.test_fields_are_pure_and_listed(stage)
        wrong = refused(errors.InvalidKeyMaterial, {**good, "passphrase": "canary-other"})
        assert "cannot be decrypted" in wrong.message
        absent = refused(errors.InvalidKeyMaterial, {"privateKey": good["privateKey"]})
        assert "is encrypted" in absent.message
        needless = refused(errors.InvalidKeyMaterial, {**good, "privateKey": pem(key)})
        assert "is not encrypted" in needless.message

    def test_the_consoles_last_line_does_no_harm(self, stage: suite.Stage) -> None:
        stage.check({"privateKey": f"{stage.good['privateKey']}OCI_API_KEY\n"})

    def test_a_user_without_a_policy_has_proved_the_key(self, stage: suite.Stage) -> None:
        stage.emulator.set_allowed(USER, allowed=False)
        stage.emulator.reset_calls()
        validation = stage.check()
        assert (validation.identity and validation.identity.principal) == USER
        assert [(call.status, call.code) for call in stage.emulator.calls] == [
            (404, "NotAuthorizedOrNotFound"),
            (401, "NotAuthenticated"),
        ]

    def test_who_looks_at_no_signature_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.set_open(opened=True)
        assert "endpoint" in refused(errors.Misconfigured).message

    def test_trouble_while_the_signature_is_looked_at_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        unseen = {"status": 404, "code": "NotAuthorizedOrNotFound", "count": 1}
        for trouble, kind in (
            (lambda faults: faults.cut(), errors.ProviderUnreachable),
            (lambda faults: faults.throttle(), errors.RateLimited),
            (lambda faults: faults.html(), errors.ProviderUnreachable),
            (lambda faults: faults.error(status=404, code=unseen["code"]), errors.Misconfigured),
            (lambda faults: faults.error(status=500), errors.ProviderUnreachable),
        ):
            stage.emulator.faults.clear()
            stage.emulator.faults.error(**unseen)
            trouble(stage.emulator.faults)
            refused(kind)

    @pytest.mark.parametrize("body", ['{"id": "x"}', '{"id": null}', "[]", f'{{"id": "{OTHER_USER}"}}'])
    def test_another_user_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], body: str
    ) -> None:
        stage.emulator.faults.answer(body, content_type="application/json")
        refused(errors.ProviderUnreachable)

    def test_a_check_costs_one_call(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check()
        assert [(call.path, call.status) for call in stage.emulator.calls] == [
            (f"/20160918/users/{USER}", 200)
        ]

    def test_a_known_key_costs_little_cpu(self, stage: suite.Stage) -> None:
        with stage.session() as session:
            stage.check(within=session)
            began = time.thread_time()
            for _ in range(20):
                stage.check(within=session)
            milliseconds = (time.thread_time() - began) / 20 * 1000
        assert milliseconds < 10

    def test_no_line_of_the_key_is_left_behind(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        text = stage.good["privateKey"]
        lines = [line for line in text.splitlines() if not line.startswith("-")]
        assert len(lines) > 20
        stage.emulator.delete_key(USER, stage.config["fingerprint"])
        for kind, fields in (
            (errors.Rejected, stage.good),
            (errors.InvalidKeyMaterial, {"privateKey": text.replace("A", "B")}),
            (errors.InvalidKeyMaterial, {"privateKey": text, "passphrase": PASSPHRASE}),
        ):
            left_behind = suite.everything(refused(kind, fields))
            assert not [line for line in lines if line in left_behind]


def _with(stage: suite.Stage, **changes: str) -> dict[str, Any]:
    return {**stage.config, **changes}


def test_the_signature_is_what_the_documentation_shows(key: rsa.RSAPrivateKey) -> None:
    """The text that is signed, written down by hand from Oracle's page on signing requests."""
    now = datetime.datetime(2014, 1, 5, tzinfo=datetime.UTC)
    url = "https://iaas.us-phoenix-1.oraclecloud.com/20160918/users/x?a=b%3A"
    headers = _oci.signed(url, now, key=key, key_id="t/u/f")
    text = (
        "date: Sun, 05 Jan 2014 00:00:00 GMT\n(request-target): get /20160918/users/x?a=b%3A\n"
        "host: iaas.us-phoenix-1.oraclecloud.com"
    )
    before, _, signature = headers["Authorization"].removesuffix('"').rpartition('signature="')
    assert before == (
        'Signature version="1",keyId="t/u/f",algorithm="rsa-sha256",headers="date (request-target) host",'
    )
    key.public_key().verify(base64.b64decode(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_the_fingerprint_is_what_openssl_says(key: rsa.RSAPrivateKey) -> None:
    """The command is the one of Oracle's documentation."""
    command = "openssl rsa -pubout -outform DER 2>/dev/null | openssl md5 -c"
    ran = subprocess.run(["sh", "-c", command], input=pem(key), capture_output=True, text=True, check=True)
    assert ran.stdout.split()[-1] == _oci.fingerprint(key)


@pytest.mark.parametrize(
    ("realm", "region", "endpoint"),
    [
        ("oc1", "eu-frankfurt-1", "identity.eu-frankfurt-1.oraclecloud.com:443"),
        ("oc2", "us-langley-1", "identity.us-langley-1.oraclegovcloud.com:443"),
        ("oc4", "uk-gov-london-1", "identity.uk-gov-london-1.oraclegovcloud.uk:443"),
        ("oc8", "ap-chiyoda-1", "identity.ap-chiyoda-1.oraclecloud8.com:443"),
        ("oc19", "eu-madrid-2", "identity.eu-madrid-2.oraclecloud.eu:443"),
    ],
)
def test_the_region_and_the_realm_choose_the_endpoint(realm: str, region: str, endpoint: str) -> None:
    config = _config(tenancyOCID=TENANCY.replace("oc1.", f"{realm}."), region=region)
    assert oracle.PROVIDER.endpoint(oracle.Config.model_validate(config)) == endpoint


def _config(**changes: Any) -> dict[str, Any]:
    return {**oracle.PROVIDER.example, "tenancyOCID": TENANCY, "userOCID": USER, **changes}


def test_user_and_tenancy_are_of_one_realm(key: rsa.RSAPrivateKey) -> None:
    config = _config(userOCID=USER.replace("oc1.", "oc2."))
    message = probing.message_of(oracle.PROVIDER, config, privateKey=pem(key))
    assert "oc1" in message
    assert "oc2" in message


@pytest.mark.parametrize(
    "changes",
    [
        {"tenancyOCID": USER},
        {"userOCID": TENANCY},
        {"userOCID": f"{USER}/../x"},
        {"fingerprint": "20:3B"},
        {"fingerprint": "203b9713551c5b0dd337d8504ec53a34"},
        {"region": "Frankfurt"},
        {"region": "fra"},
        {"endpoint": "http://identity.eu-frankfurt-1.oraclecloud.com"},
        {"endpoint": "https://identity.eu-frankfurt-1.oraclecloud.com/20160918"},
    ],
)
def test_a_spec_that_cannot_be_right_is_refused(changes: Mapping[str, str]) -> None:
    with pytest.raises(pydantic.ValidationError):
        oracle.Config.model_validate(_config(**changes))

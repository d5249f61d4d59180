"""What Oracle tells of a key besides whether it works, as an identity service with policies tells it."""

from __future__ import annotations

import dataclasses
import datetime
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from credential_operator import errors
from credential_operator.providers import contract, network, oracle
from emulators.oracle import Oracle
from providers import suite

TENANCY = f"ocid1.tenancy.oc1..{'a' * 60}"
OTHER_TENANCY = f"ocid1.tenancy.oc1..{'d' * 60}"
USER = f"ocid1.user.oc1..{'b' * 60}"
CREATED = "2026-01-02T03:04:05.678Z"
KEYS = f"/20160918/users/{USER}/apiKeys"
COMPARTMENTS = "/20160918/compartments"


@dataclasses.dataclass
class Scene:
    """A user's key before the identity service."""

    emulator: Oracle
    config: oracle.Config
    keys: oracle.Keys
    pem: str = dataclasses.field(repr=False)

    def history(self, **options: Any) -> contract.History:
        with suite.session(self.emulator) as session:
            return oracle.PROVIDER.history(self.config, self.keys, context(session, **options))

    def reach(self, **options: Any) -> contract.Reach:
        with suite.session(self.emulator) as session:
            return oracle.PROVIDER.reach(self.config, self.keys, context(session, **options))


def context(session: Any, *, timeout: float = suite.TIMEOUT) -> contract.Context:
    return contract.Context(
        session=session,
        timeout=timeout,
        now=lambda: datetime.datetime.now(datetime.UTC),
        external_id=suite.EXTERNAL_ID,
    )


@pytest.fixture(scope="module")
def emulator() -> Iterator[Oracle]:
    with Oracle() as running:
        yield running


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def scene(emulator: Oracle, key: rsa.RSAPrivateKey) -> Scene:
    emulator.reset()
    emulator.create_user(TENANCY, USER)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    config = {
        "tenancyOCID": TENANCY,
        "userOCID": USER,
        "fingerprint": emulator.upload_key(USER, public, created=CREATED),
        "region": "eu-frankfurt-1",
        "endpoint": emulator.url,
    }
    keys = contract.load(oracle.PROVIDER, {"privateKey": pem.encode()}, {})
    return Scene(emulator, oracle.Config.model_validate(config), keys, pem)


def compartment(number: int) -> str:
    return f"ocid1.compartment.oc1..{number:060}"


def populate(scene: Scene, count: int) -> None:
    for number in range(count):
        scene.emulator.create_compartment(TENANCY, compartment(number), name=f"c{number}")
    scene.emulator.set_inspects(USER, *(compartment(number) for number in range(count)))


def test_it_can_do_what_types_can_do_besides() -> None:
    for ability in (contract.Historian, contract.Granter, contract.Explorer):
        assert isinstance(oracle.PROVIDER, ability)
    assert not isinstance(oracle.PROVIDER, contract.Keyless)


def test_the_history_is_that_of_the_key_itself(scene: Scene) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    scene.emulator.upload_key(USER, pem.decode(), created="2020-01-01T00:00:00Z")
    assert scene.history() == contract.History(created_at=datetime.datetime.fromisoformat(CREATED))


def test_the_history_of_a_key_that_is_not_listed_is_not_known(scene: Scene) -> None:
    listed = [{"fingerprint": scene.config.fingerprint, "timeCreated": CREATED, "lifecycleState": "DELETED"}]
    for body in ("[]", json.dumps(listed)):
        scene.emulator.faults.clear()
        scene.emulator.faults.answer(body, action=KEYS, content_type="application/json")
        assert scene.history() == contract.History()


def test_reach_counts_what_the_policies_show_over_all_pages(scene: Scene) -> None:
    assert scene.reach() == contract.Reach(count=0)
    populate(scene, 7)
    scene.emulator.create_compartment(TENANCY, compartment(90), name="another user's")
    scene.emulator.create_compartment(OTHER_TENANCY, compartment(91), name="another tenancy's")
    scene.emulator.reset_calls()
    expected = tuple(contract.Place(id=compartment(number), name=f"c{number}") for number in range(7))
    assert scene.reach() == contract.Reach(count=7, places=expected)
    assert [(call.path, call.status) for call in scene.emulator.calls] == [(COMPARTMENTS, 200)] * 3


def test_reach_counts_no_compartment_that_was_deleted(scene: Scene) -> None:
    populate(scene, 1)
    scene.emulator.create_compartment(TENANCY, compartment(0), name="gone", state="DELETED")
    assert scene.reach().count == 0


def test_reach_reads_no_list_without_an_end(scene: Scene) -> None:
    scene.emulator.faults.answer(
        "[]", action=COMPARTMENTS, content_type="application/json", headers={"opc-next-page": "again"}
    )
    with pytest.raises(errors.ProviderUnreachable, match="more than is counted"):
        scene.reach(timeout=30)


def test_all_pages_share_one_deadline(scene: Scene) -> None:
    populate(scene, 60)
    scene.emulator.faults.delay(0.3, action=COMPARTMENTS)
    with pytest.raises(errors.ProviderUnreachable, match="in time"):
        scene.reach(timeout=0.9)


def test_nothing_is_known_of_permissions_and_nobody_is_asked(scene: Scene) -> None:
    asked = ("BUCKET_READ", "OBJECT_READ")
    with network.Session(network.Policy()) as session:  # which may call nobody here
        grants = oracle.PROVIDER.grants(scene.config, scene.keys, asked, context(session))
    assert (grants.missing, grants.unknown) == ((), asked)
    assert "policies" in grants.why


@pytest.mark.parametrize("ability", ["history", "reach"])
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "NotAuthenticated", errors.Rejected),
        (404, "NotAuthorizedOrNotFound", errors.PermissionDenied),
        (403, "NotAllowed", errors.PermissionDenied),
        (404, "NotFound", errors.ProviderUnreachable),
        (500, "InternalServerError", errors.ProviderUnreachable),
        (429, "", errors.RateLimited),
    ],
)
def test_a_refusal_is_told_by_its_code(
    scene: Scene,
    caplog: pytest.LogCaptureFixture,
    ability: str,
    status: int,
    code: str,
    kind: type[Exception],
) -> None:
    caplog.set_level(logging.DEBUG)
    scene.emulator.faults.error(status=status, code=code, message=suite.BODY)
    error = failure(scene, ability)
    assert type(error) is kind
    left_behind = suite.everything(error) + caplog.text
    assert suite.BODY not in left_behind
    assert not [line for line in scene.pem.splitlines() if not line.startswith("-") and line in left_behind]


@pytest.mark.parametrize("ability", ["history", "reach"])
@pytest.mark.parametrize("body", ["", "{}", f"<p>{suite.BODY}</p>", '["a"]', '[{"id": "a"', "7", "[" * 9000])
def test_what_is_no_list_proves_nothing(scene: Scene, ability: str, body: str) -> None:
    scene.emulator.faults.answer(body, content_type="application/json")
    error = failure(scene, ability)
    assert type(error) is errors.ProviderUnreachable
    assert suite.BODY not in suite.everything(error)


@pytest.mark.parametrize("ability", ["history", "reach"])
def test_another_clock_and_a_deleted_key_are_told_apart(scene: Scene, ability: str) -> None:
    scene.emulator.faults.skew(4000)
    assert type(failure(scene, ability)) is errors.ClockSkew
    scene.emulator.faults.clear()
    scene.emulator.delete_key(USER, scene.config.fingerprint)
    assert type(failure(scene, ability)) is errors.Rejected


def failure(scene: Scene, ability: str) -> errors.CredentialError:
    with pytest.raises(errors.CredentialError) as raised:
        getattr(scene, ability)()
    assert raised.value.__context__ is None
    return raised.value

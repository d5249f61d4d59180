"""Keys of storage accounts, before Microsoft's own emulator: what we sign is what it verifies."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from credential_operator import errors
from credential_operator.providers import azure_storage
from emulators.azurite import Azurite
from providers import suite
from providers.test_azure_storage import FIRST, SECOND, key_of

ACCOUNT = "backups"
OTHER = key_of(b"canary-other")
WRONG = key_of(b"canary-wrong")


@pytest.fixture(scope="module")
def azurite() -> Iterator[Azurite]:
    with Azurite(accounts={ACCOUNT: [FIRST, SECOND], "other": [OTHER]}) as running:
        yield running


@pytest.fixture
def stage(azurite: Azurite) -> suite.Stage:
    return suite.Stage(
        provider=azure_storage.PROVIDER,
        emulator=azurite,
        config={"accountName": ACCOUNT, "endpoint": f"{azurite.url}/{ACCOUNT}"},
        good={"accountKey": FIRST},
        wrong={},
        principal=ACCOUNT,
        secret_fields=("accountKey",),
    )


@pytest.mark.parametrize("key", [FIRST, SECOND], ids=["first", "second"])
def test_both_keys_of_an_account_are_accepted(stage: suite.Stage, key: str) -> None:
    identity = stage.check({"accountKey": key}).identity
    assert identity
    assert identity.principal == ACCOUNT


@pytest.mark.parametrize("key", [WRONG, OTHER], ids=["unknown", "another account's"])
def test_a_wrong_key_is_refused(stage: suite.Stage, key: str, caplog: pytest.LogCaptureFixture) -> None:
    """Azurite says AuthorizationFailure where Azure says AuthenticationFailed.

    Azure's AuthorizationFailure is about its firewall, and nothing of the request: so we read it, and what
    Azurite means is another refusal. To read it as Azurite does would tell owners of good keys to replace them.
    """
    caplog.set_level(logging.DEBUG)
    with pytest.raises(errors.Refused) as refused:
        stage.check({"accountKey": key})
    assert type(refused.value) is errors.PermissionDenied
    assert "(AuthorizationFailure)" in refused.value.message
    assert key not in suite.everything(refused.value) + caplog.text


def test_an_account_that_is_not_there_is_the_specs_fault(stage: suite.Stage, azurite: Azurite) -> None:
    nowhere = {"accountName": "nobody", "endpoint": f"{azurite.url}/nobody"}
    with pytest.raises(errors.Misconfigured) as wrong:
        stage.check(config=nowhere)
    assert "accountName" in wrong.value.message


def test_its_own_authority_is_trusted(stage: suite.Stage, azurite: Azurite) -> None:
    stage.check(config={**stage.config, "caBundle": azurite.ca_pem.decode()})

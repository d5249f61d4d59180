"""An AWS account that a key is asked about, as all tests of what AWS tells of keys begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from credential_operator import errors, providers
from credential_operator.providers import contract
from emulators import aws as emulators
from emulators import clients
from providers import suite

OTHER = "210987654321"
NAMES = ("s3:GetObject", "s3:DeleteObject", "ec2:RunInstances")


class Account:
    """The fixtures: an account, a user in it without permissions, and their key."""

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls) -> Iterator[emulators.AwsEmulator]:
        with emulators.AwsEmulator() as emulator:
            yield emulator

    @pytest.fixture
    def emulator(self, running: emulators.AwsEmulator) -> emulators.AwsEmulator:
        running.reset()
        return running

    @pytest.fixture
    def user(self, emulator: emulators.AwsEmulator) -> emulators.User:
        return emulator.create_user("backup", path="/team/")

    @pytest.fixture
    def stage(self, emulator: emulators.AwsEmulator, user: emulators.User) -> suite.Stage:
        return stage_of(emulator, user)

    @pytest.fixture
    def refused(self, stage: suite.Stage, caplog: pytest.LogCaptureFixture) -> Callable[..., Any]:
        """Asks for what must be refused, and looks for key material in all that this leaves behind."""

        def ask(kind: type[errors.CredentialError], ability: str, *arguments: Any, **options: Any) -> Any:
            return suite.refusal(
                kind,
                lambda: stage.ask(ability, *arguments, **options),
                secrets=[stage.good["secretAccessKey"]],
                log=caplog,
            )

        return ask


def stage_of(emulator: emulators.AwsEmulator, user: emulators.User) -> suite.Stage:
    """Gives a user's key, and an account that is asked about it."""
    key_id, secret = emulator.create_key(user)
    good = {"accessKeyID": key_id, "secretAccessKey": secret}
    return suite.Stage(
        provider=providers.find()["aws"],
        emulator=emulator,
        config={
            "region": "eu-west-1",
            "endpoint": emulator.url,
            "iamEndpoint": emulator.url,
            "organizationsEndpoint": emulator.url,
        },
        good=good,
        wrong={
            "secret": {**good, "secretAccessKey": "wrong" * 8},
            "key id": {**good, "accessKeyID": "AKIAQ3EGUNKNOWNKEY23"},
        },
    )


def grant(emulator: emulators.AwsEmulator, principal: emulators.User | str, *actions: str) -> None:
    """Lets a user or a role do what is named, and nothing else."""
    arn = principal.arn if isinstance(principal, emulators.User) else principal
    emulator.set_policies(arn, [emulators.allow(*actions)])


def actions(emulator: emulators.AwsEmulator) -> list[str]:
    """Gives what was asked so far."""
    return [call.action for call in emulator.calls]


def session_of(emulator: emulators.AwsEmulator, stage: suite.Stage, role: str) -> dict[str, str]:
    """Gives the key of a session of a role."""
    client = clients.client("sts", emulator, (stage.good["accessKeyID"], stage.good["secretAccessKey"]))
    made = client.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return {
        "accessKeyID": made["AccessKeyId"],
        "secretAccessKey": made["SecretAccessKey"],
        "sessionToken": made["SessionToken"],
    }


def assuming(stage: suite.Stage, role: str, **more: str) -> dict[str, Any]:
    """Gives the config that assumes a role."""
    return {**stage.config, "assumeRole": {"roleARN": role, **more}}


def keys_of(key_id: str, secret: str) -> Any:
    """Gives another key as it stands in a source Secret."""
    fields = {"accessKeyID": key_id.encode(), "secretAccessKey": secret.encode()}
    return contract.load(providers.find()["aws"], fields, {})

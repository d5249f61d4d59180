"""Every credential type of which a provider can be asked, through the running operator: good, wrong, good again."""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster import space as spaces
from cluster.space import Json, Space
from emulators.azure import AzureEmulator
from emulators.azure_storage import AzureStorageEmulator
from emulators.child import Emulator
from emulators.google import Google
from emulators.oauth2 import OAuth2Server
from emulators.registry import Registry
from providers import entra, test_azure_storage

EMAIL = "backup@example-project.iam.gserviceaccount.com"


@dataclasses.dataclass(frozen=True)
class Scene:
    """A type before its provider: `good` and `wrong` are what the source Secret holds."""

    config: Json
    good: dict[str, str]
    wrong: dict[str, str]
    principal: str
    data: str
    """A key that the target of format env has."""


def google(emulator: Google) -> Scene:
    for name in (EMAIL, "other@example-project.iam.gserviceaccount.com"):
        emulator.create_account(name, project="example-project")
    key = emulator.create_key(EMAIL)
    wrong = {**key, "private_key_id": "0" * 40}
    return Scene(
        config={"tokenURL": emulator.token_url, "apiEndpoint": emulator.url},
        good={"key.json": json.dumps(key)},
        wrong={"key.json": json.dumps(wrong)},
        principal=EMAIL,
        data="GOOGLE_CREDENTIALS",
    )


def azure(emulator: AzureEmulator) -> Scene:
    stage = entra.staged(emulator)
    return Scene(
        config=dict(stage.config),
        good=dict(stage.good),
        wrong={"clientSecret": "wrong"},
        principal=entra.CLIENT,
        data="AZURE_CLIENT_SECRET",
    )


def azure_storage(emulator: AzureStorageEmulator) -> Scene:
    first, second = test_azure_storage.FIRST, test_azure_storage.SECOND
    emulator.set_account("backups", [first])
    return Scene(
        config={"accountName": "backups", "endpoint": emulator.url},
        good={"accountKey": first},
        wrong={"accountKey": second},
        principal="backups",
        data="AZURE_STORAGE_KEY",
    )


def oauth2(emulator: OAuth2Server) -> Scene:
    emulator.add_client("backup", "a-secret", scopes=["read"])
    return Scene(
        config={"tokenURL": emulator.token_url, "scopes": ["read"]},
        good={"clientID": "backup", "clientSecret": "a-secret"},
        wrong={"clientID": "backup", "clientSecret": "another"},
        principal="backup",
        data="OAUTH_CLIENT_SECRET",
    )


def registry(emulator: Registry) -> Scene:
    emulator.set_user("robot", "a-password", pulls=["team/app"])
    emulator.add_repository("team/app")
    return Scene(
        config={"host": emulator.host, "repository": "team/app"},
        good={"username": "robot", "password": "a-password"},
        wrong={"username": "robot", "password": "another-password"},
        principal="robot",
        data="REGISTRY_PASSWORD",
    )


SCENES: dict[str, tuple[type[Emulator], Callable[[Any], Scene]]] = {
    "azure": (AzureEmulator, azure),
    "azureStorage": (AzureStorageEmulator, azure_storage),
    "google": (Google, google),
    "oauth2": (OAuth2Server, oauth2),
    "registry": (Registry, registry),
}


@pytest.fixture
def scenes() -> Iterator[dict[str, Scene]]:
    """All types, each before its provider."""
    with contextlib.ExitStack() as stack:
        found = {}
        for name, (kind, begin) in SCENES.items():
            emulator = stack.enter_context(kind())
            scene = begin(emulator)
            config = {**scene.config, "caBundle": emulator.ca_pem.decode()}
            found[name] = dataclasses.replace(scene, config=config)
        yield found


def test_a_good_key_is_published_and_a_wrong_one_held_back(space: Space, scenes: dict[str, Scene]) -> None:
    for name, scene in scenes.items():
        spec = {
            name: scene.config,
            "secretRef": {"name": f"{name.lower()}-keys"},
            "targets": [{"name": f"{name.lower()}-env", "format": "env"}],
        }
        space.apply(_source(space, name, scene.good), space.document("Credential", name.lower(), spec))
    published = {}
    for name, scene in scenes.items():
        found = space.becomes(name.lower(), Ready="True Available", Synced="True Published")
        assert found["status"]["identity"]["principal"] == scene.principal
        published[name] = space.data(f"{name.lower()}-env")
        assert published[name][scene.data]

    # All at once: a refusal takes half a minute to be believed.
    space.apply(*(_source(space, name, scene.wrong) for name, scene in scenes.items()))
    for name, scene in scenes.items():
        found = space.becomes(name.lower(), Ready="True HeldBack", Validated="False Rejected", seconds=120)
        assert space.data(f"{name.lower()}-env") == published[name]
        assert "not published" in spaces.message(found, "Synced")
        assert not _shown(json.dumps(found["status"]), scene)

    space.apply(*(_source(space, name, scene.good) for name, scene in scenes.items()))
    for name in scenes:
        space.becomes(name.lower(), Ready="True Available", Synced="True Published", Stalled=None)


def _source(space: Space, name: str, fields: dict[str, str]) -> Json:
    return space.secret(f"{name.lower()}-keys", fields)


def _shown(text: str, scene: Scene) -> list[str]:
    """Return what of a scene's key material stands in a text."""
    public = {"clientID", "username"}
    material = [*scene.good.items(), *scene.wrong.items()]
    return [value for field, value in material if field not in public and value in text]

"""Secrets that were there before, made for other tools: each a source as it stands, and a target like it."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import space as spaces
from cluster.space import Json, Key, Space
from controlplane import ControlPlane
from credential_operator import formats
from credential_operator.formats import contract
from emulators.aws import AwsEmulator
from emulators.azure import AzureEmulator
from emulators.azure_storage import AzureStorageEmulator
from emulators.google import Google
from emulators.registry import Registry
from providers import entra, registries, test_azure_storage

EMAIL = "backup@example-project.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def azure() -> Iterator[AzureEmulator]:
    with AzureEmulator() as started:
        yield started


@pytest.fixture(scope="module")
def storage() -> Iterator[AzureStorageEmulator]:
    with AzureStorageEmulator() as started:
        yield started


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with Registry() as started:
        yield started


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with Google() as started:
        yield started


def profile(key: Key, name: str = "default") -> str:
    """Return a shared credentials file."""
    return f"[{name}]\naws_access_key_id={key[0]}\naws_secret_access_key={key[1]}\n"


def read(space: Space, data: dict[str, str], source: Json, spec: Json, layout: str) -> Json:
    """Create a Secret and a Credential that reads it as it stands; return the Credential when it works."""
    space.apply(
        space.secret("existing", data),
        space.document(
            "Credential",
            "backups",
            {
                **spec,
                "secretRef": {"name": "existing", **source},
                "targets": [{"name": "like-it", "format": layout}],
            },
        ),
    )
    return space.becomes(Ready="True Available", Validated="True Accepted", Synced="True Published")


@pytest.mark.parametrize(
    ("layout", "key"), [("velero", "cloud"), ("aws-credentials-file", "credentials"), ("velero", "my-bsl")]
)
def test_a_file_of_aws_is_a_source(space: Space, aws: AwsEmulator, layout: str, key: str) -> None:
    space.new_user()
    made = space.new_key()
    data = {key: f"{profile(('AKIAIOSFODNN7EXAMPLE', 'x' * 40), 'other')}\n{profile(made)}"}
    spec = {"aws": {"region": "eu-west-1", "endpoint": aws.url}}

    found = read(space, data, {"format": layout}, spec, "env")

    assert found["status"]["identity"]["principal"] == space.arn
    assert space.key_in("like-it") == made
    assert space.data("existing") == data


def test_a_profile_that_is_not_there_is_named_until_the_spec_is_right(space: Space, aws: AwsEmulator) -> None:
    space.new_user()
    made = space.new_key()
    spec = {"aws": {"endpoint": aws.url}, "secretRef": {"name": "existing", "format": "velero"}}
    space.apply(
        space.secret("existing", {"cloud": profile(made, "nightly")}),
        space.document("Credential", "backups", spec),
    )

    found = space.becomes(Ready="False InvalidKeyMaterial", Validated="False InvalidKeyMaterial")
    assert "Secret key cloud has no profile default; it has nightly" in spaces.message(found, "Validated")
    assert made[1] not in json.dumps(found)

    space.patch("credential", "backups", {"spec": {"secretRef": {"options": {"profile": "nightly"}}}})
    space.becomes(Ready="True Available")


def test_a_file_of_another_application_is_named(space: Space, azure: AzureEmulator) -> None:
    stage = entra.staged(azure)
    document = {"clientId": entra.OTHER, "tenantId": entra.TENANT, "clientSecret": entra.SECRET}
    spec = {
        "azure": {**stage.config, "caBundle": azure.ca_pem.decode()},
        "secretRef": {"name": "existing", "format": "azure-sdk-auth"},
    }
    space.apply(
        space.secret("existing", {"creds": json.dumps(document)}),
        space.document("Credential", "backups", spec),
    )

    found = space.becomes(Ready="False Misconfigured", Validated="False Misconfigured")

    message = spaces.message(found, "Validated")
    assert (
        f"spec.azure.clientID is {entra.CLIENT}, and clientId in Secret key creds is {entra.OTHER}" in message
    )
    assert entra.SECRET not in json.dumps(found)


@pytest.mark.parametrize("layout", ["azure-sdk-auth", "velero"])
def test_a_file_of_azure_is_a_source_and_a_target_like_it(
    space: Space, azure: AzureEmulator, layout: str
) -> None:
    stage = entra.staged(azure)
    # $ and % stand in quotes where files are variables.
    lines = (
        f"AZURE_CLIENT_ID={entra.CLIENT}\nAZURE_CLIENT_SECRET='{entra.SECRET}'\nAZURE_CLOUD_NAME=AzureCloud\n"
    )
    document = json.dumps({"clientId": entra.CLIENT, "clientSecret": entra.SECRET})
    data = {"credentials.json": document} if layout == "azure-sdk-auth" else {"cloud": lines}
    spec = {"azure": {**stage.config, "caBundle": azure.ca_pem.decode()}}

    found = read(space, data, {"format": layout}, spec, layout)

    assert found["status"]["identity"]["principal"] == entra.CLIENT
    (written,) = space.data("like-it").values()
    assert entra.SECRET in written


def test_veleros_file_for_a_storage_account_is_a_source_and_a_target_like_it(
    space: Space, storage: AzureStorageEmulator
) -> None:
    storage.set_account("backups", [test_azure_storage.FIRST])
    lines = (
        f"AZURE_STORAGE_ACCOUNT_ACCESS_KEY={test_azure_storage.FIRST}\nAZURE_CLOUD_NAME=AzurePublicCloud\n"
    )
    config = {"accountName": "backups", "endpoint": storage.url, "caBundle": storage.ca_pem.decode()}

    read(space, {"cloud": lines}, {"format": "velero"}, {"azureStorage": config}, "velero")

    assert space.data("like-it") == {"cloud": lines}


@pytest.mark.parametrize(("layout", "key"), [("google-key-file", "sa.json"), ("velero", "cloud")])
def test_a_key_file_of_google_is_a_source_and_a_target_like_it(
    space: Space, google: Google, layout: str, key: str
) -> None:
    google.create_account(EMAIL, project="example-project")
    made = google.create_key(EMAIL)
    config = {"tokenURL": google.token_url, "caBundle": google.ca_pem.decode()}
    data = {key: json.dumps(made, indent=2)}

    found = read(space, data, {"format": layout}, {"google": config}, layout)

    assert found["status"]["identity"]["principal"] == EMAIL
    (written,) = space.data("like-it").values()
    assert json.loads(written) == made


# Registries: what kubectl makes


def test_a_login_that_kubectl_made_is_a_source_and_a_target_like_it(space: Space, registry: Registry) -> None:
    registries.stage_of(registry, "hub")
    user, password = registries.GOOD["username"], registries.GOOD["password"]
    login = {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
    data = {
        ".dockerconfigjson": json.dumps(
            {"auths": {registry.host: login, "ghcr.io": {"auth": "b2xkOm9sZA=="}}}
        )
    }
    config = {"host": registry.host, "caBundle": registry.ca_pem.decode()}

    found = read(space, data, {"format": "docker-registry"}, {"registry": config}, "docker-registry")

    assert found["status"]["identity"]["principal"] == user
    written = json.loads(space.data("like-it")[".dockerconfigjson"])
    assert written["auths"].keys() == {registry.host}
    assert written["auths"][registry.host]["auth"] == login["auth"]


def test_a_registrys_entry_is_what_kubectl_makes_and_the_api_server_takes(plane: ControlPlane) -> None:
    login = {"host": "docker.io", "username": "me", "password": "a<b>&c:d"}
    layout: Any = formats.find()["docker-registry"]
    material = contract.Material(type="registry", fields=login, variables={})
    data = {key: base64.b64encode(value).decode() for key, value in layout.render(material, None).items()}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": layout.secret_type, "data": data}
    plane.kubectl(
        *("create", "--dry-run=server", "--filename=-"),
        input=json.dumps({**secret, "metadata": {"name": "login", "namespace": "default"}}),
    )

    made = plane.kubectl(
        *("create", "secret", "docker-registry", "login", "--dry-run=client", "--output=json"),
        *("--docker-username=me", "--docker-password=a<b>&c:d"),
    )

    theirs = json.loads(made.stdout)
    assert theirs["type"] == layout.secret_type
    assert theirs["data"].keys() == data.keys()
    ours, others = (json.loads(base64.b64decode(one[".dockerconfigjson"])) for one in (data, theirs["data"]))
    assert ours == others
    asked = contract.Asked(secret=frozenset({"username", "password"}), variables={}, spec=login)
    raw = {key: base64.b64decode(value) for key, value in theirs["data"].items()}
    found = layout.read(raw, layout.source_options(), asked)
    assert found.values == {"username": b"me", "password": b"a<b>&c:d"}

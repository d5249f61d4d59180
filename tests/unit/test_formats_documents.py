"""Files of Docker, Google, Azure and Velero, read back by those who will read them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.oauth2 import service_account

from credential_operator import errors, formats
from unit.reading import ACCOUNT, CLIENT, KEY_FILE, OTHER, TENANT, load, render

CANARY = "canary"
APPLICATION = {
    "clientSecret": "a~secret/+=",
    "clientID": CLIENT,
    "tenantID": TENANT,
    "subscriptionID": OTHER,
    "cloud": "AzurePublic",
    "resource": "management",
}
LOGIN = {"username": "me", "password": "p<&>w", "host": "ghcr.io"}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("docker-registry", ["username", "password", "host"], ["username", "password"]),
        ("google-key-file", ["serviceAccountJSON"], ["privateKey"]),
        ("azure-sdk-auth", [*APPLICATION], ["clientSecret", "clientID"]),
        ("velero", [*APPLICATION], ["clientSecret", "clientID"]),
        ("velero", ["accountKey", "accountName", "cloud"], ["accountKey"]),
        ("velero", ["serviceAccountJSON"], ["token"]),
    ],
)
def test_a_format_serves_the_types_that_have_its_fields(name: str, good: list[str], bad: list[str]) -> None:
    assert formats.find()[name].serves(good)
    assert not formats.find()[name].serves(bad)


@pytest.mark.parametrize("name", ["google-key-file", "velero"])
def test_googles_library_reads_the_key_file(tmp_path: Path, name: str) -> None:
    pem = (
        rsa.generate_private_key(65537, 2048)
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )
    fields = load("google", "fields", {"key.json": json.dumps({**ACCOUNT, "private_key": pem}, indent=2)})
    (content,) = render("google", name, fields).values()
    file = tmp_path / "key.json"
    file.write_bytes(content)

    found = service_account.Credentials.from_service_account_file(str(file))

    assert found.service_account_email == ACCOUNT["client_email"]
    assert found.signer.key_id == ACCOUNT["private_key_id"]
    assert json.loads(content) == {**ACCOUNT, "private_key": pem}


def test_the_key_file_stands_under_its_usual_names() -> None:
    fields = {"serviceAccountJSON": KEY_FILE}
    assert render("google", "google-key-file", fields) == {"key.json": KEY_FILE.encode()}
    assert render("google", "velero", fields) == {"cloud": KEY_FILE.encode()}


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("ghcr.io", "ghcr.io"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("docker.io", "https://index.docker.io/v1/"),
        ("index.docker.io", "https://index.docker.io/v1/"),
    ],
)
def test_a_registrys_entry_says_the_password_in_both_ways(host: str, name: str) -> None:
    data = render("registry", "docker-registry", {**LOGIN, "host": host})
    assert formats.find()["docker-registry"].secret_type == "kubernetes.io/dockerconfigjson"
    assert data.keys() == {".dockerconfigjson"}
    assert json.loads(data[".dockerconfigjson"]) == {
        "auths": {
            name: {
                "username": "me",
                "password": "p<&>w",
                "auth": base64.b64encode(b"me:p<&>w").decode(),
            }
        }
    }


def test_a_user_name_that_would_end_early_is_refused() -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match="username holds a colon") as raised:
        render("registry", "docker-registry", {**LOGIN, "username": f"{CANARY}:b"})
    assert CANARY not in repr(raised.value)


CLOUDS = {
    "AzurePublic": ("https://login.microsoftonline.com", "https://management.azure.com/"),
    "AzureUSGovernment": ("https://login.microsoftonline.us", "https://management.usgovcloudapi.net/"),
    "AzureChina": ("https://login.partner.microsoftonline.cn", "https://management.chinacloudapi.cn/"),
}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_application_is_told_where_its_cloud_is(cloud: str) -> None:
    spec = {"cloud": cloud, "subscriptionID": OTHER}
    fields = load("azure", "fields", {"clientSecret": "a~secret"}, spec)

    data = render("azure", "azure-sdk-auth", fields)

    assert data.keys() == {"credentials.json"}
    document = json.loads(data["credentials.json"])
    # What the CLI prints, in its order; Crossplane reads a map of texts.
    assert [*document] == [
        *("clientId", "clientSecret", "subscriptionId", "tenantId", "activeDirectoryEndpointUrl"),
        *("resourceManagerEndpointUrl", "activeDirectoryGraphResourceId", "sqlManagementEndpointUrl"),
        *("galleryEndpointUrl", "managementEndpointUrl"),
    ]
    assert all(isinstance(value, str) for value in document.values())
    assert document["clientSecret"] == "a~secret"
    assert (document["activeDirectoryEndpointUrl"], document["resourceManagerEndpointUrl"]) == CLOUDS[cloud]


def test_an_application_in_a_private_cloud_is_told_its_addresses() -> None:
    spec = {"authority": "https://login.example.com", "endpoint": "https://management.example.com"}
    fields = load("azure", "fields", {"clientSecret": "a~secret"}, spec)
    document = json.loads(render("azure", "azure-sdk-auth", fields)["credentials.json"])
    assert document["activeDirectoryEndpointUrl"] == "https://login.example.com"
    assert document["resourceManagerEndpointUrl"] == "https://management.example.com"
    assert "subscriptionId" not in document


@pytest.mark.parametrize("name", ["azure-sdk-auth", "velero"])
def test_a_certificate_is_refused_where_only_a_secret_can_stand(name: str) -> None:
    fields = {**APPLICATION, "clientCertificate": CANARY}
    del fields["clientSecret"]
    with pytest.raises(errors.InvalidKeyMaterial, match="clientSecret is missing") as raised:
        render("azure", name, fields)
    assert CANARY not in repr(raised.value)


def test_veleros_plugin_for_azure_reads_variables() -> None:
    assert render("azure", "velero", APPLICATION) == {
        "cloud": (
            f"AZURE_CLIENT_SECRET=a~secret/+=\nAZURE_CLIENT_ID={CLIENT}\nAZURE_TENANT_ID={TENANT}\n"
            f"AZURE_SUBSCRIPTION_ID={OTHER}\nAZURE_CLOUD_NAME=AzurePublicCloud\n"
        ).encode()
    }
    account = {"accountKey": "a+b/c==", "accountName": "backups", "cloud": "AzureUSGovernment"}
    assert render("azureStorage", "velero", account) == {
        "cloud": b"AZURE_STORAGE_ACCOUNT_ACCESS_KEY=a+b/c==\nAZURE_CLOUD_NAME=AzureUSGovernmentCloud\n"
    }


@pytest.mark.parametrize("value", ["a$b", "a#b", "a`b", "a!b", 'a"b', "$HOME", "a*b"])
def test_a_value_that_readers_of_variables_would_expand_is_quoted(value: str) -> None:
    lines = render("azure", "velero", {**APPLICATION, "clientSecret": value})["cloud"]
    assert lines.splitlines()[0] == f"AZURE_CLIENT_SECRET='{value}'".encode()


@pytest.mark.parametrize(
    "value", [f"{CANARY}'", f"{CANARY}\\", f"{CANARY} a", f"{CANARY}\na=b", f"{CANARY}é"]
)
def test_a_value_that_no_line_of_variables_can_hold_is_refused(value: str) -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match="clientSecret") as raised:
        render("azure", "velero", {**APPLICATION, "clientSecret": value})
    assert CANARY not in repr(raised.value)


def test_only_keys_of_aws_have_a_profile() -> None:
    with pytest.raises(errors.InvalidSpec, match=r"options\.profile is for keys of AWS"):
        render("azure", "velero", APPLICATION, profile="a")

"""Existing Secrets as sources: what is read out of each layout, as those who read them read it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from credential_operator import errors, formats
from unit import reading
from unit.reading import CLIENT, KEY_FILE, ORACLE, OTHER, TENANT, load

KEY = {
    "accessKeyID": "AKIAIOSFODNN7EXAMPLE",
    "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
PROFILES = f"""# of two people
[default]
aws_access_key_id = {KEY["accessKeyID"]}
aws_secret_access_key={KEY["secretAccessKey"]}
region = eu-west-1

[other]
aws_access_key_id=AKIAOTHER
aws_secret_access_key = "a # b"
aws_session_token = token==
"""
ROLE = f"""[default]
role_arn = arn:aws:iam::123456789012:role/backup
source_profile = keys
region = eu-west-1

[keys]
aws_access_key_id = {KEY["accessKeyID"]}
aws_secret_access_key = {KEY["secretAccessKey"]}
region = us-east-1
"""
LINES = f"""
# of the plugin's page
AZURE_SUBSCRIPTION_ID={OTHER}
AZURE_TENANT_ID={TENANT}
AZURE_CLIENT_ID={CLIENT}
export AZURE_CLIENT_SECRET='a $b#c'
AZURE_RESOURCE_GROUP=Velero_Backups
AZURE_CLOUD_NAME=AzurePublicCloud   # the usual one
"""
SDK_AUTH = {
    "clientId": CLIENT,
    "clientSecret": "a~secret",
    "subscriptionId": OTHER,
    "tenantId": TENANT,
    "activeDirectoryEndpointUrl": "https://login.microsoftonline.com",
    "resourceManagerEndpointUrl": "https://management.azure.com/",
}
CONFIG = f"""[DEFAULT]
user={ORACLE["userOCID"]}
fingerprint={ORACLE["fingerprint"]}
tenancy={ORACLE["tenancyOCID"]}
region={ORACLE["region"]}
key_file=~/.oci/oci_api_key.pem
pass_phrase=a passphrase
"""
PEM = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n"


def auths(**entries: Mapping[str, str]) -> str:
    return json.dumps({"auths": {host.replace("__", "/"): entry for host, entry in entries.items()}})


def coded(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


def test_the_layouts_are_those_that_secrets_are_made_in_for_several_tools() -> None:
    assert set(formats.sources()) == {
        "aws-credentials-file",
        "azure-sdk-auth",
        "docker-registry",
        "env",
        "google-key-file",
        "ini",
        "velero",
    }
    for layout in formats.sources().values():
        layout.source_options()


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("layout", "key"), [("aws-credentials-file", "credentials"), ("velero", "cloud"), ("velero", "my-file")]
)
def test_a_profile_is_read_as_botocore_reads_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, layout: str, key: str, line_end: str
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    file.write_bytes(PROFILES.replace("\n", line_end).encode())
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)

    for profile in ("default", "other"):
        theirs = botocore.session.Session(profile=profile).get_credentials()
        ours = load("aws", layout, {key: file.read_bytes()}, profile=profile)
        assert (ours["accessKeyID"], ours["secretAccessKey"], ours.get("sessionToken")) == (
            theirs.access_key,
            theirs.secret_key,
            theirs.token,
        )


def test_a_profile_that_assumes_a_role_is_read_with_the_key_of_the_profile_that_it_names() -> None:
    role = {"assumeRole": {"roleARN": "arn:aws:iam::123456789012:role/backup"}}
    found = load("aws", "aws-credentials-file", {"credentials": ROLE}, role)
    assert found.items() >= KEY.items()


@pytest.mark.parametrize("layout", ["aws-credentials-file", "velero"])
def test_a_target_that_assumes_a_role_is_a_source_again(layout: str) -> None:
    role = {"assumeRole": {"roleARN": "arn:aws:iam::123456789012:role/backup", "externalID": "agreed-on"}}
    fields = load("aws", "fields", {**KEY, "sessionToken": "token=="}, role)
    assert load("aws", layout, reading.render("aws", layout, fields), role) == fields


def test_variables_are_read_as_they_are_named() -> None:
    data = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}
    assert (
        load("aws", "env", {**data, "accessKeyID": "not read"}).items()
        >= {
            "accessKeyID": "AKIA",
            "secretAccessKey": "secret",
        }.items()
    )
    assert load("azure", "env", {"ARM_CLIENT_SECRET": "a"})["clientSecret"] == "a"


def test_veleros_file_for_azure_is_variables() -> None:
    spec = {"subscriptionID": OTHER}
    assert load("azure", "velero", {"cloud": LINES}, spec)["clientSecret"] == "a $b#c"
    lines = 'AZURE_STORAGE_ACCOUNT_ACCESS_KEY="a+b/c=="\r\nAZURE_CLOUD_NAME=AzureUSGovernment\r\n'
    found = load("azureStorage", "velero", {"cloud": lines}, {"cloud": "AzureUSGovernment"})
    assert found["accountKey"] == "a+b/c=="


@pytest.mark.parametrize(
    ("layout", "key"),
    [("velero", "cloud"), ("google-key-file", "key.json"), ("google-key-file", "kaniko-secret.json")],
)
def test_a_key_file_of_google_is_read_whole(layout: str, key: str) -> None:
    assert load("google", layout, {key: KEY_FILE})["serviceAccountJSON"] == KEY_FILE


@pytest.mark.parametrize("key", ["credentials.json", "creds", "azure.json"])
def test_what_azures_cli_prints_is_read(key: str) -> None:
    assert load("azure", "azure-sdk-auth", {key: json.dumps(SDK_AUTH)})["clientSecret"] == "a~secret"


@pytest.mark.parametrize("name", ["ghcr.io", "https://ghcr.io", "https://GHCR.io/v2/", "ghcr.io/v1"])
def test_the_entry_of_the_host_is_read_however_it_is_spelt(name: str) -> None:
    others = {"https://index.docker.io/v1/": {"auth": coded("o:p")}, "ghcr.io/team": {"auth": coded("o:p")}}
    entry = {"username": "me", "password": "a:b"}
    data = {".dockerconfigjson": json.dumps({"auths": {**others, name: entry}})}
    assert load("registry", "docker-registry", data) == {**entry, "host": "ghcr.io"}


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
@pytest.mark.parametrize("name", ["docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"])
def test_the_hub_has_three_names(host: str, name: str) -> None:
    data = {".dockerconfigjson": json.dumps({"auths": {name: {"auth": coded("me:a:b\0")}}})}
    found = load("registry", "docker-registry", data, {"host": host})
    assert (found["username"], found["password"]) == ("me", "a:b")


@pytest.mark.parametrize("beside", ["oci_api_key.pem", "key.pem"])
def test_the_configuration_of_oracles_cli_is_read_with_the_key_beside_it(beside: str) -> None:
    found = load("oracle", "ini", {"config": CONFIG, beside: PEM})
    assert (found["privateKey"], found["passphrase"]) == (PEM, "a passphrase")


def test_a_section_is_read_by_names_of_fields_and_variables() -> None:
    boto = "[Boto]\ndebug = 0\n[Credentials]\naws_access_key_id = AKIA\nSecretAccessKey = s\n"
    found = load("aws", "ini", {"boto.cfg": boto}, section="Credentials")
    assert (found["accessKeyID"], found["secretAccessKey"]) == ("AKIA", "s")
    assert load("basic", "ini", {"config": "[a]\nusername = me\npassword = it's"})["password"] == "it's"


def test_a_key_of_the_secret_can_be_named() -> None:
    data = {"cloud": "not this", "mine": PROFILES, "another": "nor this"}
    assert load("aws", "velero", data, key="mine").items() >= KEY.items()


def test_public_facts_may_be_spelt_otherwise() -> None:
    document = {
        **SDK_AUTH,
        "clientId": CLIENT.upper(),
        "activeDirectoryEndpointUrl": "https://login.chinacloudapi.cn/",
    }
    load("azure", "azure-sdk-auth", {"creds": json.dumps(document)}, {"cloud": "AzureChina"})
    private = {"authority": "https://login.example.com"}
    document["activeDirectoryEndpointUrl"] = "https://login.example.com/"
    load("azure", "azure-sdk-auth", {"creds": json.dumps(document)}, private)


@pytest.mark.parametrize(
    ("type_name", "layout", "data", "spec", "says"),
    [
        (
            "azure",
            "azure-sdk-auth",
            {"creds": json.dumps({**SDK_AUTH, "clientId": OTHER})},
            {},
            f"spec.azure.clientID is {CLIENT}, and clientId in Secret key creds is {OTHER}",
        ),
        (
            "azure",
            "azure-sdk-auth",
            {"creds": json.dumps({**SDK_AUTH, "clientId": "canary"})},
            {},
            f"spec.azure.clientID is {CLIENT}, and clientId in Secret key creds is something else",
        ),
        (
            "azure",
            "azure-sdk-auth",
            {"creds": json.dumps({**SDK_AUTH, "activeDirectoryEndpointUrl": "https://login.canary.example"})},
            {},
            "spec.azure.cloud is AzurePublic, and activeDirectoryEndpointUrl in Secret key creds is something else",
        ),
        (
            "azure",
            "velero",
            {"cloud": LINES.replace("AzurePublicCloud", "azurechinacloud")},
            {},
            "spec.azure.cloud is AzurePublic, and AZURE_CLOUD_NAME in Secret key cloud is AzureChina",
        ),
        (
            "azure",
            "env",
            {"AZURE_CLIENT_SECRET": "canary", "AZURE_TENANT_ID": OTHER},
            {},
            f"spec.azure.tenantID is {TENANT}, and AZURE_TENANT_ID in the Secret is {OTHER}",
        ),
        (
            "azureStorage",
            "env",
            {"AZURE_STORAGE_KEY": "canary", "AZURE_STORAGE_ACCOUNT": "others"},
            {},
            "spec.azureStorage.accountName is backups, and AZURE_STORAGE_ACCOUNT in the Secret is others",
        ),
        (
            "aws",
            "velero",
            {"cloud": PROFILES},
            {"region": "us-east-1"},
            "spec.aws.region is us-east-1, and region in profile default of Secret key cloud is eu-west-1",
        ),
        (
            "aws",
            "aws-credentials-file",
            {"credentials": ROLE},
            {"assumeRole": {"roleARN": "arn:aws:iam::123456789012:role/other"}},
            "spec.aws.assumeRole.roleARN is arn:aws:iam::123456789012:role/other, and role_arn in profile default",
        ),
        (
            "oracle",
            "ini",
            {"config": CONFIG.replace("frankfurt", "paris"), "key.pem": PEM},
            {},
            "spec.oracle.region is eu-frankfurt-1, and region in section DEFAULT of Secret key config is eu-paris-1",
        ),
    ],
)
def test_public_facts_that_contradict_the_spec_are_named(
    type_name: str, layout: str, data: Mapping[str, str], spec: Mapping[str, Any], says: str
) -> None:
    found = reading.problem(type_name, layout, data, spec)
    assert found.startswith(f"Misconfigured: {says}")
    assert found.endswith(": correct the one that is wrong.")


def test_a_layout_that_is_not_installed_is_the_specs_fault() -> None:
    with pytest.raises(errors.InvalidSpec, match="format new-one of secretRef is not installed"):
        load("aws", "new-one", {})


def test_options_that_a_layout_does_not_take_are_the_specs_fault() -> None:
    with pytest.raises(errors.InvalidSpec, match="options are not such as format velero takes"):
        load("aws", "velero", {"cloud": PROFILES}, section="a")

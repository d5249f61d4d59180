"""The Secret of a BackupLocation, by the keys in Stork's code."""

from __future__ import annotations

import json

import pytest

from credential_operator import errors
from unit.material import (
    ACCOUNT_KEY,
    AMAZON,
    CHINA,
    CLIENT_SECRET,
    ID,
    SECRET,
    SERVICE_ACCOUNT,
    decoded,
    fields,
)
from unit.reading import ACCOUNT, CLIENT, OTHER, TENANT, render


def test_a_location_on_s3_is_told_all_of_it() -> None:
    spec = {"endpoint": "http://minio.example:9000", "disableSSL": True, "storageClass": "STANDARD-IA"}
    assert decoded(render("s3", "portworx", fields("s3", spec))) == {
        "accessKeyID": ID,
        "secretAccessKey": SECRET,
        "endpoint": "minio.example:9000",
        "region": "garage",
        "disableSSL": "true",
        "storageClass": "STANDARD_IA",
        "path": "backups",
    }


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [("eu-west-1", "s3.eu-west-1.amazonaws.com"), ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn")],
)
def test_a_location_on_aws_is_told_the_regions_endpoint(region: str, endpoint: str) -> None:
    found = decoded(render("s3", "portworx", fields("s3", {**AMAZON, "region": region})))
    assert (found["endpoint"], found["region"], found["disableSSL"]) == (endpoint, region, "false")


def test_a_location_on_azure_is_told_its_environment() -> None:
    account = fields("azureStorage", CHINA)
    assert decoded(render("azureStorage", "portworx", account, resourceGroup="backups-rg")) == {
        "storageAccountName": "backups",
        "storageAccountKey": ACCOUNT_KEY,
        "environment": "AzureChinaCloud",
        "resourceGroupName": "backups-rg",
    }
    assert "resourceGroupName" not in render("azureStorage", "portworx", account)


def test_a_location_on_google_is_told_its_project() -> None:
    found = decoded(render("google", "portworx", fields("google")))
    assert found.keys() == {"projectID", "accountKey"}
    assert found["projectID"] == ACCOUNT["project_id"]
    assert json.loads(found["accountKey"]) == json.loads(SERVICE_ACCOUNT)


@pytest.mark.parametrize("type_name", ["s3", "azureStorage"])
def test_a_location_is_told_what_to_encrypt_with(type_name: str) -> None:
    found = fields(type_name, encryptionKey="a word")
    assert decoded(render(type_name, "portworx", found))["encryptionKey"] == "a word"


def test_a_cluster_is_told_the_key_of_its_cloud() -> None:
    assert decoded(render("aws", "portworx", fields("aws"))) == {"accessKeyID": ID, "secretAccessKey": SECRET}
    assert decoded(render("azure", "portworx", fields("azure"))) == {
        "tenantID": TENANT,
        "clientID": CLIENT,
        "clientSecret": CLIENT_SECRET,
        "subscriptionID": OTHER,
    }


@pytest.mark.parametrize(
    ("type_name", "field"),
    [("aws", "sessionToken"), ("s3", "sessionToken"), ("azure", "clientCertificate")],
)
def test_what_stork_is_not_told_is_refused(type_name: str, field: str) -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match=f"{field} has no place"):
        render(type_name, "portworx", {**fields(type_name), field: "canary"})

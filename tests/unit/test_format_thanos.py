"""Thanos's configuration, read as YAML; the names are those of the structs that Thanos reads it into."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from credential_operator import errors
from unit.material import ACCOUNT_KEY, AMAZON, CHINA, ID, SECRET, SERVICE_ACCOUNT, fields
from unit.reading import render


def read(type_name: str, spec: Mapping[str, Any] | None = None, **options: str) -> Any:
    data = render(type_name, "thanos", fields(type_name, spec), **options)
    assert data.keys() == {"objstore.yml"}
    return yaml.safe_load(data["objstore.yml"])


def test_a_bucket_is_told_with_its_endpoint_without_scheme() -> None:
    assert read("s3", AMAZON) == {
        "type": "S3",
        "config": {
            "bucket": "backups",
            "endpoint": "s3.eu-west-1.amazonaws.com",
            "region": "eu-west-1",
            "access_key": ID,
            "secret_key": SECRET,
            "bucket_lookup_type": "virtual-hosted",
            "insecure": False,
        },
    }


def test_a_store_without_tls_is_told_so() -> None:
    spec = {"endpoint": "http://minio.example:9000", "disableSSL": True, "forcePathStyle": True}
    config = read("s3", spec)["config"]
    assert (config["endpoint"], config["insecure"]) == ("minio.example:9000", True)
    assert config["bucket_lookup_type"] == "path"
    assert read("s3", {**AMAZON, "disableSSL": True})["config"]["insecure"] is True


def test_a_session_is_told() -> None:
    content = render("s3", "thanos", fields("s3", sessionToken="token=="))["objstore.yml"]
    assert yaml.safe_load(content)["config"]["session_token"] == "token=="


def test_several_share_a_bucket_by_a_prefix() -> None:
    found = read("s3", bucket="metrics", prefix="a/b")
    assert (found["config"]["bucket"], found["prefix"]) == ("metrics", "a/b")


@pytest.mark.parametrize(
    ("spec", "endpoint"),
    [
        ({}, "blob.core.windows.net"),
        (CHINA, "blob.core.chinacloudapi.cn"),
        ({"endpoint": "https://backups.blob.example.com:8443"}, "blob.example.com:8443"),
    ],
)
def test_a_container_is_told_with_its_domain(spec: dict[str, str], endpoint: str) -> None:
    assert read("azureStorage", spec, bucket="metrics") == {
        "type": "AZURE",
        "config": {
            "storage_account": "backups",
            "storage_account_key": ACCOUNT_KEY,
            "container": "metrics",
            "endpoint": endpoint,
        },
    }


@pytest.mark.parametrize(
    "endpoint", ["https://azurite.example/backups", "https://backups", "https://backups.example/backups"]
)
def test_an_endpoint_that_is_not_the_accounts_own_host_is_refused(endpoint: str) -> None:
    with pytest.raises(errors.InvalidSpec, match=r"endpoint has to be https://backups\."):
        read("azureStorage", {"endpoint": endpoint}, bucket="metrics")


def test_a_bucket_of_google_is_told_with_the_key_file() -> None:
    found = read("google", bucket="metrics")
    assert (found["type"], found["config"]["bucket"]) == ("GCS", "metrics")
    assert json.loads(found["config"]["service_account"]) == json.loads(SERVICE_ACCOUNT)


@pytest.mark.parametrize("type_name", ["azureStorage", "google", "s3"])
def test_where_no_bucket_is_named_one_is_asked_for(type_name: str) -> None:
    spec = {"bucket": None} if type_name == "s3" else {}
    with pytest.raises(errors.InvalidSpec, match=r"options\.bucket is missing"):
        read(type_name, spec)


@pytest.mark.parametrize(
    "value", ["yes", "1e3", "0o7", "null", "~", "a: b", "# no", "", "é", "\U0001f511", " "]
)
def test_a_key_stays_a_text_whatever_it_looks_like(value: str) -> None:
    content = render("s3", "thanos", {**fields("s3"), "secretAccessKey": value})["objstore.yml"]
    assert yaml.safe_load(content)["config"]["secret_key"] == value
    assert content.isascii()

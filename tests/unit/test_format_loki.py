"""The object storage of a LokiStack, by the keys and the checks in the code of Loki's operator."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from credential_operator import errors
from unit.material import ACCOUNT_KEY, AMAZON, CHINA, GOVERNMENT, ID, SECRET, SERVICE_ACCOUNT, decoded, fields
from unit.reading import render

AWS = re.compile(r"https://s3\.([a-z0-9-]+)\.amazonaws\.com")
"""What the operator wants of AWS's endpoints (awsS3EndpointRegex)."""


def test_a_bucket_is_told_with_the_url_that_the_operator_wants() -> None:
    found = decoded(render("s3", "loki", fields("s3", AMAZON)))
    assert found == {
        "bucketnames": "backups",
        "endpoint": "https://s3.eu-west-1.amazonaws.com",
        "region": "eu-west-1",
        "access_key_id": ID,
        "access_key_secret": SECRET,
        "forcepathstyle": "false",
    }
    match = AWS.fullmatch(found["endpoint"])
    assert match is not None
    assert match[1] == found["region"]


@pytest.mark.parametrize(
    ("spec", "path"), [({}, "false"), ({"forcePathStyle": True}, "true"), ({"bucket": "my.logs"}, "true")]
)
def test_the_bucket_stands_in_urls_as_it_did_when_the_key_was_checked(
    spec: dict[str, Any], path: str
) -> None:
    found = decoded(render("s3", "loki", fields("s3", spec)))
    assert (found["endpoint"], found["forcepathstyle"]) == ("https://minio.example:9000", path)


@pytest.mark.parametrize(
    ("spec", "environment", "domain"),
    [
        ({}, "AzurePublicCloud", "blob.core.windows.net"),
        (CHINA, "AzureChinaCloud", "blob.core.chinacloudapi.cn"),
        (GOVERNMENT, "AzureUSGovernment", "blob.core.usgovcloudapi.net"),
    ],
)
def test_a_container_is_told_with_its_cloud(spec: dict[str, str], environment: str, domain: str) -> None:
    assert decoded(render("azureStorage", "loki", fields("azureStorage", spec), bucket="logs")) == {
        "environment": environment,
        "endpoint_suffix": domain,
        "container": "logs",
        "account_name": "backups",
        "account_key": ACCOUNT_KEY,
    }


def test_a_bucket_of_google_is_told_with_the_key_file() -> None:
    found = decoded(render("google", "loki", fields("google"), bucket="logs"))
    assert found.keys() == {"bucketname", "key.json"}
    assert found["bucketname"] == "logs"
    assert json.loads(found["key.json"]) == json.loads(SERVICE_ACCOUNT)


def test_a_session_is_refused() -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match="sessionToken has no place"):
        render("s3", "loki", fields("s3", sessionToken="canary"))


@pytest.mark.parametrize("bucket", ["", "a b", "-a", "a/b", "a\n", "a" * 223])
def test_a_bucket_that_there_cannot_be_is_refused(bucket: str) -> None:
    with pytest.raises(ValueError, match="bucket"):
        render("google", "loki", fields("google"), bucket=bucket)

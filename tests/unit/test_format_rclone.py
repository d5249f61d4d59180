"""rclone's configuration, read as its reader does: what stands behind = to the end of the line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from credential_operator import errors
from unit.material import ACCOUNT_KEY, AMAZON, CHINA, CLIENT_SECRET, ID, SECRET, SERVICE_ACCOUNT, fields
from unit.reading import CLIENT, TENANT, render


def read(content: bytes) -> dict[str, dict[str, str]]:
    """Reads as github.com/unknwon/goconfig does."""
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in map(str.strip, content.decode("ascii").split("\n")):
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            section = found.setdefault(line[1:-1], {})
            continue
        name, _, value = line.partition("=")
        section[name.strip()] = value.strip()
    return found


def remote(type_name: str, spec: Mapping[str, Any] | None = None, **keys: str) -> dict[str, str]:
    data = render(type_name, "rclone", fields(type_name, spec, **keys))
    assert data.keys() == {"rclone.conf"}
    found = read(data["rclone.conf"])
    assert found.keys() == {"remote"}
    return found["remote"]


def test_a_bucket_on_aws_is_aws_to_rclone() -> None:
    assert remote("s3", AMAZON, sessionToken="token==") == {
        "type": "s3",
        "provider": "AWS",
        "access_key_id": ID,
        "secret_access_key": SECRET,
        "session_token": "token==",
        "region": "eu-west-1",
        "storage_class": "STANDARD",
        "no_check_bucket": "true",
    }


def test_without_a_bucket_rclone_makes_those_that_it_is_given() -> None:
    assert "no_check_bucket" not in remote("s3", {"bucket": None})


@pytest.mark.parametrize(("spec", "path"), [({}, "false"), ({"forcePathStyle": True}, "true")])
def test_another_store_is_told_with_its_endpoint(spec: dict[str, Any], path: str) -> None:
    found = remote("s3", spec)
    assert (found["provider"], found["endpoint"]) == ("Other", "https://minio.example:9000")
    assert found["force_path_style"] == path


@pytest.mark.parametrize(
    ("spec", "domain"), [({}, "blob.core.windows.net"), (CHINA, "blob.core.chinacloudapi.cn")]
)
def test_azure_is_told_the_key_or_the_application(spec: dict[str, str], domain: str) -> None:
    assert remote("azureStorage", spec) == {
        "type": "azureblob",
        "account": "backups",
        "key": ACCOUNT_KEY,
        "endpoint": domain,
    }
    assert remote("azure", {**spec, "storageAccount": "backups"}) == {
        "type": "azureblob",
        "account": "backups",
        "tenant": TENANT,
        "client_id": CLIENT,
        "client_secret": CLIENT_SECRET,
        "endpoint": domain,
    }


def test_an_application_without_an_account_is_asked_for_it() -> None:
    with pytest.raises(errors.InvalidSpec, match=r"spec\.azure\.storageAccount is missing"):
        remote("azure")


def test_google_is_told_the_key_file_on_one_line() -> None:
    found = remote("google")
    assert found.pop("type") == "google cloud storage"
    assert json.loads(found.pop("service_account_credentials")) == json.loads(SERVICE_ACCOUNT)
    assert found == {}


def test_a_key_file_beyond_ascii_is_written_within() -> None:
    document = {**json.loads(SERVICE_ACCOUNT), "note": "é\n[x]"}
    found = remote("google", serviceAccountJSON=json.dumps(document, ensure_ascii=False))
    assert json.loads(found["service_account_credentials"]) == document


def test_what_rclone_would_replace_is_refused() -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match="rclone would replace") as raised:
        remote("s3", secretAccessKey="canary%(region)s")
    assert "canary" not in repr(raised.value)


def test_a_certificate_is_refused() -> None:
    found = {**fields("azure", {"storageAccount": "backups"}), "clientCertificate": "canary"}
    with pytest.raises(errors.InvalidKeyMaterial, match="clientCertificate has no place"):
        render("azure", "rclone", found)


@pytest.mark.parametrize("name", ["a]", "a b", "", "a:b"])
def test_a_remote_that_there_cannot_be_is_refused(name: str) -> None:
    assert read(render("s3", "rclone", fields("s3"), remote="off-site")["rclone.conf"]).keys() == {"off-site"}
    with pytest.raises(ValueError, match="remote"):
        render("s3", "rclone", fields("s3"), remote=name)

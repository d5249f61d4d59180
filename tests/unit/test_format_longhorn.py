"""The Secret of a Longhorn BackupTarget, by the variables in the code of its engine."""

from __future__ import annotations

from typing import Any

import pytest

from credential_operator import errors
from unit.material import ACCOUNT_KEY, AMAZON, AUTHORITY, CHINA, ID, SECRET, decoded, fields
from unit.reading import render


def test_a_store_is_named_with_its_authority() -> None:
    assert decoded(render("s3", "longhorn", fields("s3", {"caBundle": AUTHORITY}))) == {
        "AWS_ACCESS_KEY_ID": ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINTS": "https://minio.example:9000",
        "AWS_CERT": AUTHORITY,
        "VIRTUAL_HOSTED_STYLE": "true",
    }


@pytest.mark.parametrize(
    ("spec", "virtual"),
    [
        (AMAZON, "true"),
        ({**AMAZON, "bucket": None}, "true"),
        ({**AMAZON, "bucket": "my.backups"}, "false"),
        ({"forcePathStyle": True}, "false"),
        ({"endpoint": "https://10.0.0.1:9000"}, "false"),
    ],
)
def test_the_bucket_stands_in_urls_as_it_did_when_the_key_was_checked(
    spec: dict[str, Any], virtual: str
) -> None:
    assert decoded(render("s3", "longhorn", fields("s3", spec)))["VIRTUAL_HOSTED_STYLE"] == virtual


def test_awss_own_endpoint_is_left_to_longhorn() -> None:
    assert "AWS_ENDPOINTS" not in render("s3", "longhorn", fields("s3", AMAZON))


@pytest.mark.parametrize("spec", [{}, CHINA, {"endpoint": "https://backups.blob.example.com"}])
def test_azures_domain_stands_in_the_backup_targets_url(spec: dict[str, str]) -> None:
    assert decoded(render("azureStorage", "longhorn", fields("azureStorage", spec))) == {
        "AZBLOB_ACCOUNT_NAME": "backups",
        "AZBLOB_ACCOUNT_KEY": ACCOUNT_KEY,
    }


def test_a_service_of_many_accounts_is_named_without_the_account_which_longhorn_adds() -> None:
    spec = {"endpoint": "https://azurite.example:10000/backups", "caBundle": AUTHORITY}
    found = decoded(render("azureStorage", "longhorn", fields("azureStorage", spec)))
    assert found["AZBLOB_ENDPOINT"] == "https://azurite.example:10000"
    assert found["AZBLOB_CERT"] == AUTHORITY


def test_a_session_is_refused() -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match="sessionToken has no place"):
        render("s3", "longhorn", fields("s3", sessionToken="canary"))

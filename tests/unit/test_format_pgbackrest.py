"""Configuration of pgBackRest, read as INI; the names are those of its options."""

from __future__ import annotations

import configparser
import json
from collections.abc import Mapping

import pytest

from unit.material import ACCOUNT_KEY, ID, SECRET, SERVICE_ACCOUNT, fields
from unit.reading import render


def lines(content: bytes) -> Mapping[str, str]:
    parser = configparser.RawConfigParser(
        delimiters=("=",), comment_prefixes=("#",), empty_lines_in_values=False
    )
    parser.read_string(content.decode("ascii"))
    assert parser.sections() == ["global"]
    return parser["global"]


def test_a_repository_on_s3_has_its_key() -> None:
    data = render("s3", "pgbackrest", fields("s3", sessionToken="token=="))
    assert data.keys() == {"s3.conf"}
    assert lines(data["s3.conf"]) == {
        "repo1-s3-key": ID,
        "repo1-s3-key-secret": SECRET,
        "repo1-s3-token": "token==",
    }


def test_a_repository_on_azure_has_its_account() -> None:
    data = render("azureStorage", "pgbackrest", fields("azureStorage"), repo=4)
    assert data.keys() == {"azure.conf"}
    assert lines(data["azure.conf"]) == {"repo4-azure-account": "backups", "repo4-azure-key": ACCOUNT_KEY}


def test_a_repository_on_google_has_its_key_file() -> None:
    data = render("google", "pgbackrest", fields("google"))
    assert data.keys() == {"gcs-key.json"}
    assert json.loads(data["gcs-key.json"]) == json.loads(SERVICE_ACCOUNT)


@pytest.mark.parametrize("repo", [0, 257])
def test_a_repository_that_there_cannot_be_is_refused(repo: int) -> None:
    with pytest.raises(ValueError, match="repo"):
        render("s3", "pgbackrest", fields("s3"), repo=repo)

"""restic's variables, by the names in its code and documentation and in VolSync's code."""

from __future__ import annotations

import json

import pytest

from credential_operator import errors
from unit.material import ACCOUNT_KEY, AMAZON, CHINA, ID, SECRET, SERVICE_ACCOUNT, decoded, fields
from unit.reading import ACCOUNT, render


def test_a_repository_on_s3_is_told_with_its_region() -> None:
    assert decoded(render("s3", "restic", fields("s3", AMAZON, sessionToken="token=="), prefix="a/b")) == {
        "RESTIC_REPOSITORY": "s3:https://s3.eu-west-1.amazonaws.com/backups/a/b",
        "AWS_ACCESS_KEY_ID": ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": "token==",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


def test_a_repository_may_be_all_of_a_bucket() -> None:
    found = decoded(render("s3", "restic", fields("s3"), bucket="others"))
    assert found["RESTIC_REPOSITORY"] == "s3:https://minio.example:9000/others"


@pytest.mark.parametrize(("spec", "domain"), [({}, "core.windows.net"), (CHINA, "core.chinacloudapi.cn")])
def test_a_repository_on_azure_is_told_with_its_domain(spec: dict[str, str], domain: str) -> None:
    data = render("azureStorage", "restic", fields("azureStorage", spec), bucket="backups", prefix="a")
    assert decoded(data) == {
        "RESTIC_REPOSITORY": "azure:backups:/a",
        "AZURE_ACCOUNT_NAME": "backups",
        "AZURE_ACCOUNT_KEY": ACCOUNT_KEY,
        "AZURE_ENDPOINT_SUFFIX": domain,
    }


@pytest.mark.parametrize("type_name", ["s3", "azureStorage"])
def test_volsync_finds_the_repositorys_password_beside_the_key(type_name: str) -> None:
    found = fields(type_name, encryptionKey="a word")
    data = decoded(render(type_name, "restic", found, bucket="backups"))
    assert data["RESTIC_PASSWORD"] == "a word"
    assert decoded(render(type_name, "env", found))["RESTIC_PASSWORD"] == "a word"


def test_a_repository_on_google_has_the_file_itself_as_volsync_mounts_it() -> None:
    found = decoded(render("google", "restic", fields("google"), bucket="backups"))
    assert found.keys() == {"RESTIC_REPOSITORY", "GOOGLE_PROJECT_ID", "GOOGLE_APPLICATION_CREDENTIALS"}
    assert found["RESTIC_REPOSITORY"] == "gs:backups:/"
    assert found["GOOGLE_PROJECT_ID"] == ACCOUNT["project_id"]
    assert json.loads(found["GOOGLE_APPLICATION_CREDENTIALS"]) == json.loads(SERVICE_ACCOUNT)


def test_where_no_bucket_is_named_one_is_asked_for() -> None:
    with pytest.raises(errors.InvalidSpec, match=r"options\.bucket is missing"):
        render("azureStorage", "restic", fields("azureStorage"))


@pytest.mark.parametrize("prefix", ["", "/a", "a/", "a//b", "a b", "a\n"])
def test_a_prefix_that_readers_differ_on_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        render("s3", "restic", fields("s3"), prefix=prefix)

"""What pxctl prints and is called with, taken over as Portworx's own documentation shows it."""

import pytest

from cli.taken import KEY_ID, SECRET, entries, proposed, said, spec
from credential_operator.cli import proposals
from credential_operator.cli.problems import Exit, Problem

COMMAND = f"""
pxctl credentials create \\
  --provider s3 \\
  --s3-access-key {SECRET}
  --s3-secret-key {KEY_ID} \\
  --s3-region us-east-1 \\
  --s3-endpoint s3.amazonaws.com \\
  --s3-storage-class STANDARD \\
  backups
"""


def test_a_portworx_user_pastes_the_command_as_the_documentation_has_it() -> None:
    (one,) = proposed(COMMAND)

    assert spec(one) == {
        "s3": {"region": "us-east-1", "storageClass": "STANDARD"},
        "secretRef": {"name": "backups-keys"},
    }
    (entry,) = entries(COMMAND)
    assert entry.fields == {"accessKeyID": KEY_ID, "secretAccessKey": SECRET}
    assert "were exchanged" in said(one)


def test_a_store_that_is_not_amazons_keeps_its_endpoint() -> None:
    words = f"--s3-access-key={KEY_ID} --s3-secret-key={SECRET} --s3-endpoint minio:9000,other:9000"
    (one,) = entries(f"/opt/pwx/bin/pxctl cred c --provider s3 {words} --s3-disable-ssl --enc {SECRET} minio")

    assert one.config == {"endpoint": "minio:9000", "disableSSL": True, "forcePathStyle": True}
    assert one.fields["encryptionKey"] == SECRET
    assert "other:9000 is left out" in one.left[0]
    (other,) = entries(f"pxctl cred create --provider s3 {words} --disable-path-style minio")
    assert "forcePathStyle" not in other.config


TABLE = """S3 Credentials
UUID\t\t\t\t\t\tREGION\t\t\tENDPOINT\t\t\tACCESS KEY\t\t\tSSL ENABLED\tENCRYPTION
ffffffff-ffff-ffff-1111-ffffffffffff\t\tus-east-1\t\ts3.amazonaws.com\t\tAAAAAAAAAAAAAAAAAAAA\t\tfalse\t\ttrue

Azure Credentials
UUID\t\t\t\t\t\tACCOUNT NAME\t\tENCRYPTION
ffffffff-ffff-ffff-ffff-ffffffffffff\t\tportworxtest\t\tfalse
"""


def test_a_list_shows_no_secrets_and_it_is_told_how_to_add_them() -> None:
    bucket, account = proposed(TABLE)

    assert spec(bucket)["s3"] == {"region": "us-east-1", "disableSSL": True}
    assert "secretAccessKey: not in the file" in said(bucket)
    assert "does not show with what" in said(bucket)
    assert spec(account)["azureStorage"] == {"accountName": "portworxtest"}
    assert "accountKey: not in the file" in said(account)


@pytest.mark.parametrize(
    "listed",
    [
        {"u-1": {"CredType": "s3", "CredName": "a", "CredRegion": "eu-west-1", "CredAccessKey": KEY_ID}},
        [{"uuid": "u-1", "name": "a", "type": "s3", "region": "eu-west-1", "access_key": KEY_ID}],
        [
            {
                "credential_id": "u-1",
                "name": "a",
                "aws_credential": {"region": "eu-west-1", "access_key": KEY_ID},
            }
        ],
        {"credentials": [{"id": "u-1", "name": "a", "region": "eu-west-1", "accessKey": KEY_ID, "acl": {}}]},
    ],
)
def test_a_list_in_json_is_read_in_the_names_of_every_version(listed: object) -> None:
    (one,) = entries(listed, "portworx")

    assert (one.name, one.type, one.config) == ("a", "s3", {"region": "eu-west-1"})
    assert one.fields == {"accessKeyID": KEY_ID}


def test_a_credential_without_a_name_has_that_of_its_uuid() -> None:
    (one,) = entries({"ffff-1": {"google_credential": {"project_id": "example-project"}}}, "portworx")

    assert (one.name, one.type, one.config) == ("ffff-1", "google", {"projectID": "example-project"})


def test_a_key_file_that_a_command_names_is_not_read() -> None:
    (one,) = entries(
        "pxctl credentials create --provider google --google-project-id example-project "
        "--google-json-key-file /keys/one.json mine"
    )

    assert one.left == ["The key file is not read: add /keys/one.json as serviceAccountJSON."]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--provider s3 --s3-region eu-west-1 --use-iam mine", "the role of the node (--use-iam)"),
        ("--provider azure --azure-account-name a --use-iam mine", "kubectl credential create azureStorage"),
        ("--provider s3 --use-workload-identity mine", "kubectl credential create s3"),
    ],
)
def test_what_has_no_key_is_told_with_what_to_do(words: str, told: str) -> None:
    (one,) = proposed(f"pxctl credentials create {words}")

    assert one.new is None
    assert told in said(one)


def test_what_a_type_has_no_field_for_is_told() -> None:
    (one,) = entries("pxctl cred create --provider s3 --s3-sse aws:kms --use-proxy mine")

    assert [sentence.partition(":")[0] for sentence in one.left] == ["sse", "useproxy"]


@pytest.mark.parametrize(
    "command",
    [
        "pxctl --context admin --ssl -j credentials create {} mine",
        "pxctl credentials create {} mine -j",
        "pxctl cred c -j mine --json {}",
        "pxctl cred c --ca /ca.pem --cert /c.pem --key /k.pem --config /c.yml --ssl --raw --color {} mine",
        "pxctl credentials create {} mine --s3-disable-ssl=false --json=true",
    ],
)
def test_flags_of_pxctl_itself_are_none_of_the_credential(command: str) -> None:
    words = f"--provider s3 --s3-access-key={KEY_ID} --s3-secret-key {SECRET} --s3-region eu-west-1"
    (one,) = entries(command.format(words))

    assert (one.name, one.config, one.left) == ("mine", {"region": "eu-west-1"}, [])
    assert one.fields == {"accessKeyID": KEY_ID, "secretAccessKey": SECRET}


def test_a_sentence_about_the_command_is_none() -> None:
    with pytest.raises(Problem, match="holds no credential that is known here"):
        entries("pxctl credentials create doesn't show --provider s3 --s3-region eu-west-1")


def test_tables_of_others_are_none_of_portworx() -> None:
    with pytest.raises(Problem) as refused:
        entries("S3 Credentials\nUUID\tREGION\nonly-one-cell\n\nUUID\tNAME\na\tb\n", "flexera")
    assert refused.value.status is Exit.USAGE
    with pytest.raises(Problem):
        entries("UUID\tREGION\na\tb\n")


def test_secrets_are_left_out_where_they_are_not_wanted() -> None:
    found = entries(COMMAND)

    (one,) = proposals.proposals(found, namespace="team-a", with_secret=False, given={})

    assert one.new is not None
    assert one.new.secret is None
    assert one.new.credential["metadata"] == {"name": "backups", "namespace": "team-a"}

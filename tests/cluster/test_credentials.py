"""A key becomes available: who it is, what is published, and that the real client can use it."""

import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest

from cluster import space as spaces
from cluster.sites import Site
from cluster.space import FINALIZER, Key, Space
from emulators import clients, s3
from emulators.aws import AwsEmulator, allow, trust

LISTS = allow("s3:ListBucket", "s3:PutObject", "s3:GetObject")
ROLE = {"name": "role", "format": "aws-credentials-file"}


@pytest.fixture(scope="module")
def versity() -> Iterator[s3.Versity]:
    with s3.Versity() as server:
        yield server


def test_a_good_key_is_available_and_says_whose_it_is(space: Space) -> None:
    space.new_user()
    key = space.new_key()

    space.apply(space.source(key), space.credential())
    space.kubectl("wait", "credential/backups", "--for=condition=Ready", "--timeout=120s")

    found = space.get("credential", "backups")
    assert spaces.conditions(found) == {
        "Ready": "True Available",
        "Validated": "True Accepted",
        "Synced": "True Published",
    }
    assert found["status"]["identity"] == {"principal": space.arn, "account": "123456789012"}
    assert found["status"]["key"] == {"id": key[0]}
    assert found["status"]["type"] == "aws"
    assert found["metadata"]["finalizers"] == [FINALIZER]


def test_kubectl_shows_whether_a_credential_works_and_whose_it_is(space: Space) -> None:
    space.published()

    header, line = space.kubectl("get", "credentials").splitlines()

    assert header.split()[:5] == ["NAME", "READY", "STATUS", "TYPE", "IDENTITY"]
    assert line.split()[:6] == ["backups", "True", "Available", "aws", space.arn, "0"]


def test_what_is_published_works_in_the_real_client(space: Space, aws: AwsEmulator) -> None:
    space.published()
    env = space.data("backups-env")

    client = boto3.client(
        "sts",
        region_name=env["AWS_REGION"],
        endpoint_url=env["AWS_ENDPOINT_URL_STS"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        verify=aws.ca_path,
    )

    assert client.get_caller_identity()["Arn"] == space.arn


def test_a_target_says_whose_it_is_and_goes_with_it(space: Space) -> None:
    space.published(targets=[{"name": "backups-env", "format": "env", "labels": {"tier": "backup"}}])

    metadata = space.get("secret", "backups-env")["metadata"]

    assert metadata["labels"] == {
        "app.kubernetes.io/managed-by": "credential-operator",
        spaces.OWNER: "backups",
        "tier": "backup",
    }
    (owner,) = metadata["ownerReferences"]
    assert owner["uid"] == space.get("credential", "backups")["metadata"]["uid"]
    assert owner["controller"] is True


def test_without_targets_an_existing_secret_is_validated_where_it_is_and_nothing_is_written(
    space: Space, site: Site
) -> None:
    space.new_user()
    space.apply(space.source(space.new_key()))
    before = space.get("secret", "keys")

    space.apply(space.credential(targets=None), space.reference())
    found = space.becomes(Ready="True Available", Validated="True Accepted", Synced="True NothingToPublish")
    space.becomes("nightly", "credentialreference", Bound="True Bound", Ready="True Available")

    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert space.get("secret", "keys") == before
    assert [secret["metadata"]["name"] for secret in space.all("secrets")] == ["keys"]
    assert not [seen for seen in site.writes(space.name) if "/secrets" in seen.path]


def test_a_first_success_is_told_in_one_write_and_no_event(space: Space, site: Site) -> None:
    space.published()

    status = "credentials/backups/status"
    space.until(lambda: status in site.written(space.name), "the status is written")
    assert site.written(space.name)[-2:] == ["secrets", status]
    assert space.events() == []


def test_an_annotation_asks_for_a_check_now(space: Space, aws: AwsEmulator) -> None:
    key = space.published()
    aws.reset_calls()

    space.kubectl("annotate", "credential", "backups", "credential-operator.io/reconcile-at=now")
    space.until(
        lambda: space.get("credential", "backups")["status"].get("lastHandledReconcileAt") == "now",
        "the annotation is obeyed",
    )

    assert _asked(aws, key) == 1


def test_a_suspended_credential_is_neither_checked_nor_published(space: Space, aws: AwsEmulator) -> None:
    space.new_user()
    key = space.new_key()

    space.apply(space.source(key), space.credential(suspend=True))
    space.becomes(Suspended="True Suspended", Ready="Unknown Pending")
    assert _asked(aws, key) == 0
    assert space.find("secret", "backups-env") is None

    space.patch("credential", "backups", {"spec": {"suspend": False}})
    space.becomes(Suspended=None, Ready="True Available")


def test_with_validation_disabled_a_key_is_published_unchecked(space: Space, aws: AwsEmulator) -> None:
    key = ("AKIAIOSFODNN7UNKNOWN", "x" * 40)

    space.apply(space.source(key))
    space.apply(space.credential(validation={"policy": "Disabled"}))

    space.becomes(Ready="True AvailableUnchecked", Validated="Unknown ValidationDisabled")
    assert space.key_in() == key
    assert _asked(aws, key) == 0


def _asked(aws: AwsEmulator, key: Key) -> int:
    """Return how often the provider was asked about a key."""
    return sum(call.access_key_id == key[0] for call in aws.calls)


# Roles


def test_a_role_that_needs_no_external_id_is_warned_of_until_it_asks_for_the_derived_one(
    space: Space, aws: AwsEmulator
) -> None:
    user = space.new_user(allow("sts:AssumeRole"))
    role = aws.create_role(space.name, trust=trust(user))
    document = space.credential(aws=_assuming(aws, role))

    space.apply(space.source(space.new_key()), document)
    found = space.becomes(Ready="True Available", Warning="True ExternalIDNotRequired")
    space.until(lambda: space.events() == [("Warning", "ExternalIDNotRequired")], "people are told")
    assert found["status"]["identity"]["principal"] == role

    external_id = found["status"]["externalID"]
    aws.set_trust(role, trust(user, external_id=external_id))
    space.kubectl("annotate", "credential", "backups", "credential-operator.io/reconcile-at=now")
    space.becomes(Ready="True Available", Warning=None)

    space.kubectl("delete", "credential", "backups")
    space.apply(document)
    found = space.becomes(Ready="True Available", Warning=None)
    assert found["status"]["externalID"] == external_id


def test_the_real_client_assumes_the_role_by_the_published_file_alone(
    space: Space, aws: AwsEmulator, tmp_path: pathlib.Path
) -> None:
    user = space.new_user(allow("sts:AssumeRole"))
    role = aws.create_role(space.name, trust=trust(user, external_id="agreed-on"))
    assuming = _assuming(aws, role, externalID="agreed-on")
    space.apply(space.source(space.new_key()), space.credential(aws=assuming, targets=[ROLE]))
    space.becomes(Ready="True Available", Warning=None)
    file = tmp_path / "credentials"
    file.write_text(space.data("role")["credentials"])

    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWS_SHARED_CREDENTIALS_FILE": str(file),
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_CA_BUNDLE": str(aws.ca_path),
            "AWS_ENDPOINT_URL_STS": aws.url,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert f":assumed-role/{space.name}/credential-operator" in done.stdout, done.stderr


def _assuming(aws: AwsEmulator, role: str, **fields: str) -> spaces.Json:
    return {"region": "eu-west-1", "endpoint": aws.url, "assumeRole": {"roleARN": role, **fields}}


# Buckets


def test_a_key_for_a_bucket_is_available_and_works_in_the_real_client(space: Space, aws: AwsEmulator) -> None:
    space.new_user(LISTS)
    key = space.new_key()
    aws.create_bucket(space.name, region="eu-west-1")
    bucket = {"region": "eu-west-1", "endpoint": aws.url, "bucket": space.name}

    space.apply(space.source(key), _of_bucket(space, bucket))
    found = space.becomes(Ready="True Available", Validated="True Accepted")

    assert found["status"]["identity"]["principal"] == key[0]
    _put(space, aws, space.name)


def test_a_bucket_of_another_server_is_available_under_its_own_certificate(
    space: Space, versity: s3.Versity
) -> None:
    key = versity.create_user(space.name)
    versity.create_bucket(space.name, owner=key[0])
    bucket = {
        "endpoint": versity.url,
        "bucket": space.name,
        "forcePathStyle": True,
        "caBundle": versity.ca_pem.decode(),
    }

    space.apply(space.source(key), _of_bucket(space, bucket))
    space.becomes(Ready="True Available", Validated="True Accepted")

    _put(space, versity, space.name)


def test_a_bucket_that_does_not_exist_is_a_mistake_in_the_spec(space: Space, versity: s3.Versity) -> None:
    key = versity.create_user(space.name)
    bucket = {"endpoint": versity.url, "bucket": "elsewhere", "caBundle": versity.ca_pem.decode()}

    space.apply(space.source(key), _of_bucket(space, bucket))

    space.becomes(Ready="False Misconfigured", Validated="False Misconfigured", Stalled="True Misconfigured")
    space.until(lambda: ("Warning", "Misconfigured") in space.events(), "people are told")


def _of_bucket(space: Space, bucket: spaces.Json) -> spaces.Json:
    document = space.credential(s3=bucket)
    del document["spec"]["aws"]
    return document


def _put(space: Space, server: clients.Endpoint, bucket: str) -> None:
    """Write and list an object with the key that was published."""
    env = space.data("backups-env")
    key = (env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    client = clients.client("s3", server, key, region=env["AWS_REGION"])
    client.put_object(Bucket=bucket, Key="one", Body=b"1")
    assert [one["Key"] for one in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["one"]

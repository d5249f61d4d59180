"""Manifests that are checked before anything is applied: what the provider and the API server say of them."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from cli.desk import Desk
from cli.manifest import ROLE, WRONG, Json, credential, secret
from emulators.aws import AwsEmulator, User, allow


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEmulator]:
    with AwsEmulator() as emulator:
        yield emulator


@pytest.fixture
def user(aws: AwsEmulator) -> User:
    aws.reset()
    return aws.create_user("backup", policies=[allow("sts:*")])


def checked(desk: Desk, status: int, *documents: Json, more: tuple[str, ...] = ()) -> list[Json]:
    """Return what is said of manifests; the command must end with this status."""
    answer = desk.run("check", "-f", "-", "-o", "json", *more, stdin=yaml.safe_dump_all(documents))
    assert answer.returncode == status, answer.stdout + answer.stderr
    assert WRONG not in answer.stdout + answer.stderr
    return list(json.loads(answer.stdout)["items"])


def through(aws: AwsEmulator) -> tuple[str, ...]:
    """Return the options with which an emulator can be asked."""
    return ("--allow-endpoint", "127.0.0.1", "--ca-bundle", str(aws.ca_path))


# What the provider says


def test_a_pipeline_learns_by_the_exit_status_what_the_provider_says(
    desk: Desk, aws: AwsEmulator, user: User
) -> None:
    where: Json = {"aws": {"region": "eu-west-1", "endpoint": aws.url}}
    good, bad = aws.create_key(user), (aws.create_key(user)[0], WRONG)
    more = through(aws)

    (accepted,) = checked(desk, 0, credential(**where), secret(good), more=more)
    assert (accepted["outcome"], accepted["reason"]) == ("Valid", "Accepted")
    assert accepted["message"] == f"The provider accepted the key of {user.arn}."
    (refused,) = checked(desk, 3, credential(**where), secret(bad), more=more)
    assert (refused["outcome"], refused["reason"]) == ("Invalid", "Rejected")
    nowhere: Json = {"aws": {"region": "eu-west-1", "endpoint": "https://127.0.0.1:1"}}
    (unknown,) = checked(desk, 5, credential(**nowhere), secret(good), more=more)
    assert (unknown["outcome"], unknown["reason"]) == ("Unknown", "ProviderUnreachable")


def test_every_credential_has_a_line_and_the_worst_decides(
    desk: Desk, aws: AwsEmulator, user: User, tmp_path: Path
) -> None:
    where = {"region": "eu-west-1", "endpoint": aws.url}
    folder = tmp_path / "deploy"
    folder.mkdir()
    kept = secret(aws.create_key(user))
    kept["data"] = {
        name: base64.encodebytes(value.encode()).decode() for name, value in kept.pop("stringData").items()
    }
    (folder / "list.yaml").write_text(
        yaml.safe_dump({"kind": "List", "items": [credential(aws=where), kept]})
    )
    (folder / "other.json").write_text(json.dumps(credential("other", aws={"region": "nowhere"})))
    (folder / "README.md").write_text("not a manifest: [")

    answer = desk.run("check", "-f", str(folder), *through(aws))

    assert answer.returncode == 3, answer.stderr
    first, second = [re.split(" {2,}", line) for line in answer.stdout.splitlines()[1:]]
    assert first[:5] == [f"{folder}/list.yaml", "backups", "aws", "Valid", "Accepted"]
    assert second[:4] == [f"{folder}/other.json", "other", "Invalid", "Misconfigured"]
    assert second[4].startswith("spec.aws.region: ")


def test_nobody_is_asked_where_that_is_not_wanted(desk: Desk, aws: AwsEmulator, user: User) -> None:
    where = {"region": "eu-west-1", "endpoint": aws.url}
    key = aws.create_key(user)
    aws.reset_calls()
    wanted: Mapping[str, Json] = {
        "suspended": {"suspend": True, "aws": where},
        "disabled": {"validation": {"policy": "Disabled"}, "aws": where},
        "keyless": {
            "secretRef": None,
            "workloadIdentity": {"serviceAccountName": "backup", "roleARN": ROLE},
            "aws": where,
        },
    }
    documents = [credential(name, **spec) for name, spec in wanted.items()]
    secrets = [secret(key, f"{name}-keys") for name in wanted]

    said = checked(desk, 0, *documents, *secrets, more=through(aws))
    assert [one["reason"] for one in said] == ["NotAsked"] * len(wanted)
    (offline,) = checked(desk, 0, credential(aws=where), secret(key), more=("--offline",))
    assert "--offline" in offline["message"]
    assert aws.calls == []


def test_an_endpoint_that_the_operator_would_refuse_is_refused_here(desk: Desk) -> None:
    where: Json = {"aws": {"region": "eu-west-1", "endpoint": "https://169.254.169.254"}}

    (one,) = checked(desk, 3, credential(**where), secret(), more=("--allow-endpoint", "*"))

    assert one["reason"] == "Misconfigured"
    assert "metadata" in one["message"] or "link-local" in one["message"]


# With a cluster


def test_a_secret_that_is_not_in_the_files_is_read_from_the_cluster(desk: Desk) -> None:
    desk.lay({**secret(), "metadata": {"name": "backups-keys", "namespace": "team-a"}})
    more = ("--offline", "--from-cluster")

    (one,) = checked(desk, 0, credential(), more=more)
    assert one["reason"] == "NotAsked"
    (one,) = checked(desk, 3, credential("other"), more=more)
    assert one["message"] == "Secret other-keys is neither in the files nor in the cluster."
    desk.refuse("get secret", "Unable to connect to the server")
    answer = desk.run("check", "-f", "-", *more, stdin=yaml.safe_dump(credential()))
    assert answer.returncode == 1


def test_the_api_server_is_asked_without_the_secret_and_nothing_is_written(desk: Desk) -> None:
    more = ("--offline", "--server", "-n", "team-b")
    checked(desk, 0, credential(), secret(), more=more)
    (call,) = desk.calls
    assert {"apply", "--dry-run=server", "--server-side"} <= {*call["argv"]}
    assert WRONG not in json.dumps(call)

    desk.refuse("apply", 'The Credential "backups" is invalid: spec.targets: no')
    (one,) = checked(desk, 3, credential(), secret(), more=more)
    assert (one["namespace"], one["reason"]) == ("team-b", "Invalid")
    desk.refuse("apply", "Unable to connect to the server: x")
    answer = desk.run("check", "-f", "-", *more, stdin=yaml.safe_dump_all([credential(), secret()]))
    assert answer.returncode == 1

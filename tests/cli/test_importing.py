"""The command that takes credentials over: what it prints and makes, and what it finds among Secrets."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cli.desk import Desk
from credential_operator.cli import discovery

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "Kanarie7bPxRfiCYEXAMPLEKEYwJalrXUtnFEMIK"
TENANT, CLIENT = "96fabb56-8782-4f37-b6f2-ae41118a6b43", "f752ce48-618a-44f8-b5ef-47b5ab9b25b2"
PHARMER = f"""
apiVersion: v1beta1
kind: Credential
metadata: {{name: aws}}
spec:
  provider: aws
  data: {{accessKeyID: {KEY_ID}, secretAccessKey: {SECRET}}}
"""
COMMANDS = f"""
pxctl credentials create --provider s3 --s3-access-key {KEY_ID} --s3-secret-key {SECRET} backups
pxctl credentials create --provider s3 --use-iam keyless
"""

Json = dict[str, Any]


def secret(name: str, data: Mapping[str, str], kind: str = "Opaque", **labels: str) -> Json:
    """Return a Secret as the API server shows it."""
    return {
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "team-a", "labels": labels},
        "type": kind,
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


# From a file


def test_what_is_printed_is_for_kubectl_and_what_is_left_for_people(desk: Desk) -> None:
    answer = desk.run("import", "-f", "-", stdin=COMMANDS)

    assert answer.returncode == 2
    made, credential = yaml.safe_load_all(answer.stdout)
    assert base64.b64decode(made["data"]["secretAccessKey"]).decode() == SECRET
    assert credential["spec"] == {"s3": {}, "secretRef": {"name": "backups-keys"}}
    assert "backups becomes Credential backups." in answer.stderr
    assert "keyless is not taken over.\n  It has no key" in answer.stderr
    assert SECRET not in answer.stderr
    assert not (desk.folder / "calls.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("-o", "name"), ["secret/aws-keys", "credential/aws"]),
        (("-o", "name", "--no-secret"), ["credential/aws"]),
        (("-o", "name", "--apply", "--dry-run=client"), ["secret/aws-keys", "credential/aws"]),
        (
            ("-o", "name", "--format", "pharmer", "--set", "region=eu-west-1"),
            ["secret/aws-keys", "credential/aws"],
        ),
    ],
)
def test_names_are_enough_for_a_look(desk: Desk, words: tuple[str, ...], names: list[str]) -> None:
    answer = desk.run("import", "-f", "-", *words, stdin=PHARMER)

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == names


def test_what_is_applied_is_rehearsed_asked_for_and_made(desk: Desk) -> None:
    file = desk.folder / "pharmer.yaml"
    file.write_text(PHARMER)
    apply = ("import", "-f", str(file), "--apply", "-n", "team-b")

    refused = desk.run(*apply)
    assert refused.returncode == 2
    assert "Make 1 Credential and 1 Secret? Nobody can be asked here: say --yes." in refused.stderr
    rehearsed = desk.run(*apply, "--dry-run=server", "-o", "json")
    assert [one["kind"] for one in json.loads(rehearsed.stdout)["items"]] == ["Secret", "Credential"]
    assert all("--dry-run=server" in call["argv"] for call in desk.calls)

    desk.refuse("get", "Error from server (NotFound): it was not made")
    before = len(desk.calls)
    desk.run(*apply, "--yes")
    kinds = [json.loads(call["stdin"])["kind"] for call in desk.calls[before:] if call["argv"][0] == "create"]
    assert kinds[-2:] == ["Secret", "Credential"]
    assert not any(SECRET in json.dumps(call["argv"]) for call in desk.calls)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Give either -f FILE or --discover."),
        (("--discover", "-f", "-"), "Give either -f FILE or --discover."),
        (("--discover", "--set", "region=eu-west-1"), "--set and --format are for files"),
        (("-f", "-"), "- holds no credential that is known here: Pharmer's Credential YAML"),
        (("-f", "-", "--format", "flexera"), "- holds no credential that is known here: Flexera's"),
        (("-f", "-", "--set", "region"), "must be NAME=VALUE; region is not."),
    ],
)
def test_what_cannot_be_meant_is_refused(desk: Desk, words: tuple[str, ...], told: str) -> None:
    answer = desk.run("import", *words, stdin="hello: world")

    assert answer.returncode == 2
    assert told in " ".join(answer.stderr.split())


# From Secrets


@pytest.fixture(scope="module")
def pem() -> str:
    """Return a private key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def guessed(data: Mapping[str, str]) -> tuple[str, str, dict[str, str]] | None:
    """Return type, layout and public fields that a Secret is taken for."""
    found = discovery.best({name: value.encode() for name, value in data.items()})
    return None if found is None else (found.provider.name, found.layout, dict(found.config))


AWS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
INI = f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
DOCKER = {"auths": {"https://index.docker.io/v1/": {"username": "me", "password": SECRET}}}


@pytest.mark.parametrize(
    ("data", "guess"),
    [
        (AWS, ("aws", "fields", {})),
        ({**AWS, "AWS_REGION": "eu-west-1"}, ("aws", "fields", {"region": "eu-west-1"})),
        ({**AWS, "RESTIC_PASSWORD": SECRET}, ("s3", "fields", {})),
        (
            {**AWS, "AWS_ENDPOINT_URL_S3": "https://minio:9000"},
            ("s3", "fields", {"endpoint": "https://minio:9000"}),
        ),
        ({"accessKeyID": KEY_ID, "secretAccessKey": SECRET}, ("aws", "fields", {})),
        ({"cloud": INI}, ("aws", "aws-credentials-file", {})),
        (
            {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": "x~Y.z" * 8},
            ("azure", "fields", {"tenantID": TENANT, "clientID": CLIENT}),
        ),
        ({".dockerconfigjson": json.dumps(DOCKER)}, ("registry", "docker-registry", {"host": "docker.io"})),
        ({".dockerconfigjson": '{"auths": []}'}, None),
        ({"username": "me", "password": SECRET}, ("basic", "fields", {})),
        ({"API_KEY": SECRET}, ("apiKey", "fields", {})),
        ({"key": SECRET}, None),
        ({"token": SECRET}, None),
        ({"AZURE_CLIENT_SECRET": SECRET, "AZURE_TENANT_ID": TENANT}, None),
        ({"ca.crt": "x"}, None),
        ({}, None),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
)
def test_a_secret_is_known_by_the_names_of_its_keys(
    data: Mapping[str, str], guess: tuple[str, str, dict[str, str]] | None
) -> None:
    assert guessed(data) == guess


def test_googles_key_file_is_known_wherever_it_stands(pem: str) -> None:
    account = {
        "type": "service_account",
        "project_id": "example-project",
        "private_key_id": "a" * 40,
        "private_key": pem,
        "client_email": "backup@example-project.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }

    found = guessed({"key.json": json.dumps(account)})

    assert found is not None
    assert found[0] == "google"


def test_key_material_in_the_place_of_a_public_field_is_not_shown() -> None:
    assert guessed({**AWS, "AWS_REGION": f"{SECRET} {SECRET}"}) == ("aws", "fields", {})


def test_secrets_that_a_credential_has_or_the_operator_writes_are_left_alone() -> None:
    owner = {"credential-operator.io/credential": "x"}
    secrets = [
        secret("loose-keys", AWS),
        *(secret(name, AWS) for name in ("source", "store", "target")),
        secret("ours", AWS, **owner),
        secret("tls", AWS, kind="kubernetes.io/tls"),
        secret("settings", {"colour": "blue"}),
    ]
    credential = {
        "metadata": {"name": "a", "namespace": "team-a"},
        "spec": {
            "secretRef": {"name": "source"},
            "rotation": {"store": "store"},
            "targets": [{"name": "target"}],
        },
    }

    (one,) = discovery.proposals(secrets, [credential])

    assert one.name == "Secret team-a/loose-keys"
    assert one.new is not None
    assert one.new.credential["metadata"] == {"name": "loose", "namespace": "team-a"}
    assert one.new.credential["spec"] == {"aws": {}, "secretRef": {"name": "loose-keys"}}
    assert one.said == ["Known by its keys AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY."]


def test_what_is_found_among_secrets_is_printed_without_what_is_in_them(desk: Desk) -> None:
    desk.lay(secret("loose", {**AWS, "AWS_REGION": "eu-west-1"}), secret("velero", {"cloud": INI}))

    answer = desk.run("import", "--discover", "-A")

    assert answer.returncode == 0, answer.stderr
    first, second = yaml.safe_load_all(answer.stdout)
    assert first["spec"] == {"aws": {"region": "eu-west-1"}, "secretRef": {"name": "loose"}}
    assert second["spec"]["secretRef"] == {"name": "velero", "format": "aws-credentials-file"}
    assert not any(word in answer.stdout + answer.stderr for word in (SECRET, KEY_ID))
    encoded = base64.b64encode(SECRET.encode()).decode()
    assert encoded not in answer.stdout + answer.stderr
    assert "--all-namespaces" in desk.calls[0]["argv"]


def test_nothing_found_is_said(desk: Desk) -> None:
    desk.lay()

    answer = desk.run("import", "--discover")

    assert (answer.returncode, answer.stdout) == (0, "")
    assert "No Secret looks like a key" in answer.stderr


def test_who_may_not_read_secrets_is_told_which_role_can(desk: Desk) -> None:
    desk.refuse(
        "get secrets",
        'Error from server (Forbidden): secrets is forbidden: User "vera" cannot list resource "secrets" in API '
        'group "" in the namespace "team-a"',
    )

    answer = desk.run("import", "--discover")

    assert answer.returncode == 1
    assert "vera may not list secrets in namespace team-a: ask for the role edit there." in answer.stderr

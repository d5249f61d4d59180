"""Keys that are made and replaced: where they come from, what is made of them, and what is refused before."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cli import world
from cli.desk import Desk
from credential_operator import formats, providers
from credential_operator.cli import creation, flags, manifests, material

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "Kanarie7bPxRfiCYEXAMPLEKEYwJalrXUtnFEMIK"
VARIABLES = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "eu-west-1"}
MANIFESTS = ("--dry-run=client", "-o", "yaml")
TENANT, CLIENT = "96fabb56-8782-4f37-b6f2-ae41118a6b43", "f752ce48-618a-44f8-b5ef-47b5ab9b25b2"
PRINCIPAL = ("--tenant-id", TENANT, "--client-id", CLIENT)


def made(desk: Desk, *words: str, stdin: str | None = None, **environment: str) -> list[dict[str, Any]]:
    """Return the manifests that `create` prints."""
    answer = desk.run("create", *words, *MANIFESTS, stdin=stdin, **environment)
    assert answer.returncode == 0, answer.stderr
    return list(yaml.safe_load_all(answer.stdout))


def fields(secret: Mapping[str, Any]) -> dict[str, str]:
    """Return what a Secret holds."""
    return {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}


def refused(desk: Desk, *words: str, **environment: str) -> str:
    """Return why nothing is made."""
    answer = desk.run("create", *words, **environment)
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert answer.stdout == ""
    assert SECRET not in answer.stderr
    return " ".join(answer.stderr.split())


def test_the_usual_variables_give_key_and_public_fields(desk: Desk) -> None:
    secret, credential = made(desk, "s3", "backups", "--bucket", "backups", "--from-env", **VARIABLES)

    assert secret["metadata"] == {"name": "backups-keys"}
    assert fields(secret) == {"accessKeyID": KEY_ID, "secretAccessKey": SECRET}
    assert credential["spec"] == {
        "s3": {"bucket": "backups", "region": "eu-west-1"},
        "secretRef": {"name": "backups-keys"},
    }


def test_a_flag_wins_over_a_variable(desk: Desk) -> None:
    _, credential = made(desk, "s3", "a", "--region", "eu-north-1", "--from-env", **VARIABLES)

    assert credential["spec"]["s3"] == {"region": "eu-north-1"}


def test_flags_reach_every_part_of_a_spec(desk: Desk) -> None:
    role = "arn:aws:iam::012345678901:role/OrganizationAccountAccessRole"
    (credential,) = made(
        desk,
        *("aws", "customer", "--no-secret", "--namespace", "team-b", "--assume-role-role-arn", role),
        *(
            "--owner-team",
            "storage",
            "--validation-permissions",
            "s3:GetObject",
            "--validation-permissions",
            "Set",
        ),
        *(
            "--discover-reach",
            "--target",
            "customer-env=env",
            "--label",
            "tier=gold",
            "--secret-name",
            "given",
        ),
    )

    assert credential["metadata"] == {"name": "customer", "namespace": "team-b", "labels": {"tier": "gold"}}
    assert credential["spec"] == {
        "aws": {"assumeRole": {"roleARN": role}},
        "owner": {"team": "storage"},
        "validation": {"permissions": ["s3:GetObject", "Set"]},
        "discoverReach": True,
        "secretRef": {"name": "given"},
        "targets": [{"name": "customer-env", "format": "env"}],
    }


def test_a_credential_can_do_without_a_stored_key(desk: Desk) -> None:
    (credential,) = made(
        desk, "azure", "keyless", *PRINCIPAL, "--workload-identity-service-account-name", "backup"
    )

    assert credential["spec"]["workloadIdentity"] == {"serviceAccountName": "backup"}
    assert "secretRef" not in credential["spec"]


def test_an_existing_secret_is_named_with_its_layout(desk: Desk) -> None:
    (credential,) = made(desk, "aws", "a", "--from-secret", "cloud-credentials", "--format", "velero")

    assert credential["spec"]["secretRef"] == {"name": "cloud-credentials", "format": "velero"}


FILES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    # As Pharmer's documentation shows it, with the comma at the end.
    "pharmer.json": ("aws", f'{{"accessKeyID": "{KEY_ID}",\n "secretAccessKey": "{SECRET}",\n}}', ()),
    "fields.yaml": ("s3", f"accessKeyID: {KEY_ID}\nsecretAccessKey: {SECRET}\nregion: eu-west-1\n", ()),
    "credentials": (
        "aws",
        f"[team]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\nregion = eu-west-1\n",
        ("--profile", "team"),
    ),
    "keys.env": ("aws", "".join(f"export {name}={value}\n" for name, value in VARIABLES.items()), ()),
    "sdk-auth.json": (
        "azure",
        json.dumps(
            {"clientId": CLIENT, "clientSecret": SECRET, "tenantId": TENANT, "subscriptionId": CLIENT}
        ),
        (),
    ),
    "config.json": (
        "registry",
        json.dumps({"auths": {"ghcr.io": {"username": "me", "password": SECRET}}}),
        ("--host", "ghcr.io"),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_in_the_layout_that_it_has(desk: Desk, name: str) -> None:
    kind, content, more = FILES[name]
    (desk.folder / name).write_text(content)

    secret, credential = made(desk, kind, "a", "--from-file", str(desk.folder / name), *more)

    assert SECRET in fields(secret).values()
    assert SECRET not in json.dumps(credential)
    if "region" in content.lower():
        assert credential["spec"][kind]["region"] == "eu-west-1"
    if kind == "azure":
        assert credential["spec"]["azure"]["tenantID"] == TENANT


def test_standard_input_is_a_file_too(desk: Desk) -> None:
    secret, _ = made(desk, "aws", "a", "--from-file", "-", stdin=FILES["pharmer.json"][1])

    assert fields(secret) == {"accessKeyID": KEY_ID, "secretAccessKey": SECRET}


def test_a_field_is_read_from_a_file_without_the_newline_that_ends_files(desk: Desk) -> None:
    for name, text in {"id": KEY_ID, "key": SECRET}.items():
        (desk.folder / name).write_text(f"{text}\n")

    secret, _ = made(
        desk,
        *("aws", "a", "--from-file", f"accessKeyID={desk.folder}/id"),
        *("--from-file", f"secretAccessKey={desk.folder}/key"),
    )

    assert fields(secret) == {"accessKeyID": KEY_ID, "secretAccessKey": SECRET}


def test_oracles_configuration_is_read_with_the_key_that_it_names(desk: Desk, pem: str) -> None:
    ocid = f"ocid1.{{}}.oc1..{'a' * 60}".format
    fingerprint = ":".join(["20"] * 16)
    lines = {
        "user": ocid("user"),
        "tenancy": ocid("tenancy"),
        "fingerprint": fingerprint,
        "region": "eu-frankfurt-1",
    }
    (desk.folder / "oci.pem").write_text(pem)
    config = "\n".join(
        ["[DEFAULT]", *(f"{name}={value}" for name, value in lines.items()), "key_file=oci.pem"]
    )
    (desk.folder / "config").write_text(config)

    answer = desk.run("create", "oracle", "a", "--from-file", str(desk.folder / "config"), "--format", "ini")

    # The configuration was read whole: what is wrong is that this key has another fingerprint.
    assert answer.returncode == 2
    assert "fingerprint" in answer.stderr


@pytest.fixture
def pem() -> str:
    """Return a private key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("aws", "a", "--secret-access-key", SECRET), "never taken from the command line"),
        (("aws", "a", f"--secret-access-key={SECRET}"), "never taken from the command line"),
        (("azrue", "a"), "There is no credential type azrue (did you mean azure?)"),
        (("aws", "a"), "No key material, and nobody can be asked for it here"),
        (("azure", "a", "--from-env"), "No variable holds a key for azure: set AZURE_CLIENT_SECRET"),
        (
            ("basic", "a", "--from-file", "username=/dev/null"),
            "password is missing: give it by --from-file password=FILE",
        ),
        (("azure", "a", "--no-secret"), "tenantID is missing: give --tenant-id."),
        (("azure", "a", "--no-secret", "--tenant-id", "x y", "--client-id", CLIENT), "--tenant-id: must be"),
        (("aws", "a", "--from-env", "--no-secret"), "Say one thing of where the key is"),
        (("aws", "a", "--no-secret", "--target", "x"), "must be NAME=VALUE; x is not."),
        (("aws", "a", "--no-secret", "--target", "x y=env"), "targets.0.name: must be the name of a Secret"),
        (("aws", "a", "--no-secret", "--expires-at", "soon"), "--expires-at:"),
        (("aws", "a", "--from-file", "/nowhere/at/all"), "/nowhere/at/all cannot be read: No such file"),
        (("aws", "a", "--from-file", "secretAccesKey=/dev/null"), "aws has no field secretAccesKey; it has"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(
    desk: Desk, words: tuple[str, ...], told: str
) -> None:
    assert told in refused(desk, *words)
    assert not (desk.folder / "calls.jsonl").exists()


@pytest.mark.parametrize(
    ("content", "more", "told"),
    [
        (f"[other]\naws_access_key_id = {KEY_ID}\n", (), "is in no layout that holds a key for aws"),
        (
            f"[other]\na = {SECRET}\n",
            ("--format", "aws-credentials-file"),
            "has no profile default; it has other",
        ),
        (f"[other]\na = {SECRET}\n", ("--format", "nope"), "aws is read from fields, aws-credentials-file"),
        (f'{{"secretAccesKey": "{SECRET}"}}', ("--format", "fields"), 'aws has no field "secretAccesKey"'),
        (f"{SECRET}: [", ("--format", "fields"), "is not a JSON or YAML document"),
        (f"AWS_ACCESS_KEY_ID={KEY_ID}\n{SECRET}", ("--format", "env-file"), "line 2 is not NAME=value"),
        (f"accessKeyID: nope\nsecretAccessKey: {SECRET}", (), "accessKeyID"),
        (f"accessKeyID: {KEY_ID}\nsecretAccessKey: '{SECRET} '", (), "has white space around it"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_without_what_is_in_it(
    desk: Desk, content: str, more: tuple[str, ...], told: str
) -> None:
    file = desk.folder / "file"
    file.write_text(content)

    assert told in refused(desk, "aws", "a", "--from-file", str(file), *more)


def test_both_objects_are_rehearsed_before_they_are_made_and_key_material_is_in_no_argument(
    desk: Desk,
) -> None:
    answer = desk.run("create", "aws", "backups", "--from-env", **VARIABLES)

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("Secret backups-keys is made.\nCredential backups is made.\n")
    creating = [call for call in desk.calls if call["argv"][0] == "create"]
    assert [(json.loads(call["stdin"])["kind"], "--dry-run=server" in call["argv"]) for call in creating] == [
        ("Credential", True),
        ("Secret", True),
        ("Secret", False),
        ("Credential", False),
    ]
    encoded = base64.b64encode(SECRET.encode()).decode()
    assert not any(word in json.dumps(call["argv"]) for call in desk.calls for word in (SECRET, encoded))
    assert SECRET not in answer.stdout + answer.stderr


@pytest.mark.parametrize(("mode", "calls"), [("client", 0), ("server", 2)])
def test_a_rehearsal_prints_what_would_be_made(desk: Desk, mode: str, calls: int) -> None:
    made = ("create", "aws", "a", "--from-env", f"--dry-run={mode}")

    assert desk.run(*made, **VARIABLES).stdout == "secret/a-keys (dry run)\ncredential/a (dry run)\n"
    assert (desk.folder / "calls.jsonl").exists() == bool(calls)
    found = json.loads(desk.run(*made, "-o", "json", **VARIABLES).stdout)
    assert [one["kind"] for one in found["items"]] == ["Secret", "Credential"]
    alone = json.loads(desk.run(*made[:3], "--no-secret", made[-1], "-o", "json").stdout)
    assert alone["kind"] == "Credential"
    assert len(desk.calls) == 2 * calls + 1 if calls else not (desk.folder / "calls.jsonl").exists()


def test_what_the_api_server_refuses_leaves_nothing(desk: Desk) -> None:
    desk.refuse("create --dry-run=server", 'The Credential "backups" is invalid: spec.targets: no')

    answer = desk.run("create", "aws", "backups", "--from-env", **VARIABLES)

    assert answer.returncode == 1
    assert "The Credential" in answer.stderr
    assert len(desk.calls) == 1


def test_a_credential_that_cannot_be_made_takes_its_secret_with_it(desk: Desk) -> None:
    desk.refuse("create kind=Credential !--dry-run=server", "Error from server (Conflict): try again")

    answer = desk.run("create", "aws", "backups", "--from-env", **VARIABLES)

    assert answer.returncode == 1
    assert "Try again" in answer.stderr
    last = desk.calls[-1]
    assert last["argv"][:2] == ["delete", "--raw=/api/v1/namespaces/team-a/secrets/backups-keys"]
    assert json.loads(last["stdin"])["preconditions"] == {"uid": "uid-of-it"}


def test_a_secret_that_is_there_already_is_named_with_what_can_be_done(desk: Desk) -> None:
    desk.refuse(
        "create --request-timeout=30s", 'Error from server (AlreadyExists): secrets "a-keys" already exists'
    )

    answer = desk.run("create", "aws", "a", "--from-env", "--dry-run=server", **VARIABLES)

    assert answer.returncode == 1
    assert "kubectl credential describe a" in answer.stderr


@pytest.mark.parametrize("name", providers.find())
def test_every_type_has_flags_that_no_other_option_has(name: str) -> None:
    command = creation.create.get_command(creation.create.make_context("create", [name]), name)
    assert command is not None
    names = [flag for parameter in command.params for flag in parameter.opts]

    assert len(names) == len(set(names)), sorted(flag for flag in names if names.count(flag) > 1)


@pytest.mark.parametrize("name", providers.find())
def test_every_type_says_in_its_help_what_its_fields_are(desk: Desk, name: str) -> None:
    text = desk.run("create", name, "--help").stdout

    provider = providers.find()[name]
    assert " ".join(provider.title.split()) in " ".join(text.split())
    for field in material.secret_fields(provider):
        assert field in text
    for field, node in (
        provider.config.model_json_schema()["properties"].items() if provider.config.model_fields else ()
    ):
        if node.get("type") in ("string", "integer", "boolean"):
            assert f"--{flags.kebab(field)}" in text


@pytest.mark.parametrize("spelling", ["apiKey", "api-key", "APIKEY", "api_key"])
def test_a_type_is_known_by_any_spelling(desk: Desk, spelling: str) -> None:
    (credential,) = made(desk, spelling, "a", "--no-secret", "--preset", "GitHub")

    assert credential["spec"]["apiKey"] == {"preset": "GitHub"}


def test_every_layout_that_a_secret_can_be_read_in_is_one_for_files() -> None:
    for provider in providers.find().values():
        assert set(material.layouts_of(provider)) <= {*formats.sources(), material.FIELDS, material.VARIABLES}


def test_a_new_key_goes_by_standard_input_and_the_old_one_comes_back_where_it_is_refused(desk: Desk) -> None:
    old = {"accessKeyID": base64.b64encode(KEY_ID.encode()).decode(), "secretAccessKey": "b2xk"}
    secret = manifests.secret("backups-keys", "team-a", {})
    desk.lay(world.BACKUPS, {**secret, "data": old})

    answer = desk.run("rotate", "backups", "--from-env", **VARIABLES)

    assert answer.returncode == 3, answer.stderr
    assert "The old key was put back." in answer.stderr
    new, back = [json.loads(call["stdin"]) for call in desk.calls if call["argv"][0] == "replace"]
    assert fields(new) == {"accessKeyID": KEY_ID, "secretAccessKey": SECRET}
    assert (back["data"], back["metadata"]["resourceVersion"]) == (old, "7")
    encoded = base64.b64encode(SECRET.encode()).decode()
    said = json.dumps([call["argv"] for call in desk.calls]) + answer.stdout + answer.stderr
    assert not any(word in said for word in (SECRET, encoded))

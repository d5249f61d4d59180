"""The page for those who come from other systems names all of their words, and fields that there are."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cli.taken import KEY_ID, SECRET, proposed, said, spec
from credential_operator.cli import app
from credential_operator.cli.importers import flexera

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "migrating.md").read_text()
SECTIONS = {text.partition("\n")[0]: text for text in PAGE.split("\n## ")[1:]}
PXCTL = (ROOT / "tests" / "cli" / "pxctl.txt").read_text()
"""All that Portworx's page on credentials has people type, and what its program says of itself."""
FLAG = re.compile(r"(?<![\w-])-(?:-[a-z0-9-]*[a-z0-9]|[a-z])\b")
FLAGS = sorted(set(FLAG.findall(PXCTL)))
VALUES = {
    "--provider": "s3",
    "--s3-access-key": KEY_ID,
    "--s3-secret-key": SECRET,
    "--s3-region": "eu-west-1",
    "--s3-endpoint": "https://minio.example.com:9000",
    "--s3-storage-class": "GLACIER",
    "--bucket": "snaps",
    "--azure-account-name": "backups",
    **dict.fromkeys(("--ca", "--cert", "--key", "--config", "--context"), "x"),
}
"""What flags are given that take something."""
GENERATORS = {
    "ECRAuthorizationToken": (
        *("region", "scope", "role", "auth.jwt.serviceAccountRef"),
        *("auth.secretRef.accessKeyIDSecretRef", "auth.secretRef.secretAccessKeySecretRef"),
        "auth.secretRef.sessionTokenSecretRef",
    ),
    "STSSessionToken": (
        *("region", "role", "auth.secretRef", "requestParameters.sessionDuration"),
        *("requestParameters.serialNumber", "requestParameters.tokenCode"),
    ),
    "GCRAccessToken": (
        *("projectID", "auth.secretRef.secretAccessKeySecretRef", "auth.workloadIdentityFederation"),
        *("auth.workloadIdentity.serviceAccountRef", "auth.workloadIdentity.clusterLocation"),
        *("auth.workloadIdentity.clusterName", "auth.workloadIdentity.clusterProjectID"),
    ),
    "ACRAccessToken": (
        *("tenantId", "registry", "scope", "environmentType", "auth.managedIdentity.identityId"),
        *("auth.servicePrincipal.secretRef.clientId", "auth.servicePrincipal.secretRef.clientSecret"),
        "auth.workloadIdentity.serviceAccountRef",
    ),
    "VaultDynamicSecret": (
        *("path", "provider", "method", "parameters", "resultType", "controller", "retrySettings"),
        "allowEmptyResponse",
    ),
}
"""Fields of generators: external-secrets/external-secrets, apis/generators/v1alpha1."""
OTHER_GENERATORS = (
    *("CodeArtifactAuthorizationToken", "GithubAccessToken", "QuayAccessToken", "CloudsmithAccessToken"),
    *("Grafana", "Webhook", "Password", "SSHKey", "UUID", "MFA", "Fake"),
)


def rows(section: str, first: str = "") -> Iterator[list[str]]:
    """Give the cells of a section's tables; with `first`, of the one whose head begins with that."""
    for table in re.findall(r"(?:^\|.*\n)+", SECTIONS[section], re.MULTILINE):
        if table.startswith(f"| {first}"):
            for line in table.splitlines():
                yield [cell.strip() for cell in line.strip("|").split(" | ")]


def code(text: str) -> list[str]:
    """Give what a cell has as code."""
    return re.findall(r"`([^`]+)`", text)


# Portworx

SHOWN = {flag: row for row in rows("Portworx", "flag of") for flag in code(row[0]) if flag.startswith("-")}


def test_every_flag_of_pxctl_is_on_the_page() -> None:
    assert sorted(SHOWN) == FLAGS
    assert len(FLAGS) > 20


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if not SHOWN[flag][1].startswith("none")])
def test_a_flag_that_has_a_counterpart_is_taken_over_into_it(flag: str) -> None:
    given = {"--provider": "azure"} if flag.startswith("--azure") else {"--provider": "s3"}
    words = " ".join(f"{name} {value}" for name, value in (given | {flag: VALUES[flag]}).items())
    (one,) = proposed(f"pxctl credentials create {words} mine")

    place = code(SHOWN[flag][1])
    if "source Secret" in SHOWN[flag][1]:
        assert f"--from-file={place[0]}=FILE" in said(one)
    elif flag == "--provider":
        assert place[1].removeprefix("spec.") in spec(one)
    else:
        _, type_, field = place[0].split(".")
        assert spec(one)[type_][field] == VALUES[flag]


def test_both_keys_are_taken_over() -> None:
    (one,) = proposed(
        f"pxctl credentials create --provider s3 --s3-access-key {KEY_ID} --s3-secret-key {SECRET} mine"
    )
    assert one.new is not None
    assert one.new.secret is not None
    assert set(one.new.secret["data"]) == {
        code(SHOWN[flag][1])[0] for flag in ("--s3-access-key", "--s3-secret-key")
    }


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if SHOWN[flag][1].startswith("none")])
def test_a_flag_that_has_none_is_told_or_says_nothing_of_the_credential(flag: str) -> None:
    words = f"{flag} {VALUES.get(flag, '')}"
    (one,) = proposed(f"pxctl credentials create --provider s3 --s3-region eu-west-1 {words} mine")

    if flag == "--use-iam":
        assert one.new is None
        assert all(option in said(one) for option in code(SHOWN[flag][2]))
    else:
        assert one.name == "mine"
        assert spec(one)["s3"] == {"region": "eu-west-1"}
        assert "has no field for it" not in said(one)


def test_our_flags_are_those_of_create() -> None:
    ours = {option for row in SHOWN.values() for cell in row[2:] for option in code(cell)}
    assert ours
    known = {
        option
        for type_ in ("s3", "azureStorage")
        for parameter in _create(type_).params
        for option in parameter.opts
    }
    assert ours <= known


def _create(type_: str) -> click.Command:
    context = click.Context(app.credential)
    group = app.credential.get_command(context, "create")
    assert isinstance(group, click.Group)
    found = group.get_command(context, type_)
    assert found is not None
    return found


def test_what_other_versions_have_is_taken_over_as_the_page_says() -> None:
    found = re.search(r"`import` takes these over too: (.*)\.", SECTIONS["Portworx"])
    assert found is not None
    for flag in code(found[1]):
        words = f"--provider s3 --azure-account-name a --google-project-id p {flag} x"
        provider = flag.split("-")[2] if flag.startswith(("--azure", "--google")) else "s3"
        (one,) = proposed(f"pxctl credentials create {words.replace('s3', provider, 1)} mine")
        assert f"{flag.removeprefix(f'--{provider}-').replace('-', '')}: the type" not in said(one)


# The others


def test_every_scheme_and_provider_of_flexera_is_on_the_page() -> None:
    assert {code(row[0])[0] for row in rows("Flexera", "its scheme") if code(row[0])} == {*flexera.READERS}
    shown = {code(row[0])[0] for row in rows("Flexera", "its provider") if code(row[0])}
    assert shown == {"aws", "azure_rm", "azure_ea", "gce"}


def test_every_field_of_cloudesire_is_on_the_page() -> None:
    assert [row[0].split()[0] for row in rows("Cloudesire", "its field for AWS")][2:] == [
        *("Identifier", "Access", "Secret", "Resource")
    ]
    assert [row[0].split()[0] for row in rows("Cloudesire", "its field for Azure")][2:] == [
        *("Identifier", "Identity", "Credential", "Endpoint", "OAuth")
    ]


@pytest.mark.parametrize("kind", GENERATORS)
def test_every_field_of_a_generator_is_on_the_page(kind: str) -> None:
    head, _, *body = rows("External Secrets", f"`{kind}`")
    shown = [field for row in (head, *body) for field in code(row[0])]
    assert {*GENERATORS[kind]} <= {*shown}


def test_every_other_generator_is_said_to_have_no_counterpart() -> None:
    found = re.search(
        r"^No counterpart, so leave the generator: .*$", SECTIONS["External Secrets"], re.MULTILINE
    )
    assert found is not None
    assert {*OTHER_GENERATORS} <= {*code(found[0])}


def test_what_stands_in_the_generator_before_is_in_its_table() -> None:
    (before,) = re.findall(r"^Before.*?```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    generator, secret = yaml.safe_load_all(before)

    _, _, *body = rows("External Secrets", f"`{generator['kind']}`")
    shown = {field for row in body for field in code(row[0])}
    assert {path for path in _paths(generator["spec"]) if path.count(".") < 3} <= shown
    assert secret["spec"]["dataFrom"][0]["sourceRef"]["generatorRef"]["kind"] == generator["kind"]


def _paths(value: Any, above: str = "") -> Iterator[str]:
    """Give the paths of fields; what chooses a key of a Secret is one field."""
    for name, below in value.items():
        if isinstance(below, dict) and not {"name", "key"} <= {*below}:
            yield from _paths(below, f"{above}{name}.")
        else:
            yield f"{above}{name}"


# Ours


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(spec\.[\w.\[\]]+|status\.[\w.]+)`", PAGE))))
def test_fields_that_are_named_are_there(path: str) -> None:
    crd = yaml.safe_load((ROOT / "crds" / "credentials.yaml").read_text())
    place = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    if path.startswith(("spec.data", "spec.provider")):  # Pharmer's
        assert path in SECTIONS["Pharmer"]
        return
    for part in path.split("."):
        place = place["properties"][part.removesuffix("[]")]
        place = place["items"] if part.endswith("[]") else place

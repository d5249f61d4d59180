"""What is stored, printed and explained."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import pages
from cluster.crds import KINDS, ROOT, Json, document, manifest, schema_of, serving, spec
from controlplane import ControlPlane
from credential_operator import providers
from credential_operator.api import credential, schema

EXAMPLES = sorted((ROOT / "deploy" / "examples").glob("*.yaml"))


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with serving() as started:
        yield started


def test_the_defaults_of_the_api_server_are_those_of_the_operator(plane: ControlPlane) -> None:
    done = plane.kubectl(
        "apply", "--dry-run=server", "-o", "json", "-f", "-", input=manifest(document("defaults", spec()))
    )
    stored = json.loads(done.stdout)
    name, config, rest = credential.split(stored["spec"])

    assert credential.Spec.model_validate(rest) == credential.Spec.model_validate(spec(without="aws"))
    assert providers.find()[name].config.model_validate(config) == providers.find()[name].config()
    assert rest["validation"] == {"policy": "WhenCheckable", "interval": "1h", "timeout": "10s"}


def test_a_new_object_is_not_taken_for_a_finished_one(plane: ControlPlane) -> None:
    plane.kubectl("apply", "-f", "-", input=manifest(document("new", spec())))
    done = plane.kubectl("get", "credential", "new", "-o", "jsonpath={.status}")
    assert json.loads(done.stdout) == {"observedGeneration": -1}


def test_what_the_page_on_distributing_shows_is_accepted(plane: ControlPlane) -> None:
    whole, offer = pages.blocks((ROOT / "docs" / "distributing.md").read_text(), "yaml")
    shown = yaml.safe_load(whole)
    assert shown["spec"].keys() >= {"allowedNamespaces", "distribute"}
    offered = shown | {"spec": shown["spec"] | yaml.safe_load(offer), "metadata": {"name": "offered"}}
    shown["metadata"].pop("namespace")
    answer = plane.kubectl("apply", "--dry-run=server", "-f", "-", input=manifest(shown, offered))
    assert answer.stdout.count("created") == 2


def test_what_the_page_on_rotating_shows_is_accepted(plane: ControlPlane) -> None:
    page = (ROOT / "docs" / "rotating.md").read_text()
    shown = [yaml.safe_load(text) for text in pages.blocks(page, "yaml")]
    (ours,) = (one for one in shown if one["kind"] == "Credential")
    assert "rotation" in ours["spec"]
    answer = plane.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", input=manifest(ours))
    assert "created" in answer.stdout


NOW = "2026-11-22T00:00:00Z"


def condition(kind: str, status: str, reason: str, message: str) -> Json:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": NOW}


def test_kubectl_prints_what_people_look_for(plane: ControlPlane) -> None:
    whole = document("shown", spec(owner={"team": "storage"}))
    plane.kubectl("apply", "-f", "-", input=manifest(whole))
    status = {
        "type": "aws",
        "identity": {"principal": "arn:aws:iam::123456789012:user/backup", "account": "123456789012"},
        "key": {"id": "AKIAIOSFODNN7EXAMPLE"},
        "externalID": "5f0c6e0e",
        "conditions": [condition("Ready", "True", "Available", "the key works")],
        "lastValidatedTime": NOW,
        "expiresAt": "2099-01-31T00:00:00Z",
        "references": {"count": 2, "declared": 2, "items": [{"kind": "Job", "namespace": "a", "name": "b"}]},
        "targets": [{"name": "a", "format": "env", "uid": "u", "resourceVersion": "1", "publishedAt": NOW}],
        "source": {"secretName": "keys", "resourceVersion": "1", "changedAt": NOW},
    }
    patch_status(plane, "credential", "shown", status)

    short = table(plane, "cred", "shown")
    wide = table(plane, "cred", "shown", "-o", "wide")
    stored = json.loads(plane.kubectl("get", "cred", "shown", "-o", "json").stdout)["status"]

    assert [*short] == [
        "NAME",
        "READY",
        "STATUS",
        "TYPE",
        "IDENTITY",
        "IN-USE",
        "VALIDATED",
        "EXPIRES",
        "AGE",
    ]
    assert short["READY"] == "True"
    assert short["STATUS"] == "Available"
    assert short["TYPE"] == "aws"
    assert short["IDENTITY"] == "arn:aws:iam::123456789012:user/backup"
    assert short["IN-USE"] == "2"
    assert short["EXPIRES"] == "2099-01-31T00:00:00Z"
    assert (wide["MESSAGE"], wide["OWNER"]) == ("the key works", "storage")
    assert stored == {"observedGeneration": -1, **status}


def test_who_writes_a_status_is_noted_of_the_whole(plane: ControlPlane) -> None:
    plane.kubectl("apply", "-f", "-", input=manifest(document("noted", spec())))
    patch_status(
        plane, "credential", "noted", {"conditions": [condition("Ready", "True", "Available", "yes")]}
    )

    shown = plane.kubectl("get", "cred", "noted", "-o", "json", "--show-managed-fields").stdout
    (noted,) = (one for one in json.loads(shown)["metadata"]["managedFields"] if "subresource" in one)
    assert (noted["subresource"], noted["fieldsV1"]) == ("status", {"f:status": {}})


def test_kubectl_prints_what_a_reference_holds(plane: ControlPlane) -> None:
    whole = document(
        "shown", {"credentialRef": {"name": "backups"}, "description": "nightly"}, "CredentialReference"
    )
    plane.kubectl("apply", "-f", "-", input=manifest(whole))
    status = {
        "credential": {"namespace": "default", "name": "backups", "uid": "u"},
        "expiresAt": "2037-01-31T00:00:00Z",
        "offer": {"type": "s3", "formats": ["env", "velero"]},
        "conditions": [
            condition("Bound", "True", "Bound", "holds Credential backups"),
            condition("Ready", "False", "Rejected", "the provider does not know the key"),
        ],
    }
    patch_status(plane, "credref", "shown", status)

    short = table(plane, "credref", "shown")
    wide = table(plane, "credref", "shown", "-o", "wide")

    assert [*short] == ["NAME", "BOUND", "STATUS", "CREDENTIAL", "FORMS", "EXPIRES", "AGE"]
    assert (short["BOUND"], short["STATUS"], short["CREDENTIAL"]) == ("True", "Rejected", "backups")
    assert short["EXPIRES"] == "2037-01-31T00:00:00Z"
    assert short["FORMS"] == '["env","velero"]'
    assert (wide["MESSAGE"], wide["DESCRIPTION"]) == ("the provider does not know the key", "nightly")


def patch_status(plane: ControlPlane, kind: str, name: str, status: Json) -> None:
    patch = json.dumps({"status": status})
    plane.kubectl("patch", kind, name, "--subresource=status", "--type=merge", "-p", patch)


def table(plane: ControlPlane, *words: str) -> dict[str, str]:
    """What `kubectl get` prints of one object, by column."""
    head, row = plane.kubectl("get", *words).stdout.splitlines()
    starts = [found.start() for found in re.finditer(r"\S+", head)]
    ends = [*starts[1:], None]
    return {head[a:b].strip(): row[a:b].strip() for a, b in zip(starts, ends, strict=True)}


@pytest.mark.parametrize("kind", KINDS)
def test_kubectl_explains_every_field(plane: ControlPlane, kind: str) -> None:
    for path, field in schema.fields(schema_of(kind), kind.lower()):
        children = field.get("properties", {})
        if children and path != kind.lower():
            asked = path.replace("[]", "")
            printed = " ".join(plane.kubectl("explain", asked).stdout.split())
            for name, child in children.items():
                assert f" {name} <" in printed, f"{asked}.{name}"
                assert " ".join(child["description"].split()) in printed, f"{asked}.{name}"


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_the_examples_are_accepted(plane: ControlPlane, path: Path) -> None:
    plane.kubectl("apply", "--dry-run=server", "-f", path)


def test_kinds_are_found_by_short_name_and_category(plane: ControlPlane) -> None:
    plane.kubectl("get", "cred,credref")
    plane.kubectl("get", "credential-operator")

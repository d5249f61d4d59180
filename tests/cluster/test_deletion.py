"""Deletion: what is free goes at once, what is forced goes too, and nothing is ever in the way of a namespace."""

import json
import os
import pathlib
import re
import subprocess
from typing import Any

import pytest
import yaml

from cluster import space as spaces
from cluster.sites import Site
from cluster.space import Space
from controlplane import tools

README = pathlib.Path(__file__).parents[2] / "README.md"

FORCE = "credential-operator.io/force-delete"
GONE = 120.0
"""Seconds for the API server's own controllers: they remove namespaces, and what is owned."""
OK = 200


def test_a_credential_that_nobody_needs_is_deleted_with_its_targets_and_its_source_stays(
    space: Space,
) -> None:
    space.published(targets=[{"name": name, "format": "env"} for name in ("one", "two")])

    space.kubectl("delete", "credential", "backups", "--timeout=120s")

    assert [secret["metadata"]["name"] for secret in space.all("secrets")] == ["keys"]


def test_a_credential_that_never_worked_is_deleted_at_once(space: Space) -> None:
    space.apply(space.credential())
    space.becomes(Ready="False SourceNotFound")

    space.kubectl("delete", "credential", "backups", "--timeout=120s")


def test_an_admin_deletes_what_is_in_use_by_force(space: Space) -> None:
    space.published()
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")

    space.kubectl("annotate", "credential", "backups", f"{FORCE}=the account is gone,\nticket 4711")
    space.kubectl("delete", "credential", "backups", "--timeout=120s")

    assert space.find("secret", "backups-env") is None
    space.becomes("nightly", "credentialreference", Bound="False NotGranted")
    (message,) = _said(space, "ForceDeleted")
    assert "the account is gone, ticket 4711" in message
    assert "CredentialReference nightly" in message


def test_force_that_nobody_needed_is_worth_no_event(space: Space) -> None:
    space.published()
    space.kubectl("annotate", "credential", "backups", f"{FORCE}=the account is gone")

    space.kubectl("delete", "credential", "backups", "--timeout=120s")

    assert _said(space, "ForceDeleted") == []


def _said(space: Space, reason: str) -> list[str]:
    """Return the messages of the events of that reason about the Credential."""
    found = space.kubectl("get", "events", "--field-selector=involvedObject.name=backups", "--output=json")
    return [event["message"] for event in json.loads(found)["items"] if event["reason"] == reason]


def test_a_held_deletion_is_let_go_by_force(space: Space) -> None:
    space.published(whenReferenced="Hold")
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.becomes(DeletionBlocked="True InUse")

    space.kubectl("annotate", "credential", "backups", f"{FORCE}=the account is gone")

    space.until(space.gone("credential", "backups"), "the Credential is gone", seconds=spaces.SOON)
    assert space.events()[-1] == ("Warning", "ForceDeleted")


def test_in_a_whole_life_the_operator_is_refused_nothing(space: Space, site: Site) -> None:
    site.proxy.forget()
    space.published()
    space.apply(space.reference(), space.source(space.new_key()))
    space.becomes("nightly", "credentialreference", Bound="True Bound", Ready="True Available")
    space.kubectl("delete", "secret", "backups-env")
    space.until(lambda: space.key_in() is not None, "the target is repaired")
    space.kubectl("delete", "credentialreference", "nightly")
    space.delete_when_free()

    statuses = {seen.status for seen in site.proxy.requests if f"/namespaces/{space.name}/" in seen.path}
    assert 200 in statuses
    # 404: whether there is still something to delete. 409: a write that somebody else's has overtaken.
    assert statuses <= {200, 201, 404, 409, 422}


# Retain


def test_retained_targets_outlive_their_credential_and_are_taken_over_by_its_successor(
    space: Space, site: Site
) -> None:
    key = space.published(targetDeletionPolicy="Retain")
    space.kubectl("delete", "credential", "backups", "--timeout=120s")

    kept = space.get("secret", "backups-env")
    assert space.key_in() == key
    assert not kept["metadata"].get("ownerReferences")

    site.proxy.forget()
    space.apply(space.credential(targetDeletionPolicy="Retain"))
    space.becomes(Ready="True Available", Synced="True Published")

    taken = space.get("secret", "backups-env")
    assert taken["metadata"]["uid"] == kept["metadata"]["uid"]
    assert taken["data"] == kept["data"]
    assert taken["metadata"]["annotations"] == kept["metadata"]["annotations"]
    (owner,) = taken["metadata"]["ownerReferences"]
    assert owner["uid"] == space.get("credential", "backups")["metadata"]["uid"]
    written = [seen for seen in site.writes(space.name) if "/secrets" in seen.path]
    assert [seen.method for seen in written if seen.status == OK] == ["PATCH"]


def test_a_retained_target_that_somebody_has_changed_is_theirs(space: Space) -> None:
    space.published(targetDeletionPolicy="Retain")
    space.kubectl("delete", "credential", "backups", "--timeout=120s")
    space.patch("secret", "backups-env", {"stringData": {"AWS_SECRET_ACCESS_KEY": "theirs"}})

    space.apply(space.credential())

    space.becomes(Ready="False TargetConflict", Synced="False TargetConflict")
    assert space.data("backups-env")["AWS_SECRET_ACCESS_KEY"] == "theirs"


# Namespaces


def test_a_namespace_is_deleted_whatever_state_its_credentials_are_in(space: Space, site: Site) -> None:
    space.published("referenced")
    space.apply(space.credential("held", whenReferenced="Hold"))
    space.becomes("held", Ready="True Available")
    space.apply(space.reference("nightly", "referenced"), space.reference("hourly", "held"))
    for name in ("nightly", "hourly"):
        space.becomes(name, "credentialreference", Bound="True Bound")
    space.kubectl("delete", "credential", "held", "--wait=false")
    space.becomes("held", DeletionBlocked="True InUse")
    space.apply(
        space.secret("theirs-env", {"theirs": "1"}),
        space.secret("empty", {}),
        space.source(("AKIAIOSFODNN7EXAMPLE", "x" * 40), "unknown"),
    )
    states: dict[str, tuple[dict[str, Any], str]] = {
        "theirs": ({}, "False TargetConflict"),
        "missing": ({"secretRef": {"name": "nowhere"}}, "False SourceNotFound"),
        "empty": ({"secretRef": {"name": "empty"}}, "False InvalidKeyMaterial"),
        "refused": ({"secretRef": {"name": "unknown"}}, "Unknown Pending"),
        "down": (
            {"aws": {"region": "eu-west-1", "endpoint": "https://127.0.0.1:1"}},
            "False ProviderUnreachable",
        ),
        "suspended": ({"suspend": True}, "Unknown Pending"),
        "retained": ({"targetDeletionPolicy": "Retain"}, "True Available"),
    }
    space.apply(*(space.credential(name, **fields) for name, (fields, _) in states.items()))
    for name, (_, ready) in states.items():
        space.becomes(name, Ready=ready)

    site.plane.kubectl("delete", "namespace", space.name, f"--timeout={GONE:.0f}s")

    assert site.plane.kubectl("get", "namespace", space.name, "--ignore-not-found").stdout == ""


def test_without_an_operator_the_line_of_the_readme_lets_a_namespace_go(space: Space, site: Site) -> None:
    space.published()
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    (line,) = re.findall(r"^kubectl get credentials -n NAMESPACE .*$", README.read_text(), re.MULTILINE)
    path = os.pathsep.join([str(tools.path("kubectl").parent), os.environ["PATH"]])
    site.operator.stop()
    try:
        site.plane.kubectl("delete", "namespace", space.name, "--wait=false")
        space.until(lambda: space.find("secret", "keys") is None, "its contents are being deleted")
        assert space.find("credential", "backups")
        subprocess.run(
            ["sh", "-ec", line.replace("NAMESPACE", space.name)],
            env=site.plane.environment() | {"PATH": path},
            check=True,
        )
        site.plane.kubectl("wait", "--for=delete", f"namespace/{space.name}", f"--timeout={GONE:.0f}s")
    finally:
        site.operator.start()


# Helm

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api"},
    "spec": {
        "selector": {"matchLabels": {"app": "api"}},
        "template": {
            "metadata": {"labels": {"app": "api"}},
            "spec": {
                "containers": [
                    {
                        "name": "api",
                        "image": "registry.example/api",
                        "envFrom": [{"secretRef": {"name": "backups-env"}}],
                    }
                ]
            },
        },
    },
}


def _chart(folder: pathlib.Path, *documents: object) -> pathlib.Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 0.1.0\n")
    (folder / "templates" / "all.yaml").write_text(yaml.safe_dump_all(json.loads(json.dumps(documents))))
    return folder


@pytest.mark.parametrize("references", [[], ["nightly"]], ids=["credential and user", "with a reference"])
def test_a_helm_release_that_holds_all_is_uninstalled_without_an_error(
    space: Space, site: Site, tmp_path: pathlib.Path, references: list[str]
) -> None:
    space.new_user()
    # A chart that holds both kinds says Hold.
    credential = space.credential(**({"whenReferenced": "Hold"} if references else {}))
    named = [space.reference(name) for name in references]
    chart = _chart(tmp_path / "app", space.source(space.new_key()), DEPLOYMENT, credential, *named)
    site.plane.helm("install", "app", chart, "--namespace", space.name)
    space.becomes(Ready="True Available")
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"]["declared"] == len(references),
        "the references are counted",
    )

    site.plane.helm("uninstall", "app", "--namespace", space.name, "--wait", f"--timeout={GONE:.0f}s")

    space.until(space.gone("credential", "backups"), "the Credential is gone")
    space.until(space.gone("secret", "backups-env"), "its target is gone")
    assert space.all("credentialreferences") == []

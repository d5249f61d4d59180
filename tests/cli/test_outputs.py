"""What commands print for scripts: names as kubectl takes them, and documents."""

import json

import pytest

from cli import world
from cli.desk import Desk

GROUP = world.GROUP
TARGETS = [{"name": "pull", "format": "docker-registry"}]


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (("release", "nightly"), [f"credentialreference.{GROUP}/nightly"]),
        (
            ("delete-refs", "backups", "--yes"),
            [f"credentialreference.{GROUP}/nightly", f"credentialreference.{GROUP}/costs"],
        ),
        (("list",), [f"credential.{GROUP}/{name}" for name in ("new", "archive", "backups")]),
        (("attach", "registry", "--serviceaccount", "default"), ["serviceaccount/default"]),
    ],
)
def test_names_are_as_kubectl_takes_them(desk: Desk, words: tuple[str, ...], printed: list[str]) -> None:
    if words[0] == "attach":
        lay_registry(desk)

    answer = desk.run(*words, "-o", "name")

    assert answer.returncode == 0, answer.stderr
    assert sorted(answer.stdout.split()) == sorted(printed)


def lay_registry(desk: Desk) -> None:
    """Put a registry's Credential and a ServiceAccount into the world."""
    account = {
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": "team-a", "resourceVersion": "3"},
        "imagePullSecrets": [{"name": "pull"}],
    }
    spec = {"registry": {"host": "ghcr.io"}, "secretRef": {"name": "k"}, "targets": TARGETS}
    desk.lay(world.credential("registry", 1, spec), account)


def test_a_service_account_is_shown_as_it_is_then(desk: Desk) -> None:
    lay_registry(desk)

    answer = desk.run("attach", "registry", "--serviceaccount", "default", "-o", "json")

    assert json.loads(answer.stdout)["imagePullSecrets"] == [{"name": "pull"}]


def test_a_script_learns_which_key_can_be_revoked(desk: Desk) -> None:
    facts = {"publishedAt": world.ago(days=1), "previousKeyID": "AKIAOLD", "drained": True}
    desk.lay(world.credential("backups", 1, {"s3": {}, "secretRef": {"name": "k"}}, rotation=facts))

    found = json.loads(desk.run("drain", "backups", "-o", "json").stdout)

    assert (found["name"], found["rotation"]["drained"]) == ("backups", True)
    assert found["rotation"]["previousKeyID"] == "AKIAOLD"
    desk.lay(world.ARCHIVE)
    assert json.loads(desk.run("drain", "archive", "-o", "json").stdout)["rotation"] is None

"""A ServiceAccount whose Pods pull images with a Credential."""

import json

import pytest

from cli import world
from cli.desk import Desk

ONE, TWO = ({"name": name, "format": "docker-registry"} for name in ("pull", "mirror"))
PLAIN = {"name": "env", "format": "env"}


def lay(desk: Desk, *targets: dict[str, str]) -> None:
    """Put a registry's Credential into the world."""
    spec = {"registry": {"host": "ghcr.io"}, "secretRef": {"name": "k"}, "targets": [*targets]}
    metadata = {"name": "default", "namespace": "team-a", "resourceVersion": "3"}
    account = {
        "kind": "ServiceAccount",
        "metadata": metadata,
        "imagePullSecrets": [{"name": "other"}, {"name": "pull"}],
    }
    desk.lay(world.credential("registry", 1, spec), account)


@pytest.mark.parametrize(
    ("targets", "words", "pulls"),
    [
        ((ONE, PLAIN), (), ["other", "pull"]),
        ((ONE, TWO), ("--target", "mirror"), ["other", "pull", "mirror"]),
        ((ONE,), ("--remove",), ["other"]),
    ],
)
def test_the_secret_to_pull_with_is_put_beside_those_of_others(
    desk: Desk, targets: tuple[dict[str, str], ...], words: tuple[str, ...], pulls: list[str]
) -> None:
    lay(desk, *targets)

    answer = desk.run("attach", "registry", "--serviceaccount", "default", *words)

    assert answer.returncode == 0, answer.stderr
    (patch,) = [call["argv"] for call in desk.calls if call["argv"][0] == "patch"]
    change = json.loads(patch[4].removeprefix("--patch="))
    assert change["metadata"] == {"resourceVersion": "3"}
    assert [one["name"] for one in change["imagePullSecrets"]] == pulls


@pytest.mark.parametrize(
    ("targets", "words", "status", "told"),
    [
        ((PLAIN,), (), 1, "add one of format docker-registry"),
        ((ONE, TWO), (), 2, "say which with --target: pull, mirror"),
        ((ONE,), ("--target", "env"), 1, "has no target env to pull images with; it has pull."),
    ],
)
def test_where_it_is_not_clear_which_secret_nothing_is_changed(
    desk: Desk, targets: tuple[dict[str, str], ...], words: tuple[str, ...], status: int, told: str
) -> None:
    lay(desk, *targets)

    answer = desk.run("attach", "registry", "--serviceaccount", "default", *words)

    assert (answer.returncode, answer.stdout) == (status, "")
    assert told in answer.stderr
    assert not any(call["argv"][0] == "patch" for call in desk.calls)

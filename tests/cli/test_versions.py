"""Which version the plugin has, and which the operator."""

import importlib.metadata
import json

from cli.desk import Desk

OWN = importlib.metadata.version("credential-operator")


def operator(**labels: str) -> dict[str, object]:
    """Return the operator's Deployment."""
    return {"kind": "Deployment", "metadata": {"name": "x", "namespace": "operators", "labels": labels}}


def test_both_versions_are_told(desk: Desk) -> None:
    desk.lay(operator(**{"app.kubernetes.io/version": "0.0.9"}), operator())

    assert desk.run("version").stdout.splitlines() == [
        f"Plugin    {OWN}",
        "Operator  0.0.9  (namespace operators)",
        "Operator  unknown  (namespace operators)",
    ]
    assert json.loads(desk.run("version", "-o", "json").stdout)["operators"][0] == {
        "namespace": "operators",
        "version": "0.0.9",
    }


def test_the_plugin_has_a_version_wherever_it_runs(desk: Desk) -> None:
    alone = desk.run("version", "--client", "-o", "json")
    assert json.loads(alone.stdout) == {"plugin": OWN}
    assert not (desk.folder / "calls.jsonl").exists()

    desk.lay()
    unseen = desk.run("version")
    assert (unseen.returncode, unseen.stdout) == (0, f"Plugin    {OWN}\n")
    assert "not to be seen" in unseen.stderr
    desk.refuse("get", "Unable to connect to the server: x")
    down = desk.run("version")
    assert (down.returncode, down.stdout) == (0, f"Plugin    {OWN}\n")
    assert "does not answer" in down.stderr

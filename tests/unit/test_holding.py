"""What a holder's process loads, and where it finds the cluster."""

import json
import pathlib
import subprocess
import sys

import pytest

import credential_operator
from credential_operator import holding


def loaded(statement: str) -> set[str]:
    """Return the modules of a new process after a statement: those of the package, and the API client."""
    names = "[one for one in sys.modules if one.partition('.')[0] in ('credential_operator', 'kubernetes')]"
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}; import json, sys; print(json.dumps({names}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name for name in json.loads(done.stdout) if not name.startswith("kubernetes.")}


def test_the_package_loads_nothing_until_something_is_asked_for() -> None:
    assert loaded("import credential_operator") == {"credential_operator"}


def test_who_holds_loads_nothing_of_the_operator() -> None:
    assert loaded("from credential_operator import hold") == {
        "credential_operator",
        "credential_operator.holding",
        "kubernetes",
    }


def test_the_package_offers_what_holders_use_and_nothing_else() -> None:
    assert credential_operator.hold is holding.hold
    assert credential_operator.NotHeld is holding.NotHeld
    with pytest.raises(AttributeError, match="nonsense"):
        _ = credential_operator.nonsense


def test_a_pod_is_at_its_own_cluster_and_namespace(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    for name, text in (("token", "canary"), ("ca.crt", "an authority"), ("namespace", "team-a\n")):
        (tmp_path / name).write_text(text)

    found = holding.place(tmp_path)

    assert (found.configuration.host, found.namespace) == ("https://10.0.0.1:443", "team-a")
    assert found.configuration.api_key == {"BearerToken": "bearer canary"}


@pytest.mark.parametrize(("context", "namespace"), [({"namespace": "team-b"}, "team-b"), ({}, "default")])
def test_elsewhere_the_current_context_decides_also_in_a_pod(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, context: dict[str, str], namespace: str
) -> None:
    content = {
        "clusters": [{"name": "one", "cluster": {"server": "https://one.example"}}],
        "users": [{"name": "me", "user": {"token": "canary"}}],
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me", **context}}],
        "current-context": "here",
    }
    (tmp_path / "config").write_text(json.dumps(content))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")

    found = holding.place(tmp_path / "nothing")

    assert (found.configuration.host, found.namespace) == ("https://one.example", namespace)

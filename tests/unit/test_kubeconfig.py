"""Which cluster it is, and what is said where there is none."""

import asyncio
import pathlib

import pytest

from credential_operator import __main__, errors, kubeconfig

CANARY = "canary-e1a5c0"
CONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]
users: [{name: u, user: {token: %s}}]
"""


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    """Give the file that KUBECONFIG names, for a process that is in no Pod."""
    file = tmp_path / "kubeconfig"
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(file))
    return file


def test_the_current_context_is_the_cluster(outside: pathlib.Path) -> None:
    outside.write_text(CONFIG % CANARY)
    found = asyncio.run(kubeconfig.configuration())
    assert kubeconfig.authority(found) == "127.0.0.1:6443"
    assert asyncio.run(found.get_api_key_with_prefix("BearerToken")) == f"Bearer {CANARY}"


def test_a_port_that_is_not_named_is_the_schemes() -> None:
    found = kubeconfig.Configuration()
    found.host = "https://api.example.org"
    assert kubeconfig.authority(found) == "api.example.org:443"
    found.host = "http://api.example.org"
    assert kubeconfig.authority(found) == "api.example.org:80"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "Expected key current-context in kube-config"),
        ("apiVersion: v1\nkind: Config\n", "Expected key current-context"),
        (f"users: [{{name: u, user: {{token: {CANARY}}}", "the kubeconfig cannot be read (ParserError)"),
        (f"just {CANARY}", "the kubeconfig cannot be read ("),
        (CONFIG % CANARY + f"current-context: [{CANARY}", "the kubeconfig cannot be read (ParserError)"),
    ],
)
@pytest.mark.parametrize("command", ["run", "release"])
def test_a_command_without_a_cluster_says_what_to_set(
    command: str,
    text: str | None,
    said: str,
    outside: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("credential_operator.logs.configure", lambda level: None)
    if text is not None:
        outside.write_text(text)
    assert __main__.main([command]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("credential-operator: There is no cluster to work with")
    assert said in printed
    assert printed.endswith(f"{kubeconfig.REMEDY}\n")
    assert CANARY not in printed


def test_a_pod_without_an_account_is_in_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(errors.NoCluster, match=r"Service token file does not exist\. Set KUBECONFIG"):
        asyncio.run(kubeconfig.configuration())

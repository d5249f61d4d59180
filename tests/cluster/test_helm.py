"""The operator's chart through its whole life, with both versions of Helm that people have."""

import json
from collections.abc import Iterator

import pytest

from cluster.sites import NAMESPACE
from cluster.space import Json
from controlplane import ControlPlane
from replica.install import CHART, RELEASE

KINDS = (
    *("deployments", "serviceaccounts", "roles", "rolebindings", "clusterroles", "clusterrolebindings"),
    *("validatingadmissionpolicies", "validatingadmissionpolicybindings", "mutatingadmissionpolicies"),
    *("mutatingadmissionpolicybindings", "poddisruptionbudgets", "configmaps", "jobs", "services"),
)


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    """A control plane of the test's own, without an operator."""
    with ControlPlane() as plane:
        yield plane


@pytest.mark.parametrize("program", ["helm", "helm3"])
def test_the_chart_is_installed_upgraded_rolled_back_and_uninstalled(
    plane: ControlPlane, program: str
) -> None:
    def helm(*words: str) -> None:
        plane.helm(*words, f"--namespace={NAMESPACE}", program=program)

    def level() -> str:
        found = _all(plane, "deployments")
        (container,) = found[0]["spec"]["template"]["spec"]["containers"]
        environment = {one["name"]: one.get("value") for one in container["env"]}
        return str(environment["CREDENTIAL_OPERATOR_LOG_LEVEL"])

    helm("install", RELEASE, str(CHART), "--create-namespace")
    assert level() == "INFO"
    helm("upgrade", RELEASE, str(CHART), "--set=logLevel=DEBUG")
    assert level() == "DEBUG"
    helm("rollback", RELEASE, "1")
    assert level() == "INFO"

    helm("uninstall", RELEASE, "--no-hooks")
    assert [one["kind"] for kind in KINDS for one in _all(plane, kind)] == []
    plane.kubectl("get", "credentials,credentialreferences")  # their definitions are kept


def _all(plane: ControlPlane, kind: str) -> list[Json]:
    """Return what there is of the release."""
    label = "app.kubernetes.io/name=credential-operator"
    found = plane.kubectl("get", kind, f"--selector={label}", f"--namespace={NAMESPACE}", "--output=json")
    return list(json.loads(found.stdout)["items"])

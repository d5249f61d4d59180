"""The chart, installed by the real helm, and the identity that it gives to the operator."""

import dataclasses
import datetime
import pathlib
from collections.abc import Mapping

import controlplane
from replica import process

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
CHART = DEPLOY / "chart"
EXAMPLES = DEPLOY / "examples"
RELEASE = "credential-operator"
NAMESPACE = "credential-operator"


@dataclasses.dataclass(frozen=True, slots=True)
class Installed:
    """A release of the chart: where it is, and a kubeconfig with its ServiceAccount's own token."""

    namespace: str
    kubeconfig: pathlib.Path
    token: str


def install(
    plane: controlplane.ControlPlane,
    *,
    values: Mapping[str, str] | None = None,
    file: str | None = None,
    create_namespace: bool = True,
) -> Installed:
    """Installs or upgrades the chart without its Deployment's Pods: the operator runs as a process."""
    settings = {"replicas": "0", **(values or {})}
    plane.helm(
        "upgrade",
        "--install",
        RELEASE,
        str(CHART),
        "--namespace",
        NAMESPACE,
        *(["--create-namespace"] if create_namespace else []),
        *(["--values", str(CHART / file)] if file else []),
        *(part for name, value in settings.items() for part in ("--set", f"{name}={value}")),
    )
    definitions = [
        f"crd/{plural}.credential-operator.io" for plural in ("credentials", "credentialreferences")
    ]
    plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", *definitions)
    process.until(lambda: _takes_both(plane), seconds=60, what="the API server takes both kinds")
    token = plane.token(NAMESPACE, RELEASE, duration=datetime.timedelta(hours=4))
    return Installed(namespace=NAMESPACE, kubeconfig=plane.kubeconfig_for(RELEASE, token), token=token)


def _takes_both(plane: controlplane.ControlPlane) -> bool:
    """Tells whether both kinds can be applied, which takes a new definition longer than to be established."""
    files = [f"--filename={EXAMPLES / name}.yaml" for name in ("aws", "credentialreference")]
    tried = plane.kubectl(
        "apply", "--server-side", "--dry-run=server", "--namespace=default", *files, check=False
    )
    return tried.returncode == 0

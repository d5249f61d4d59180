"""The chart, installed by the real helm, and the identity that it gives to the operator."""

import dataclasses
import datetime
import json
import pathlib
from collections.abc import Mapping

import controlplane
from credential_operator import inventory
from credential_operator.api import kinds
from replica import process

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
CHART = DEPLOY / "chart"
RELEASE = "credential-operator"
NAMESPACE = "credential-operator"

CREDENTIAL = {"s3": {"region": "eu-west-1"}, "secretRef": {"name": "probe"}}


@dataclasses.dataclass(frozen=True, slots=True)
class Installed:
    """A release of the chart: where it is, and a kubeconfig with its ServiceAccount's own token."""

    namespace: str
    kubeconfig: pathlib.Path
    token: str


def install(
    plane: controlplane.Cluster,
    *,
    values: Mapping[str, str] | None = None,
    file: str | None = None,
    create_namespace: bool = True,
    used_in: str = "default",
) -> Installed:
    """Installs or upgrades the chart without its Deployment's Pods: the operator runs as a process.

    Returns when a Credential can be made in the namespace `used_in`.
    """
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
    wait_until_in_force(plane, namespace=used_in)
    return identify(plane)


def identify(plane: controlplane.Cluster) -> Installed:
    """Gives the identity that an installation has, whoever installed it."""
    token = plane.token(NAMESPACE, RELEASE, duration=datetime.timedelta(hours=4))
    return Installed(namespace=NAMESPACE, kubeconfig=plane.kubeconfig_for(RELEASE, token), token=token)


def wait_until_in_force(plane: controlplane.Cluster, *, namespace: str, manifest: str = "") -> None:
    """Waits until the API server takes both kinds, and applies a manifest's policies to this namespace.

    Without one they are those of the release. It learns of each in its own time, and of a kind's schema last: until
    then a policy that changes objects makes it refuse them with status 503, which kubectl does not try again.
    """
    manifest = manifest or plane.helm("get", "manifest", RELEASE, f"--namespace={NAMESPACE}").stdout
    finalized = "kind: MutatingAdmissionPolicy\n" in manifest
    guarded = "-force-delete\n" in manifest

    def tried(kind: str, spec: Mapping[str, object], **metadata: object) -> tuple[bool, str]:
        probe = {
            "apiVersion": kinds.API_VERSION,
            "kind": kind,
            "metadata": {"name": "probe", **metadata},
            "spec": spec,
        }
        options = ("--dry-run=server", "--output=json", f"--namespace={namespace}")
        answer = plane.kubectl("create", "--filename=-", *options, input=json.dumps(probe), check=False)
        return answer.returncode == 0, answer.stdout + answer.stderr

    def settled() -> bool:
        made, shown = tried("Credential", CREDENTIAL)
        unreasoned, _ = tried("Credential", CREDENTIAL, annotations={inventory.FORCE_DELETE: "none"})
        referring, _ = tried("CredentialReference", {"credentialRef": {"name": "probe"}})
        return made and referring and (inventory.FINALIZER in shown) == finalized and unreasoned != guarded

    process.until(settled, seconds=120, what="the API server takes both kinds, and applies the policies")

"""Somebody's cluster: nothing of theirs is touched, and nothing of the tests' is left."""

from controlplane import Cluster
from demo.guest import DEFINITIONS
from e2e.world import HERE, LABEL
from replica.install import NAMESPACE, RELEASE


class Occupied(Exception):
    """The operator is in the cluster already."""


def enter(cluster: Cluster) -> None:
    """Remove what tests that were killed have left; raise Occupied where there is anything of somebody else's."""
    mine = cluster.kubectl("get", "namespaces", f"--selector={LABEL}", "--output=name").stdout.split()
    if f"namespace/{NAMESPACE}" in mine:
        leave(cluster)
    names = (f"namespace/{NAMESPACE}", *(f"customresourcedefinition/{name}" for name in DEFINITIONS))
    found = cluster.kubectl("get", *names, "--ignore-not-found", "--output=name").stdout.split()
    if found:
        raise Occupied(f"this cluster has {', '.join(found)} already; the tests leave that alone")


def leave(cluster: Cluster) -> None:
    """Remove what the tests have made: namespaces only begin to go before the operator, or what releases for it."""
    others = f"--field-selector=metadata.name!={NAMESPACE}"
    cluster.kubectl("delete", "namespaces", f"--selector={LABEL}", others, "--wait=false")
    cluster.helm("uninstall", RELEASE, HERE, "--ignore-not-found", "--wait")
    cluster.kubectl("delete", "namespaces", f"--selector={LABEL}", "--timeout=150s")
    cluster.kubectl("delete", "customresourcedefinition", *DEFINITIONS, "--ignore-not-found")

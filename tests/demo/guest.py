"""The user's own cluster: nothing of theirs is touched, and nothing of the demo's is left."""

import json

from controlplane import Cluster
from replica import process
from replica.install import NAMESPACE as HOME
from replica.install import RELEASE

LABEL = "credential-operator-demo"
"""On the namespaces that a demo made."""
NAMESPACE = "credential-operator-demo"
"""Where the walk takes place."""
TEAM = "credential-operator-demo-team-b"
"""Where another team lives."""
SERVED = (NAMESPACE, TEAM)
"""Where the operator works."""
NAMESPACES = (HOME, *SERVED)
DEFINITIONS = ("credentials.credential-operator.io", "credentialreferences.credential-operator.io")

NO_FINALIZERS = '{"metadata": {"finalizers": null}}'
SECONDS = 60.0
"""Until the cluster has forgotten the chart's policies."""


class Occupied(Exception):
    """The operator, or a namespace that the demo would make, is in the cluster already."""


def make_namespaces(cluster: Cluster) -> None:
    """Makes the namespaces of the operator and of the walk, labelled as the demo's."""
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LABEL: "true"}}}
        for name in NAMESPACES
    ]
    cluster.kubectl("create", "--filename=-", input="\n---\n".join(map(json.dumps, namespaces)))


def make_room(cluster: Cluster) -> None:
    """Removes what a demo that was killed has left; raises Occupied where anything is somebody else's."""
    labels = {name: _label(cluster, name) for name in NAMESPACES}
    foreign = [f"namespace {name}" for name, label in labels.items() if label == ""]
    defined = [name for name in DEFINITIONS if _exists(cluster, "customresourcedefinition", name)]
    ours = labels[HOME] == "true"
    foreign += [] if ours else [f"customresourcedefinition {name}" for name in defined]
    if foreign:
        raise Occupied(f"this cluster has {', '.join(foreign)} already; the demo leaves that alone")
    if any(labels.values()):
        clean_up(cluster)


def clean_up(cluster: Cluster) -> str:
    """Removes everything that the demo made; may run twice. Says what it had to leave, or nothing.

    The namespaces go last: their label shows the next demo what it may remove.
    """
    home = f"--namespace={HOME}"
    # No hooks: there may be no image of the operator, which runs as a process here.
    cluster.helm("uninstall", RELEASE, home, "--ignore-not-found", "--wait", "--no-hooks")
    process.until(lambda: _remove_credentials(cluster), seconds=SECONDS, what="all Credentials are gone")
    others = _names(cluster, "--all-namespaces")
    if not others:
        cluster.kubectl("delete", "customresourcedefinition", *DEFINITIONS, "--ignore-not-found")
    cluster.kubectl("delete", "namespace", *NAMESPACES, "--ignore-not-found")
    if not others:
        return ""
    return f"The CustomResourceDefinitions stay: there are Credentials of others ({', '.join(others)})."


def _remove_credentials(cluster: Cluster) -> bool:
    """Deletes the demo's Credentials, and takes off the finalizers that no operator sees to any more.

    Tells whether they are gone: for a moment after the chart went, its policies still refuse deletions, and
    put the finalizer back on what is not being deleted.
    """
    where = f"--namespace={NAMESPACE}"
    for name in _names(cluster, where):
        cluster.kubectl("delete", name, where, "--wait=false", check=False)
        cluster.kubectl("patch", name, where, "--type=merge", f"--patch={NO_FINALIZERS}", check=False)
    return not _names(cluster, where)


def _label(cluster: Cluster, namespace: str) -> str | None:
    """Gives the value of the demo's label, "" where it is not there, None where the namespace is not."""
    text = cluster.kubectl("get", "namespace", namespace, "--ignore-not-found", "--output=json").stdout
    return str(json.loads(text)["metadata"].get("labels", {}).get(LABEL, "")) if text else None


def _exists(cluster: Cluster, kind: str, name: str) -> bool:
    return bool(cluster.kubectl("get", kind, name, "--ignore-not-found", "--output=name").stdout)


def _names(cluster: Cluster, where: str) -> list[str]:
    """Gives the Credentials; none where there is no such kind, because the chart was not installed wholly."""
    if not _exists(cluster, "customresourcedefinition", DEFINITIONS[0]):
        return []
    return cluster.kubectl("get", "credentials", where, "--output=name").stdout.split()

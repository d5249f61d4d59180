"""People of one namespace, each with the rights that a test is about, and what the API server tells them."""

import dataclasses
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from controlplane import Cluster

GROUP = "credential-operator.io"
API_VERSION = f"{GROUP}/v1beta1"
FINALIZER = f"{GROUP}/in-use-protection"
FORCE_DELETE = f"{GROUP}/force-delete"

CHART_EDIT = "credential-operator-edit"
"""The chart's own role: both kinds, and nothing of Kubernetes' own."""

Json = dict[str, Any]

ROLES: Mapping[str, tuple[str, ...]] = {
    "vera": ("view",),
    "alice": ("edit",),
    "adam": ("admin",),
    "carl": (CHART_EDIT,),
    "rita": (CHART_EDIT,),
    "paul": (CHART_EDIT,),
    "tom": (CHART_EDIT,),
    "ida": (CHART_EDIT,),
    "nina": (CHART_EDIT,),
}
"""ClusterRoles by person."""

RULES: Mapping[str, tuple[Json, ...]] = {
    "rita": (
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["backups-keys"], "verbs": ["get"]},
    ),
    "paul": ({"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]},),
    "tom": ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create"]},),
    "ida": (
        {
            "apiGroups": [""],
            "resources": ["serviceaccounts/token"],
            "resourceNames": ["backup"],
            "verbs": ["create"],
        },
    ),
    "nina": (
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": ["backups-keys", "backups-env"],
            "verbs": ["get", "update"],
        },
    ),
}
"""What they may do besides: rita reads one Secret, paul creates Pods, tom reads and creates Secrets, ida makes
tokens of one ServiceAccount, nina creates Secrets, and reads and changes two."""


@dataclasses.dataclass(frozen=True)
class Refusal:
    """What a policy answered."""

    policy: str
    message: str


@dataclasses.dataclass(frozen=True)
class User:
    """Somebody with kubectl in one namespace; without a name, the administrator of the cluster."""

    cluster: Cluster
    namespace: str
    name: str | None = None

    def kubectl(self, *args: str, document: Json | None = None) -> str:
        """Run kubectl and return what it printed; raises CommandError."""
        return self._run(args, document).stdout

    def refused(self, *args: str, document: Json | None = None) -> Refusal:
        """Run kubectl and return the policy, without the release's name, and message that refused it."""
        answer = self._run(args, document, check=False)
        found = re.search(
            r"Policy 'credential-operator-([a-z-]+)' with binding '\S+' denied request: (.*)", answer.stderr
        )
        assert found, f"not refused by a policy: {answer.stdout}{answer.stderr}"
        return Refusal(found[1], found[2].strip())

    def forbidden(self, *args: str, document: Json | None = None) -> str:
        """Run kubectl and return the message of RBAC's refusal."""
        answer = self._run(args, document, check=False)
        assert re.search(r'User "\S+" cannot', answer.stderr), f"allowed: {answer.stdout}{answer.stderr}"
        return answer.stderr

    def may(self, *args: str) -> bool:
        """Run kubectl and tell whether the API server did what it was asked for."""
        return self._run(args, None, check=False).returncode == 0

    def create(self, document: Json) -> str:
        """Create the object and return its name."""
        self.kubectl("create", "--filename=-", document=document)
        return str(document["metadata"]["name"])

    def get(self, name: str) -> Json:
        """Return the Credential of that name."""
        return dict(json.loads(self.kubectl("get", "credential", name, "--output=json")))

    def exists(self, name: str) -> bool:
        """Tell whether there is a Credential of that name."""
        return bool(self.kubectl("get", "credential", name, "--ignore-not-found", "--output=name"))

    def _run(self, args: tuple[str, ...], document: Json | None, *, check: bool = True) -> Any:
        stdin = None if document is None else json.dumps(document)
        where = () if "--raw" in args else (f"--namespace={self.namespace}",)
        return self.cluster.kubectl(*args, *where, input=stdin, check=check, impersonate=self.name)


def patch(name: str, change: Json, *options: str) -> tuple[str, ...]:
    """Return kubectl's arguments for a merge patch of a Credential."""
    return ("patch", "credential", name, "--type=merge", f"--patch={json.dumps(change)}", *options)


def credential(name: str, namespace: str, **fields: Any) -> Json:
    """Return a Credential for Secret backups-keys without targets; fields replace those of its spec."""
    spec = {"s3": {"region": "eu-west-1"}, "secretRef": {"name": "backups-keys"}} | fields
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "Credential", "metadata": metadata, "spec": spec}


def reference(name: str, namespace: str) -> Json:
    """Return a CredentialReference without a target."""
    spec = {"credentialRef": {"name": "backups"}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "CredentialReference", "metadata": metadata, "spec": spec}


def bindings(namespace: str) -> list[Json]:
    """Return the namespace, everybody's Roles and RoleBindings in it."""
    documents: list[Json] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}]
    for person, roles in ROLES.items():
        documents += [_binding(namespace, person, "ClusterRole", role) for role in roles]
    for person, rules in RULES.items():
        documents.append(_rbac("Role", namespace, person, rules=list(rules)))
        documents.append(_binding(namespace, person, "Role", person))
    return documents


def apply(cluster: Cluster, documents: list[Json], *options: str) -> None:
    """Apply the documents as the administrator."""
    text = "\n---\n".join(map(json.dumps, documents))
    cluster.kubectl("apply", "--server-side", "--filename=-", *options, input=text)


def until(true: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
    """Wait until something is true; fails with what it should have been."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not so: {what}"
        time.sleep(0.1)


def _binding(namespace: str, person: str, kind: str, role: str) -> Json:
    return _rbac(
        "RoleBinding",
        namespace,
        f"{person}-{role}",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        subjects=[{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": person}],
    )


def _rbac(kind: str, namespace: str, name: str, **fields: Any) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, **fields}

"""A cluster with the chart's policies and with people in it; the operator does not run there.

What the operator would write to a status, the administrator writes. Every test that asks for `policed` runs
twice: on the current API server, and on one that behaves as Kubernetes 1.33 does, the oldest that it can. The
latter serves no MutatingAdmissionPolicy, so that the finalizer is not put on by the API server there.
"""

import dataclasses
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import replica
from cluster import users
from cluster.users import FINALIZER, User, credential, patch
from controlplane import ControlPlane

CHART = Path(__file__).parents[2] / "deploy" / "chart"
OPERATOR = "system:serviceaccount:credential-operator:credential-operator"
TEAM = "team-a"
ALLOWED = "app.kubernetes.io/part-of"
"""What the administrator allows on targets besides what the chart does."""
TARGET = {"name": "backups-env", "format": "env"}
REASON = "the account is gone, ticket 4711"


@dataclasses.dataclass(frozen=True)
class Policed:
    """A control plane with the chart, and whether it puts the finalizer on."""

    plane: ControlPlane
    finalizer: bool

    def user(self, name: str | None = None, namespace: str = TEAM) -> User:
        return User(self.plane, namespace, name)

    def credential(self, name: str, **fields: Any) -> str:
        """Create a Credential as the administrator; it has the finalizer, by policy or from here."""
        document = credential(name, TEAM, **fields)
        if not self.finalizer:
            document["metadata"]["finalizers"] = [FINALIZER]
        return self.user().create(document)

    def used(self, name: str, *references: str, more: int = 0, **fields: Any) -> str:
        """Create a Credential with the status that the operator gives it when references are declared."""
        self.credential(name, **fields)
        items = [
            {"kind": "CredentialReference", "namespace": namespace, "name": reference}
            for namespace, _, reference in (reference.rpartition("/") for reference in references)
        ]
        count = len(items) + more
        status = {"references": {"count": count, "declared": count, "items": items}}
        self.user().kubectl(*patch(name, {"status": status}, "--subresource=status"))
        return name

    def deleted(self, name: str) -> bool:
        """Delete a Credential as alice, and tell whether it is accepted and waits for its finalizer."""
        alice = self.user("alice")
        alice.kubectl("delete", "credential", name, "--wait=false")
        return "deletionTimestamp" in alice.get(name)["metadata"]

    def may_create(self, document: users.Json, *options: str) -> bool:
        """Create an object as alice, and tell whether it was accepted."""
        command = ("create", "--filename=-", *options)
        answer = self.plane.kubectl(*command, input=json.dumps(document), impersonate="alice", check=False)
        return answer.returncode == 0

    def mutates(self) -> bool:
        """Tell whether the API server puts the finalizer on what is created."""
        command = ("create", "--filename=-", "--dry-run=server", "--output=json")
        document = json.dumps(credential("mutated", TEAM))
        made = json.loads(self.plane.kubectl(*command, input=document).stdout)
        return FINALIZER in made["metadata"].get("finalizers", ())


@pytest.fixture(
    scope="module", params=[(True, ()), (False, ("--emulated-version=1.33",))], ids=["current", "1.33"]
)
def policed(request: pytest.FixtureRequest) -> Iterator[Policed]:
    """A control plane of the file's own, since policies are of the whole cluster; all are in force."""
    finalizer, flags = request.param
    with ControlPlane(audit=True, extra_flags=flags) as plane:
        plane.kubectl("create", "namespace", "credential-operator")
        users.apply(plane, users.bindings(TEAM))
        install(plane)
        policed = Policed(plane, finalizer)
        in_force(policed)
        yield policed


@pytest.fixture
def reinstall(policed: Policed) -> Iterator[Callable[..., None]]:
    """A function that installs the chart with other policies; afterwards they are as they were."""
    yield lambda *values: install(policed.plane, *values)
    install(policed.plane)
    in_force(policed)


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> str:
    """A name that no other test has."""
    return f"c-{zlib.crc32(request.node.nodeid.encode()):08x}"


def install(plane: ControlPlane, *values: str) -> None:
    """Install the chart, or upgrade it, with all policies on but for the values told."""
    plane.helm(
        *("upgrade", "--install", "credential-operator", CHART, "--namespace=credential-operator"),
        f"--set=policies.targetMetadata.allowed={{{ALLOWED}}}",
        "--set=policies.targetProtection=true",
        *(f"--set=policies.{value}" for value in values),
    )


def in_force(policed: Policed) -> None:
    """Wait until the API server has heard of kinds, policies and roles, which its caches do in their time."""
    replica.wait_until_in_force(policed.plane, namespace=TEAM)

    def may(name: str) -> bool:
        question = ("auth", "can-i", "delete", f"credentials.{users.GROUP}", f"--namespace={TEAM}")
        return policed.plane.kubectl(*question, impersonate=name, check=False).returncode == 0

    users.until(lambda: all(may(name) for name in users.ROLES if name != "vera"), "the roles are in force")


def largest_targets(value: str, *, domain: str = ".".join(["d" * 62] * 4)) -> list[users.Json]:
    """Return as many targets as the definition allows, with as many and as long keys."""
    keys = [f"{domain}/{number:02}{'k' * 61}" for number in range(16)]
    return [
        TARGET
        | {
            "name": f"t{number:02}{'n' * 250}",
            "labels": dict.fromkeys(keys, value * 63),
            "annotations": dict.fromkeys(keys, value * 1024),
        }
        for number in range(16)
    ]

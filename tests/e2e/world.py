"""A cluster with the operator in it, as its administrators see it, and the teams' namespaces."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import replica
from cluster.space import Space
from controlplane import Cluster
from credential_operator import leader
from e2e import cloud, consumer, pods
from replica.install import CHART, NAMESPACE, RELEASE

Json = dict[str, Any]

HERE = f"--namespace={NAMESPACE}"
AUTHORITIES = "authorities"
"""The ConfigMap with the certificates that the operator trusts."""
LABEL = "credential-operator-e2e"
"""On the namespaces that these tests make."""
LABELS = {"pod-security.kubernetes.io/enforce": "restricted", LABEL: "true"}
SECONDS = 150.0
"""How long Pods may take to start, on a machine that is busy."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """A cluster, a provider that its Pods reach, and the operator's image."""

    cluster: Cluster
    cloud: cloud.Cloud
    image: str

    def make_namespace(self, name: str) -> None:
        """Make a namespace that lets in restricted Pods alone."""
        metadata = {"name": name, "labels": LABELS}
        document = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        self.cluster.kubectl("create", "--filename=-", input=json.dumps(document))

    def space(self, name: str) -> Space:
        """Make a team's namespace, with the consumers' program."""
        self.make_namespace(name)
        space = Space(self.cluster, self.cloud, name, hint=self.story)
        files = {"consumer.py": Path(consumer.__file__).read_text(), "ca.crt": self.cloud.ca_pem.decode()}
        program = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": pods.PROGRAM}, "data": files}
        space.apply(program)
        return space

    # The operator

    def home(self) -> Space:
        """Return the operator's namespace."""
        return Space(self.cluster, self.cloud, NAMESPACE, hint=self.story)

    def install(self, *authorities: bytes) -> None:
        """Install the chart with its own values, but the image and whom to trust, and wait until it works."""
        self.make_namespace(NAMESPACE)
        data = {"ca.crt": b"".join(authorities).decode()}
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": AUTHORITIES}, "data": data}
        self.home().apply(document)
        self.upgrade()
        replica.wait_until_in_force(self.cluster, namespace="default")

    def upgrade(self, *options: str, check: bool = True) -> bool:
        """Install or upgrade the chart and wait until its Pods are ready; tells whether they are."""
        repository, _, tag = self.image.rpartition(":")
        done = self.cluster.helm(
            *("upgrade", "--install", RELEASE, CHART, HERE, "--wait", f"--timeout={SECONDS:.0f}s"),
            *(f"--set=image.repository={repository}", f"--set=image.tag={tag}"),
            *(f"--set=caBundle.configMapName={AUTHORITIES}", *options),
            check=False,
        )
        assert done.returncode == 0 or not check, f"{done.stderr}\n{self.story()}"
        return done.returncode == 0

    def pods(self) -> list[Json]:
        """Return the operator's Pods that are not ending."""
        found = [one for one in self.home().all("pods") if "deletionTimestamp" not in one["metadata"]]
        return [
            one for one in found if one["metadata"].get("labels", {}).get("app.kubernetes.io/name") == RELEASE
        ]

    def leader(self) -> str:
        """Return the name of the Pod that leads."""
        lease = self.home().get("lease", leader.NAME)
        return str(lease["spec"].get("holderIdentity", ""))

    def logs(self) -> str:
        """Return what the operator's Pods that are there have said."""
        return "".join(
            self.cluster.kubectl("logs", one["metadata"]["name"], HERE, check=False).stdout
            for one in self.pods()
        )

    def story(self) -> str:
        """Tell what the operator said last, and how its Pods are."""
        seen = [
            self.cluster.kubectl(*words, check=False).stdout
            for words in (("get", "pods", "--all-namespaces", "--output=wide"), ("get", "events", HERE))
        ]
        return "\n".join([self.logs()[-3000:], *seen])

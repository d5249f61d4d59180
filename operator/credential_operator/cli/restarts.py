"""Which workloads a restart has read their Secrets anew, and why others are left alone. Pure."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from credential_operator import rotation
from credential_operator.cli import advice
from credential_operator.cli.documents import Json, User

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""The annotation of a Pod template by which `kubectl rollout restart` makes new Pods."""
ENDS = "its Pods run to their end: delete it, and make it anew, if that is too late"
WITHOUT_ROLLOUT: Mapping[str, str] = {
    "Pod": "no controller makes it anew: delete it and make it again",
    "Job": ENDS,
    "CronJob": ENDS.replace("delete it, and make it anew,", "delete its Job"),
    "ReplicaSet": "it rolls nothing out: delete its Pods one after another, and it makes new ones",
    "Rollout": "kubectl does not restart it: kubectl argo rollouts restart {name} -n {namespace}",
}
"""Kinds that have no rollout, and what can be done."""
PODS: Mapping[str, tuple[str, ...]] = {"Pod": (), "CronJob": ("jobTemplate", "spec", "template", "spec")}
"""Where below its spec a kind has that of its Pods, if not in a template of its own."""
DONE = ("successfully rolled out", "rolling update complete", "roll out complete")
"""How kubectl says of Deployments and DaemonSets, of StatefulSets and of those in parts that all Pods are new."""


class Left(NamedTuple):
    """Who is not restarted, and why."""

    user: User
    reason: str

    def document(self) -> Json:
        """Gives it for programs."""
        return {**self.user._asdict(), "reason": self.reason}


def without_rollout(user: User) -> str:
    """Says why nothing of this kind can be restarted; nothing where it can."""
    if user.kind in advice.RESTARTABLE:
        return ""
    return WITHOUT_ROLLOUT.get(user.kind, "what makes its Pods has to restart it").format(**user._asdict())


def obstacle(user: User, document: Json, secrets: Collection[str]) -> str:
    """Says why a workload that reads some of these Secrets is left alone; nothing where it can be restarted."""
    if _follows(user, document, secrets):
        return "it reads a volume, which follows by itself within two minutes"
    return without_rollout(user) or _held_up(user, document["spec"])


def _held_up(user: User, spec: Json) -> str:
    """Says why a new Pod template would not lead to new Pods."""
    strategy = spec.get("updateStrategy") or {}
    what = f"{advice.RESTARTABLE[user.kind]}/{user.name} -n {user.namespace}"
    if spec.get("paused"):
        return f"it is paused: kubectl rollout resume {what}"
    if strategy.get("type") == "OnDelete":
        return "its strategy is OnDelete: delete its Pods one after another"
    if (strategy.get("rollingUpdate") or {}).get("partition"):
        return "its partition keeps Pods as they are: set that to 0"
    return ""


def _follows(user: User, document: Json, secrets: Collection[str]) -> bool:
    """Tells whether it reads these Secrets by nothing but volumes that the kubelet keeps up."""
    spec = document["spec"]
    for step in PODS.get(user.kind, ("template", "spec")):
        spec = spec.get(step) or {}
    found = [read.follows for read in rotation.reads(spec) if read.secret in secrets]
    return bool(found) and all(found)


def done(said: str) -> bool:
    """Tells whether kubectl says of a rollout that it is over."""
    return any(words in said for words in DONE)


def change(moment: str) -> Json:
    """Gives what a restart changes."""
    return {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: moment}}}}}

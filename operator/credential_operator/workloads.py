"""What workloads use: Pods, pod templates and ServiceAccounts, and when those that hold a claim are done. Pure.

Sources: the Secret fields of core/v1 PodSpec and its volume sources; the labels by which Deployments and
Argo Rollouts mark the Pods of their ReplicaSets (`pod-template-hash`, `rollouts-pod-template-hash`).
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from credential_operator.findings import User
from credential_operator.objects import Key
from credential_operator.usage import Kind, Use

Json = dict[str, Any]


def controller(document: Json) -> tuple[str, str] | None:
    """Gives kind and name of the controller of an object; None if it stands for itself."""
    owners = document["metadata"].get("ownerReferences") or ()
    return next(((one["kind"], one["name"]) for one in owners if one.get("controller")), None)


# When work is done


def _pod_finished(pod: Json) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _job_finished(job: Json) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)


# Who the user is


def _pod(document: Json) -> User | None:
    if _ended(document):
        return None
    kind, name = controller(document) or ("Pod", document["metadata"]["name"])
    if kind == "ReplicaSet":
        kind, name = _rollout(document, name)
    return _user(document, kind, name)


def _rollout(document: Json, replica_set: str) -> tuple[str, str]:
    """Gives who made the ReplicaSet of a Pod: its name ends in the hash that the Pod carries as a label."""
    labels = document["metadata"].get("labels") or {}
    for label, kind in (("pod-template-hash", "Deployment"), ("rollouts-pod-template-hash", "Rollout")):
        name = replica_set.removesuffix(f"-{labels.get(label)}")
        if name != replica_set:
            return kind, name
    return "ReplicaSet", replica_set


def _job(document: Json) -> User | None:
    if _job_finished(document):
        return None
    return _user(document, *(controller(document) or ("Job", document["metadata"]["name"])))


def _replica_set(document: Json) -> User | None:
    """One with a controller is told by that: old ones stay about for as long as a rollout can be undone."""
    if controller(document) is not None:
        return None
    return _user(document, "ReplicaSet", document["metadata"]["name"])


def _user(document: Json, kind: str, name: str) -> User:
    return User(sys.intern(kind), sys.intern(document["metadata"]["namespace"]), name)


def _ended(pod: Json) -> bool:
    """Tells whether a Pod runs nothing any more; one that is being deleted still may."""
    if _pod_finished(pod):
        return True
    if "deletionTimestamp" not in pod["metadata"]:
        return False
    if "nodeName" not in pod["spec"]:
        return True
    status = pod.get("status") or {}
    states = [one.get("state") or {} for one in status.get("containerStatuses") or ()]
    return bool(states) and all("terminated" in state for state in states)


# Which Secrets it names

TEMPLATE = ("spec", "template", "spec")
POD_SPECS: Mapping[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", *TEMPLATE),
    "ServiceAccount": (),  # it has two of the fields itself
}
"""Where the pod spec stands, for kinds that do not have it in their template."""


def pod_spec(document: Json) -> Json:
    """Gives the pod spec of an object of a built-in kind."""
    return _at(document, POD_SPECS.get(document["kind"], TEMPLATE))


def _at(document: Json, path: Iterable[str]) -> Json:
    for step in path:
        document = document.get(step) or {}
    return document


def _secrets(spec: Json) -> Iterator[str]:
    """Yields the Secrets that a pod spec names, or a ServiceAccount, which has two of its fields."""
    for reference in (*(spec.get("imagePullSecrets") or ()), *(spec.get("secrets") or ())):
        yield from _name(reference)
    for volume in spec.get("volumes") or ():
        yield from _of_volume(volume)
    for word in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(word) or ():
            yield from _of_container(container)


def _of_container(container: Json) -> Iterator[str]:
    for variable in container.get("env") or ():
        yield from _name((variable.get("valueFrom") or {}).get("secretKeyRef"))
    for variables in container.get("envFrom") or ():
        yield from _name(variables.get("secretRef"))


def _of_volume(volume: Json) -> Iterator[str]:
    """Volume sources name Secrets in one of three ways, and projected volumes have sources of their own."""
    for source in volume.values():
        if not isinstance(source, dict):
            continue
        if "secretName" in source:
            yield source["secretName"]
        for word in ("secretRef", "nodePublishSecretRef"):
            yield from _name(source.get(word))
        for projected in source.get("sources") or ():
            yield from _name(projected.get("secret"))


def _name(reference: Mapping[str, str] | None) -> Iterator[str]:
    if reference and reference.get("name"):
        yield reference["name"]


def _kind(
    api_version: str,
    name: str,
    resource: str,
    *,
    user: Callable[[Json], User | None] | None = None,
    finished: Callable[[Json], bool] = lambda _: False,
) -> Kind:
    """Describes a built-in kind, and who its user is if not the object itself.

    `user` gives None for what uses nothing any more, or speaks through another object.
    """
    path = POD_SPECS.get(name, TEMPLATE)
    whose = user or (lambda document: _user(document, name, document["metadata"]["name"]))

    def use(document: Json) -> Use | None:
        found = whose(document)
        if found is None:
            return None
        names = sorted(set(_secrets(_at(document, path))))
        return Use(found, tuple(Key(found.namespace, sys.intern(name)) for name in names)) if names else None

    return Kind(name=name, resource=resource, api_versions=(api_version,), use=use, finished=finished)


KINDS = (
    _kind("v1", "Pod", "pods", user=_pod, finished=_pod_finished),
    _kind("v1", "ServiceAccount", "serviceaccounts"),
    _kind("apps/v1", "Deployment", "deployments"),
    _kind("apps/v1", "StatefulSet", "statefulsets"),
    _kind("apps/v1", "DaemonSet", "daemonsets"),
    _kind("apps/v1", "ReplicaSet", "replicasets", user=_replica_set),
    _kind("batch/v1", "Job", "jobs", user=_job, finished=_job_finished),
    _kind("batch/v1", "CronJob", "cronjobs"),
)
"""The kinds that are watched for what they use."""

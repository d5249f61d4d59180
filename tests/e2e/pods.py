"""Pods as teams write them where only restricted ones are let in."""

from typing import Any

from cluster.space import Space
from controlplane.cluster import Completed

Json = dict[str, Any]

PROGRAM = "consumer"
"""The ConfigMap with the consumer's program, and what it trusts."""
KEYS = "/keys"
FIELDS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "fsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def spec(container: Json, volumes: tuple[Json, ...] = (), **fields: Any) -> Json:
    """Return the spec of a Pod with one container."""
    security = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": RESTRICTED,
        "containers": [{"name": "main", "securityContext": security, **container}],
        "volumes": list(volumes),
        **fields,
    }


def consumer(image: str, provider: str, secret: str, way: str) -> Json:
    """Return the spec of a Pod that uses the key of a Secret, which it gets by `env`, `volume` or `subPath`."""
    container: Json = {
        "image": image,
        "command": ["python", f"/{PROGRAM}/consumer.py", *([] if way == "env" else [KEYS])],
        "env": [{"name": "PROVIDER", "value": provider}],
        "volumeMounts": [{"name": PROGRAM, "mountPath": f"/{PROGRAM}"}],
    }
    volumes: tuple[Json, ...] = ({"name": PROGRAM, "configMap": {"name": PROGRAM}},)
    if way == "env":
        container["envFrom"] = [{"secretRef": {"name": secret}}]
        return spec(container, volumes)
    mounts = [{"mountPath": KEYS}]
    if way == "subPath":
        mounts = [{"mountPath": f"{KEYS}/{field}", "subPath": field} for field in FIELDS]
    container["volumeMounts"] += [{"name": "keys", **mount} for mount in mounts]
    return spec(container, (*volumes, {"name": "keys", "secret": {"secretName": secret}}))


def execute(space: Space, target: str, *command: str) -> Completed:
    """Run a command in a Pod's container, named as kubectl takes it."""
    words = ("exec", target, f"--namespace={space.name}", "--", *command)
    return space.cluster.kubectl(*words, check=False)


def pod(name: str, template: Json) -> Json:
    """Return a Pod."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": template}


def deployment(name: str, template: Json) -> Json:
    """Return a Deployment of one Pod, whose old one goes before the new one comes."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template},
        },
    }


def job(name: str, template: Json) -> Json:
    """Return a Job that is tried once."""
    body = {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never", **template}}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": body}

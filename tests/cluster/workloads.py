"""Workloads as teams write them, that use a Secret in one way or another."""

import json
from typing import Any

Json = dict[str, Any]


def pod_spec(secret: str, **fields: Any) -> Json:
    """Return the spec of a Pod that reads a Secret into its environment."""
    container = {
        "name": "main",
        "image": "registry.invalid/app",
        "envFrom": [{"secretRef": {"name": secret}}],
    }
    return {"containers": [container], **fields}


def pod(name: str, secret: str, **fields: Any) -> Json:
    """Return a Pod; fields are added to its spec."""
    return _object("v1", "Pod", name, pod_spec(secret, **fields))


def started(since: str, *, ready: bool = False) -> str:
    """Return the patch that says of a Pod what a kubelet says of one whose container has started."""
    running = {"name": "main", "state": {"running": {"startedAt": since}}, "ready": True}
    status: Json = {
        "phase": "Running",
        "startTime": since,
        "containerStatuses": [{**running, "restartCount": 0, "image": "x", "imageID": "x"}],
    }
    if ready:
        status["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": since}]
    return json.dumps({"status": status})


def deployment(
    name: str, secret: str, *, replicas: int = 1, kind: str = "Deployment", image: str = ""
) -> Json:
    """Return a Deployment, or another kind with such a template."""
    template = pod_spec(secret)
    if image:
        template["containers"][0]["image"] = image
    spec: Json = {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": template},
    }
    if kind != "DaemonSet":
        spec["replicas"] = replicas
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return _object("apps/v1", kind, name, spec)


def job(name: str, secret: str, *, suspend: bool = False) -> Json:
    """Return a Job."""
    template = {"spec": pod_spec(secret, restartPolicy="Never")}
    return _object("batch/v1", "Job", name, {"template": template, "suspend": suspend})


def cron_job(name: str, secret: str) -> Json:
    """Return a CronJob that never runs."""
    template = {"spec": {"template": {"spec": pod_spec(secret, restartPolicy="Never")}}}
    return _object(
        "batch/v1", "CronJob", name, {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": template}
    )


def account(name: str, secret: str) -> Json:
    """Return a ServiceAccount whose Pods pull their images with a Secret."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name},
        "imagePullSecrets": [{"name": secret}],
    }


def ended(condition: str = "Complete") -> Json:
    """Return the status of a Job that has ended, as the job controller writes it."""
    times = {"startTime": "2026-11-22T00:00:00Z"}
    first = "SuccessCriteriaMet" if condition == "Complete" else "FailureTarget"
    conditions = [
        {"type": word, "status": "True", "reason": "Test", "lastTransitionTime": "2026-11-22T00:00:01Z"}
        for word in (first, condition)
    ]
    done = {"completionTime": "2026-11-22T00:00:01Z"} if condition == "Complete" else {}
    return {"status": {**times, **done, "conditions": conditions}}


def _object(api_version: str, kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}

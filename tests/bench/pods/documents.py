"""Pods as an API server shows them, each written into a template: nine kilobytes at the price of a copy."""

import dataclasses
import functools
import hashlib
from typing import Any

import orjson

Json = dict[str, Any]

NAMESPACES = 500
PODS_EACH = 10
"""Pods of a Deployment."""
HASH = "6c9f7d8b54"
"""What a ReplicaSet's name ends in, before a rollout; the digits of its Pods' generation follow."""
SINCE = "2026-11-02T08:15:41Z"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a Pod comes to its Secret, and how far it is: `way` is "variables", "volume" or "nothing"."""

    way: str
    running: bool = True
    deleted: bool = False


def pod(number: int, *, rollout: int = 0, version: int, using: bool, **state: bool) -> bytes:
    """Gives Pod `number` after so many rollouts of its Deployment; `state` is of `Shape`."""
    deployment = number // PODS_EACH
    way = ("variables", "volume")[deployment % 2] if using else "nothing"
    app = f"payment-gateway-{deployment:05}"
    digest = hashlib.blake2b(b"%d/%d" % (number, rollout), digest_size=16).hexdigest()
    values = {
        b"APP": app,
        b"NAMESPACE": f"team-{deployment % NAMESPACES:03}-production",
        b"REPLICASET": f"{app}-{HASH}{rollout}",
        b"HASH": f"{HASH}{rollout}",
        b"POD": f"{app}-{HASH}{rollout}-{digest[:5]}",
        b"UID": f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}",
        b"DIGEST": digest,
        b"NODE": f"ip-10-{number % 7}-{number % 251}-{number % 113}.eu-central-1.compute.internal",
        b"ADDRESS": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
        b"VERSION": str(version),
    }
    return _template(Shape(way=way, **state)) % {name: value.encode() for name, value in values.items()}


@functools.cache
def _template(shape: Shape) -> bytes:
    return orjson.dumps(
        {
            "metadata": _metadata(shape),
            "spec": _spec(shape),
            "status": _status(shape),
        }
    )


def _metadata(shape: Shape) -> Json:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "%(REPLICASET)s", "uid": "%(UID)s"}
    return {
        "name": "%(POD)s",
        "generateName": "%(REPLICASET)s-",
        "namespace": "%(NAMESPACE)s",
        "uid": "%(UID)s",
        "resourceVersion": "%(VERSION)s",
        "creationTimestamp": SINCE,
        **({"deletionTimestamp": SINCE, "deletionGracePeriodSeconds": 30} if shape.deleted else {}),
        "labels": {
            "app.kubernetes.io/name": "payment-gateway",
            "app.kubernetes.io/instance": "%(APP)s",
            "app.kubernetes.io/managed-by": "Helm",
            "pod-template-hash": "%(HASH)s",
        },
        "annotations": {
            "checksum/config": "%(DIGEST)s%(DIGEST)s",
            "kubectl.kubernetes.io/restartedAt": SINCE,
            "prometheus.io/port": "9090",
            "prometheus.io/scrape": "true",
        },
        "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
        "managedFields": [
            # What the others have set (defaults, the token's volume, the node) is nobody's.
            _managed("kube-controller-manager", "spec", {"containers": _spec(shape)["containers"]}),
            _managed("kubelet", "status", _status(shape)),
        ],
    }


def _managed(manager: str, part: str, fields: Json) -> Json:
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "v1",
        "time": SINCE,
        "fieldsType": "FieldsV1",
        "fieldsV1": {f"f:{part}": _fields(fields)},
        **({"subresource": "status"} if part == "status" else {}),
    }


def _fields(value: Any) -> Json:
    """Names the fields of a part as the API server does for who manages them (FieldsV1)."""
    if isinstance(value, dict):
        return {".": {}} | {f"f:{name}": _fields(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return dict(_element(one) for one in value)
    return {}


def _element(value: Any) -> tuple[str, Json]:
    if not isinstance(value, dict):
        return f"v:{value}", {}
    key = next((name for name in ("name", "type", "key", "ip") if name in value), next(iter(value)))
    return f"k:{orjson.dumps({key: value[key]}).decode()}", _fields(value)


def _spec(shape: Shape) -> Json:
    ways: dict[str, Json] = {
        "volume": {"secret": {"secretName": "%(APP)s-credentials", "defaultMode": 420}},
        "variables": {"emptyDir": {}},
        "nothing": {"configMap": {"name": "%(APP)s-settings", "defaultMode": 420}},
    }
    token = {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    authority = {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
    waits = [{"effect": "NoExecute", "operator": "Exists", "tolerationSeconds": 300}]
    return {
        "containers": [_container("application", shape), _container("metrics", Shape(way="nothing"))],
        "volumes": [
            {"name": "credentials", **ways[shape.way]},
            {"name": "kube-api-access", "projected": {"sources": [token, authority], "defaultMode": 420}},
        ],
        "tolerations": [
            {"key": f"node.kubernetes.io/{why}", **one}
            for why in ("not-ready", "unreachable")
            for one in waits
        ],
        **({"nodeName": "%(NODE)s"} if shape.running else {}),
        "serviceAccountName": "%(APP)s",
        "serviceAccount": "%(APP)s",
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority",
        "enableServiceLinks": True,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "fsGroup": 1000},
    }


def _container(name: str, shape: Shape) -> Json:
    variables = [{"name": "LOG_LEVEL", "value": "info"}, {"name": "OTEL_SERVICE_NAME", "value": "%(APP)s"}]
    where = {
        "name": "POD_NAME",
        "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}},
    }
    secret = [{"secretRef": {"name": "%(APP)s-credentials"}}] if shape.way == "variables" else []
    mounts = {"credentials": "/etc/credentials", "kube-api-access": "/var/run/secrets/kubernetes.io"}
    return {
        "name": name,
        "image": f"registry.example.com/payments/{name}:4.18.2",
        "imagePullPolicy": "IfNotPresent",
        "env": [*variables, where],
        "envFrom": [{"configMapRef": {"name": "%(APP)s-settings"}}, *secret],
        "ports": [{"name": f"http-{name}", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
        "readinessProbe": {
            "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
            "periodSeconds": 10,
            "successThreshold": 1,
            "failureThreshold": 3,
            "timeoutSeconds": 1,
        },
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "volumeMounts": [{"name": at, "mountPath": path, "readOnly": True} for at, path in mounts.items()],
    }


def _status(shape: Shape) -> Json:
    if not shape.running:
        return {"phase": "Pending", "qosClass": "Burstable"}
    conditions = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    return {
        "phase": "Running",
        "qosClass": "Burstable",
        "startTime": SINCE,
        "hostIP": "10.0.0.1",
        "podIP": "%(ADDRESS)s",
        "podIPs": [{"ip": "%(ADDRESS)s"}],
        "conditions": [
            {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": SINCE}
            for kind in conditions
        ],
        "containerStatuses": [_container_status(name) for name in ("application", "metrics")],
    }


def _container_status(name: str) -> Json:
    return {
        "name": name,
        "state": {"running": {"startedAt": SINCE}},
        "lastState": {},
        "ready": True,
        "started": True,
        "restartCount": 0,
        "image": f"registry.example.com/payments/{name}:4.18.2",
        "imageID": f"registry.example.com/payments/{name}@sha256:%(DIGEST)s%(DIGEST)s",
        "containerID": "containerd://%(DIGEST)s%(DIGEST)s",
    }


ROLLED = 4
"""Events for each Pod of a Deployment that is rolled out."""


def rollout(number: int, *, version: int, using: bool) -> list[bytes]:
    """Gives the events by which the next one takes the place of Pod `number`; they count versions from one on."""
    states: tuple[tuple[str, int, Json], ...] = (
        ("ADDED", 1, {"running": False}),
        ("MODIFIED", 1, {}),
        ("MODIFIED", 0, {"deleted": True}),
        ("DELETED", 0, {"deleted": True}),
    )
    return [
        _event(kind, pod(number, rollout=after, version=version + turn, using=using, **state))
        for turn, (kind, after, state) in enumerate(states)
    ]


def _event(kind: str, document: bytes) -> bytes:
    return b'{"type":"%s","object":{"kind":"Pod","apiVersion":"v1",%s}\n' % (kind.encode(), document[1:])

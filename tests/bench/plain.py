"""The baseline: the same work as most write it with kopf, run by `kopf run` with its default settings.

It has no reference counting, digests, drift repair, conditions beyond Ready, metrics or leader election.
"""

import base64
import datetime
from typing import Any

import kopf
from kubernetes import client, config

GROUP, VERSION, PLURAL = "credential-operator.io", "v1beta1", "credentials"
VARIABLES = {"accessKeyID": "AWS_ACCESS_KEY_ID", "secretAccessKey": "AWS_SECRET_ACCESS_KEY"}


@kopf.on.startup()
def connect(**_: Any) -> None:
    """Finds the cluster."""
    config.load_kube_config()


@kopf.on.resume(GROUP, VERSION, PLURAL)
@kopf.on.create(GROUP, VERSION, PLURAL)
@kopf.on.update(GROUP, VERSION, PLURAL)
def publish(spec: kopf.Spec, meta: kopf.Meta, name: Any, namespace: Any, **_: Any) -> None:
    """Reads the source Secret, writes the target Secret, says so in the status."""
    core: Any = client.CoreV1Api()
    source = core.read_namespaced_secret(spec["secretRef"]["name"], namespace)
    data = {variable: source.data[field] for field, variable in VARIABLES.items()}
    data["AWS_REGION"] = base64.b64encode(spec["aws"]["region"].encode()).decode()
    for target in spec["targets"]:
        secret = {"metadata": {"name": target["name"], "namespace": namespace}, "data": data}
        kopf.adopt(secret)
        try:
            core.create_namespaced_secret(namespace, secret)
        except client.ApiException as error:
            if error.status != 409:
                raise
            core.patch_namespaced_secret(target["name"], namespace, secret)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Available",
        "message": "published",
        "observedGeneration": meta["generation"],
        "lastTransitionTime": now,
    }
    status = {"status": {"observedGeneration": meta["generation"], "conditions": [ready]}}
    client.CustomObjectsApi().patch_namespaced_custom_object_status(
        GROUP, VERSION, namespace, PLURAL, name, status
    )

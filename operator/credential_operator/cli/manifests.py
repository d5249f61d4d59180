"""The manifests of a new Credential and its source Secret. Pure."""

import base64
import datetime
from collections.abc import Mapping
from typing import Any

from credential_operator.cli.documents import API_VERSION

Json = dict[str, Any]


def secret(name: str, namespace: str | None, fields: Mapping[str, bytes]) -> Json:
    """Words the source Secret."""
    data = {field: base64.b64encode(value).decode() for field, value in sorted(fields.items())}
    metadata = _metadata(name, namespace)
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}


def credential(name: str, namespace: str | None, spec: Json, labels: Mapping[str, str]) -> Json:
    """Words the Credential."""
    metadata = _metadata(name, namespace) | ({"labels": dict(labels)} if labels else {})
    return {"apiVersion": API_VERSION, "kind": "Credential", "metadata": metadata, "spec": spec}


def event(about: Mapping[str, Any], reason: str, message: str, now: datetime.datetime) -> Json:
    """Words an event about a Credential, by whoever types."""
    metadata, moment = about["metadata"], f"{now.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": "Credential",
            **{name: metadata[name] for name in ("namespace", "name", "uid")},
        },
        "type": "Warning",
        "reason": reason,
        "message": message,
        "source": {"component": "kubectl-credential"},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }


def _metadata(name: str, namespace: str | None) -> Json:
    return {"name": name, **({"namespace": namespace} if namespace else {})}

"""Manifests of a Credential and its Secret."""

from typing import Any

API_VERSION = "credential-operator.io/v1beta1"
KEY_ID, WRONG = "AKIAIOSFODNN7EXAMPLE", "Kanarie7bPxRfiCYEXAMPLEKEYwJalrXUtnFEMIK"
ROLE = "arn:aws:iam::123456789012:role/backup"

Json = dict[str, Any]


def credential(name: str = "backups", **spec: Any) -> Json:
    """Return the manifest of a Credential."""
    fields = {"aws": {"region": "eu-west-1"}, "secretRef": {"name": f"{name}-keys"}} | spec
    kept = {field: value for field, value in fields.items() if value is not None}
    return {"apiVersion": API_VERSION, "kind": "Credential", "metadata": {"name": name}, "spec": kept}


def secret(key: tuple[str, str] = (KEY_ID, WRONG), name: str = "backups-keys") -> Json:
    """Return the manifest of a source Secret."""
    data = {"accessKeyID": key[0], "secretAccessKey": key[1]}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}

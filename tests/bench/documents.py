"""The objects of a bench: each Credential has a source Secret and a target Secret of its own."""

import base64
from typing import Any

from bench import casts

Json = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""

NAMESPACES = 8
SECRETS = "/api/v1/namespaces/{}/secrets"
CREDENTIALS = "/apis/credential-operator.io/v1beta1/namespaces/{}/credentials"


def namespaces() -> list[str]:
    """Gives the namespaces over which objects are spread."""
    return [f"team-{number}" for number in range(NAMESPACES)]


def key(number: int) -> Key:
    """Gives where the Credential of a number is."""
    return f"team-{number % NAMESPACES}", f"backups-{number:05}"


def source_name(name: str) -> str:
    """Gives the name of a Credential's source Secret."""
    return f"{name}-keys"


def target_name(name: str) -> str:
    """Gives the name of a Credential's target Secret."""
    return f"{name}-env"


def key_material(part: casts.Part) -> Json:
    """Gives the data of a source Secret."""
    return {field: base64.b64encode(text.encode()).decode() for field, text in part.keys.items()}


def source(where: Key, part: casts.Part) -> Json:
    """Gives a source Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": where[0], "name": source_name(where[1])},
        "data": key_material(part),
    }


def credential(where: Key, part: casts.Part) -> Json:
    """Gives a Credential."""
    return {
        "apiVersion": "credential-operator.io/v1beta1",
        "kind": "Credential",
        "metadata": {"namespace": where[0], "name": where[1]},
        "spec": {
            **part.spec,
            "secretRef": {"name": source_name(where[1])},
            "targets": [{"name": target_name(where[1]), **part.target}],
        },
    }


def ready(document: Json) -> bool:
    """Tells whether a Credential says that its consumers can work."""
    conditions = document.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

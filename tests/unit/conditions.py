"""Credentials with conditions, as the API server shows them."""

from typing import Any

CREATED, SINCE = "2026-11-22T00:00:00Z", "2026-11-22T01:00:00Z"
AT_CREATION, AT_SINCE = 1795305600.0, 1795309200.0


def credential(*conditions: dict[str, Any], spec: Any = None, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "a", "name": "backups", "creationTimestamp": CREATED},
        "spec": spec or {},
        "status": {"conditions": list(conditions), **status},
    }


def condition(kind: str, status: str, reason: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": SINCE}


GOOD = [condition("Ready", "True", "Available"), condition("Validated", "True", "Accepted")]

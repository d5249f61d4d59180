"""Who else may use a Credential: the grant of its owner to other namespaces. Pure."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def allows(credential: Json, namespace: str, labels: Mapping[str, str] | None) -> bool:
    """Tells whether references in a namespace may use a Credential; its own namespace always may.

    `labels` are the namespace's, None where they are not known: then no selector matches.
    """
    if credential["metadata"]["namespace"] == namespace:
        return True
    granted = credential["spec"].get("allowedNamespaces")
    if granted is None:
        return False
    if granted.get("all") or namespace in granted.get("names", ()):
        return True
    selector = granted.get("selector")
    return selector is not None and labels is not None and selects(selector, labels)


def formats(credential: Json, namespace: str) -> list[str] | None:
    """Gives the formats in which a namespace may have a Credential; None: any."""
    if credential["metadata"]["namespace"] == namespace:
        return None
    allowed: list[str] | None = _forms(credential).get("formats")
    return allowed


def issue(credential: Json, namespace: str) -> Json | None:
    """Gives the short-lived key that a namespace has in place of the stored one; None: what it asks for."""
    if credential["metadata"]["namespace"] == namespace:
        return None
    form: Json | None = _forms(credential).get("issue")
    return form


def _forms(credential: Json) -> Json:
    forms: Json = credential["spec"].get("allowedNamespaces", {}).get("as", {})
    return forms


def selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """Tells whether a label selector matches, as Kubernetes has them (meta/v1 LabelSelector)."""
    wanted = selector.get("matchLabels", {})
    return all(labels.get(name) == value for name, value in wanted.items()) and all(
        _holds(one, labels) for one in selector.get("matchExpressions", ())
    )


def _holds(expression: Json, labels: Mapping[str, str]) -> bool:
    found = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return found in expression.get("values", ())
        case "NotIn":
            return found not in expression.get("values", ())
        case "Exists":
            return found is not None
    return found is None

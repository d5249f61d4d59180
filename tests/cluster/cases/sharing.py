"""The rules of what an owner shares with other namespaces."""

from typing import Any

from cluster.cases.case import Case
from cluster.crds import Json, spec


def shared(**granted: Any) -> Json:
    """Return a spec that is shared."""
    return spec(allowedNamespaces=granted)


def selected(**selector: Any) -> Json:
    """Return a spec that is shared with namespaces by their labels."""
    return shared(selector=selector)


def expressed(**expression: Any) -> Json:
    """Return a spec that is shared with namespaces by one condition on their labels."""
    return selected(matchExpressions=[{"key": "env", "operator": "In", "values": ["dev"], **expression}])


HERE = "spec.allowedNamespaces"
LABEL = "a label value: letters, digits, '-', '_' and '.'"
CASES = {
    "a Credential is shared with somebody": Case(
        HERE, "must say who: names, a selector, or all: true", good=shared(all=True), bad=shared(all=False)
    ),
    "a Credential is shared with a namespace by its name": Case(
        f"{HERE}.names[0]",
        "must be the name of a namespace",
        good=shared(names=["team-b"]),
        bad=shared(names=["team.b"]),
    ),
    "a Credential is shared by labels that are named": Case(
        f"{HERE}.selector",
        "must not be empty, which would select everything: name a label",
        good=selected(matchLabels={"backups": "true"}),
        bad=selected(),
    ),
    "a Credential is shared by the keys that labels have": Case(
        f"{HERE}.selector.matchLabels",
        "every key must be a label or annotation key, such as app or example.com/team",
        good=selected(matchLabels={"example.com/team": "b"}),
        bad=selected(matchLabels={"a b": "c"}),
    ),
    "a Credential is shared by the values that labels have": Case(
        f"{HERE}.selector.matchLabels[a]",
        f"must be {LABEL}",
        good=selected(matchLabels={"a": "b"}),
        bad=selected(matchLabels={"a": "b c"}),
    ),
    "a condition with values is one that compares": Case(
        f"{HERE}.selector.matchExpressions[0].values",
        "must be set for the operators In and NotIn, and for no other",
        good=expressed(),
        bad=expressed(operator="Exists"),
    ),
    "a condition is on a label": Case(
        f"{HERE}.selector.matchExpressions[0].key",
        "must be a label or annotation key, such as app or example.com/team",
        good=expressed(key="example.com/env"),
        bad=expressed(key="a b"),
    ),
    "a condition compares with what labels can be": Case(
        f"{HERE}.selector.matchExpressions[0].values[0]",
        f"must be {LABEL}",
        good=expressed(values=["prod"]),
        bad=expressed(values=["a b"]),
    ),
    "a target that is revoked goes in time": Case(
        f"{HERE}.revocationGracePeriod",
        "must be a duration from 1s to 720h, written like 90s, 30m or 1h30m, or 0s: at once",
        good=shared(all=True, revocationGracePeriod="0s"),
        bad=shared(all=True, revocationGracePeriod="10 minutes"),
    ),
}

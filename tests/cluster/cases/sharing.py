"""The rules of what an owner shares with other namespaces, and of what is distributed to them."""

import dataclasses
from collections.abc import Mapping
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


def distributed(target: Json | None = None, **changes: Any) -> Json:
    """Return a spec that is distributed to all namespaces, changed."""
    wanted = {"target": {"name": "a", "format": "env"} | (target or {})}
    return spec(**{"allowedNamespaces": {"all": True}, "distribute": wanted, **changes})


HERE = "spec.allowedNamespaces"
ONLY_ENV = {"all": True, "as": {"formats": ["env"]}}
VELERO = {"name": "a", "format": "velero"}
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
    "a distribution has a target or is an offer": Case(
        "spec.distribute",
        "must have either target, the Secret that every namespace gets, or advertise: true, an offer",
        good=distributed(distribute={"advertise": True}),
        bad=distributed(distribute={"target": VELERO, "advertise": True}),
    ),
    "a distribution says to whom": Case(
        "spec.distribute",
        "needs allowedNamespaces, which says to whom",
        good=distributed(),
        bad=distributed(allowedNamespaces=None),
    ),
    "what is not stored is not distributed": Case(
        "spec.distribute",
        "target must have issue with workloadIdentity: no key is stored, so only short-lived ones can be given",
        good=distributed(),
        bad=distributed(
            secretRef=None,
            workloadIdentity={
                "serviceAccountName": "backup",
                "roleARN": "arn:aws:iam::123456789012:role/backup",
            },
        ),
    ),
    "what is distributed has a form that others get": Case(
        "spec.distribute",
        "target.format must be one of allowedNamespaces.as.formats, the only ones that others get",
        good=distributed(allowedNamespaces=ONLY_ENV),
        bad=distributed(VELERO, allowedNamespaces=ONLY_ENV),
    ),
    "what is distributed has a format that can hold the key": Case(
        "spec.distribute",
        "target.format must be a format that can serve aws: ",
        good=distributed(),
        bad=distributed({"format": "google-key-file"}),
    ),
    "what is distributed takes its keys from the type's fields": Case(
        "spec.distribute",
        "target.keys must be fields of aws: accessKeyID, accountID, ",
        good=distributed({"format": "fields", "keys": {"user": "accountID"}}),
        bad=distributed({"format": "fields", "keys": {"user": "bucket"}}),
    ),
}


def of_targets(cases: Mapping[str, Case]) -> dict[str, Case]:
    """Return the examples of rules that targets have, for what is distributed."""
    return {
        f"{name} (of a distribution)": dataclasses.replace(
            case,
            path=case.path.replace("spec.targets[0]", "spec.distribute.target"),
            good=_distributing(case.good),
            bad=_distributing(case.bad),
        )
        for name, case in cases.items()
        if case.path.startswith("spec.targets[0].") and "adopt" not in case.good["targets"][0]
    }


def _distributing(spec: Json) -> Json:
    given = {name: value for name, value in spec.items() if name != "targets"}
    return given | {"allowedNamespaces": {"all": True}, "distribute": {"target": spec["targets"][0]}}

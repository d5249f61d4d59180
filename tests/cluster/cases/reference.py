"""The rules of CredentialReferences."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from cluster.cases.case import Case
from cluster.crds import Json


def leased(*, without: str = "", **changes: Any) -> Json:
    """Return a spec with a lease, changed."""
    whole = {"credentialRef": {"name": "backups"}, "leaseDurationSeconds": 60, **changes}
    return {name: value for name, value in whole.items() if name != without}


def selecting(**selector: Any) -> Json:
    """Return a spec that selects its Credential."""
    return {"credentialSelector": selector}


JOB = {"apiVersion": "batch/v1", "kind": "Job", "name": "nightly"}
NOW = "2026-11-22T00:00:00Z"
CASES = {
    "a reference names a Credential that there can be": Case(
        "spec.credentialRef.name",
        "must be the name of a Credential: lower-case letters, digits, '-' and '.'",
        good={"credentialRef": {"name": "backups"}},
        bad={"credentialRef": {"name": "Backups!"}},
        kind="CredentialReference",
    ),
    "a reference names a Credential or selects it": Case(
        "spec",
        "must have either credentialRef, the Credential by name, or credentialSelector, by type and labels",
        good=selecting(types=["s3"]),
        bad={**selecting(types=["s3"]), "credentialRef": {"name": "backups"}},
        kind="CredentialReference",
    ),
    "a selector looks for something": Case(
        "spec.credentialSelector",
        "must say what to look for: types, matchLabels or both",
        good=selecting(matchLabels={"tier": "backup"}),
        bad=selecting(namespace="team-a"),
        kind="CredentialReference",
    ),
    "a selector looks in a namespace that there can be": Case(
        "spec.credentialSelector.namespace",
        "must be the name of a namespace",
        good=selecting(types=["s3"], namespace="team-a"),
        bad=selecting(types=["s3"], namespace="Team A"),
        kind="CredentialReference",
    ),
    "a selector has the keys of labels": Case(
        "spec.credentialSelector.matchLabels",
        "every key must be a label or annotation key, such as app or example.com/team",
        good=selecting(matchLabels={"example.com/tier": "backup"}),
        bad=selecting(matchLabels={"a b": "c"}),
        kind="CredentialReference",
    ),
    "a selector has the values of labels": Case(
        "spec.credentialSelector.matchLabels[a]",
        "must be a label value: letters, digits, '-', '_' and '.'",
        good=selecting(matchLabels={"a": "b"}),
        bad=selecting(matchLabels={"a": "b c"}),
        kind="CredentialReference",
    ),
    "a reference names a namespace that there can be": Case(
        "spec.credentialRef.namespace",
        "must be the name of a namespace",
        good={"credentialRef": {"name": "backups", "namespace": "team-a"}},
        bad={"credentialRef": {"name": "backups", "namespace": "Team A"}},
        kind="CredentialReference",
    ),
    "a reference is renewed that has a lease": Case(
        "spec.renewTime",
        "needs leaseDurationSeconds: without a lease there is nothing to renew",
        good=leased(renewTime=NOW),
        bad=leased(without="leaseDurationSeconds", renewTime=NOW),
        kind="CredentialReference",
    ),
    "a reference is renewed at a time": Case(
        "spec.renewTime",
        "must be a time with its zone, such as 2027-01-31T00:00:00Z",
        good=leased(renewTime=NOW),
        bad=leased(renewTime="now"),
        kind="CredentialReference",
    ),
    "a reference is removed that ends": Case(
        "spec.ttlSecondsAfterFinished",
        "needs leaseDurationSeconds, or until: HolderFinished: without them a reference ends when it is deleted",
        good=leased(ttlSecondsAfterFinished=0),
        bad=leased(without="leaseDurationSeconds", ttlSecondsAfterFinished=0),
        kind="CredentialReference",
    ),
    "a reference that ends with its holder has one": Case(
        "spec.until",
        "needs holder, the object that is to finish",
        good=leased(until="HolderFinished", holder=JOB),
        bad=leased(until="HolderFinished"),
        kind="CredentialReference",
    ),
}


def of_targets(cases: Mapping[str, Case]) -> dict[str, Case]:
    """Return the examples of rules that targets of Credentials have, for those of references."""
    return {
        f"{name} (of a reference)": dataclasses.replace(
            case,
            path=case.path.replace("spec.targets[0]", "spec.target"),
            good=_borrowing(case.good),
            bad=_borrowing(case.bad),
            kind="CredentialReference",
        )
        for name, case in cases.items()
        if case.path.startswith("spec.targets[0].")
    }


def _borrowing(spec: Json) -> Json:
    return {"credentialRef": {"name": "backups"}, "target": spec["targets"][0]}

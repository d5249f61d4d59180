"""The rules of CredentialReferences that end by themselves."""

from typing import Any

from cluster.cases.case import Case
from cluster.crds import Json


def leased(*, without: str = "", **changes: Any) -> Json:
    """Return a spec with a lease, changed."""
    whole = {"credentialRef": {"name": "backups"}, "leaseDurationSeconds": 60, **changes}
    return {name: value for name, value in whole.items() if name != without}


JOB = {"apiVersion": "batch/v1", "kind": "Job", "name": "nightly"}
NOW = "2026-11-22T00:00:00Z"
CASES = {
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
        "needs leaseDurationSeconds, or until: HolderFinished; without them a reference ends when it is deleted",
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

"""The rules of CredentialReferences that end by themselves."""

from typing import Any

from cluster.cases.case import Case
from cluster.crds import Json


def leased(*, without: str = "", **changes: Any) -> Json:
    """Return a spec with a lease, changed."""
    whole = {"credentialRef": {"name": "backups"}, "leaseDurationSeconds": 60, **changes}
    return {name: value for name, value in whole.items() if name != without}


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
        "needs leaseDurationSeconds: without a lease a reference ends when it is deleted",
        good=leased(ttlSecondsAfterFinished=0),
        bad=leased(without="leaseDurationSeconds", ttlSecondsAfterFinished=0),
        kind="CredentialReference",
    ),
}

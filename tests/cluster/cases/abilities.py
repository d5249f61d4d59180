"""The rules of what only some types can do, and of what takes the place of a stored key."""

from cluster.cases.azure import keyless as azure
from cluster.cases.case import Case, probing
from cluster.cases.google import federated as google
from cluster.crds import Json, spec

IDENTITY = {"serviceAccountName": "backup", "roleARN": "arn:aws:iam::123456789012:role/backup"}


KEPT = {"store": "kept"}
ROLE = {"roleARN": IDENTITY["roleARN"]}
OTHERS = {"impersonate": "backup@example-project.iam.gserviceaccount.com"}


def keyless(**changes: object) -> Json:
    """Return a spec without a stored key."""
    return spec(without="secretRef", workloadIdentity=IDENTITY, **changes)


CASES = {
    "a key is stored, or nothing is": Case(
        "spec",
        "must have either secretRef, the Secret that holds the key, or workloadIdentity",
        good=keyless(),
        bad=spec(workloadIdentity=IDENTITY),
    ),
    "what is not stored is not published": Case(
        "spec.targets",
        "must each have issue with workloadIdentity: no key is stored",
        good=keyless(targets=[{"name": "a", "format": "env", "issue": {"kind": "SessionToken"}}]),
        bad=keyless(targets=[{"name": "a", "format": "env"}]),
    ),
    "a workload identity has a ServiceAccount": Case(
        "spec.workloadIdentity.serviceAccountName",
        "must be the name of a ServiceAccount, such as backup",
        good=keyless(),
        bad=spec(without="secretRef", workloadIdentity={**IDENTITY, "serviceAccountName": "My Account"}),
    ),
    "a type that needs a stored key has no workload identity": Case(
        "spec.workloadIdentity",
        "can be set for the types ",
        good=keyless(),
        bad={**probing("basic"), "secretRef": None, "workloadIdentity": {"serviceAccountName": "backup"}},
    ),
    "a permission is one in the provider's words": Case(
        "spec.validation.permissions[0]",
        "must be a permission in the provider's words, such as s3:GetObject",
        good=spec(validation={"permissions": ["s3:GetObject"]}),
        bad=spec(validation={"permissions": ["s3:*"]}),
    ),
    "permissions are asked for where a provider tells them": Case(
        "spec.validation.permissions",
        "can be set for the types ",
        good=spec(validation={"permissions": ["AmazonEC2FullAccess"]}),
        bad={**probing("basic"), "validation": {"permissions": ["read"]}},
    ),
    "accounts are discovered where keys see some": Case(
        "spec.discoverReach",
        "can be set for the types ",
        good=spec(discoverReach=True),
        bad={**probing("basic"), "discoverReach": True},
    ),
    "keys renew themselves where a provider lets them": Case(
        "spec.rotation",
        "can be set for the types ",
        good=spec(rotation=KEPT),
        bad={**probing("basic"), "rotation": KEPT},
    ),
    "a key that renews itself is stored": Case(
        "spec.rotation",
        "needs secretRef: with workloadIdentity no key is stored that could be renewed",
        good=spec(rotation=KEPT),
        bad=keyless(rotation=KEPT),
    ),
    "a key that renews itself is checked": Case(
        "spec.rotation",
        "needs another validation.policy than Disabled",
        good=spec(rotation=KEPT, validation={"policy": "Required"}),
        bad=spec(rotation=KEPT, validation={"policy": "Disabled"}),
    ),
    "renewed keys are kept apart": Case(
        "spec.rotation",
        "store must be a Secret of the operator's own, neither the source nor a target",
        good=spec(rotation=KEPT, targets=[{"name": "a", "format": "env"}]),
        bad=spec(rotation={"store": "a"}, targets=[{"name": "a", "format": "env"}]),
    ),
    "renewed keys are kept in a Secret": Case(
        "spec.rotation.store",
        "must be the name of a Secret",
        good=spec(rotation=KEPT),
        bad=spec(rotation={"store": "My Keys"}),
    ),
    "keys are not renewed all the time": Case(
        "spec.rotation.interval",
        "must be a duration from 1h to 8760h",
        good=spec(rotation={**KEPT, "interval": "1h"}),
        bad=spec(rotation={**KEPT, "interval": "30m"}),
    ),
    "the previous key is kept for a while or not at all": Case(
        "spec.rotation.keepOld",
        "must be a duration from 1m to 2160h",
        good=spec(rotation={**KEPT, "keepOld": "0s"}),
        bad=spec(rotation={**KEPT, "keepOld": "1s"}),
    ),
    **{
        f"{kind}: a workload identity has its type's fields": Case(
            "spec.workloadIdentity",
            f"takes {takes} for the type {kind}: remove the others",
            good=good,
            bad={**good, "workloadIdentity": {**good["workloadIdentity"], **foreign}},
        )
        for kind, takes, good, foreign in (
            ("aws", "audience, roleARN, serviceAccountName", keyless(), OTHERS),
            ("s3", "audience, roleARN, serviceAccountName", keyless(aws=None, s3={}), OTHERS),
            ("azure", "audience, serviceAccountName", azure(), ROLE),
            ("google", "audience, impersonate, provider, serviceAccountName", google(), ROLE),
        )
    },
}

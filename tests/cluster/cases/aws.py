"""The rules of aws besides those of its key: more endpoints, and the role of a workload identity."""

from cluster.cases.case import Case
from cluster.crds import Json, spec

ROLE = "arn:aws:iam::123456789012:role/team/backup"


def keyless(**identity: str) -> Json:
    """Return a spec without a stored key."""
    return spec(without="secretRef", workloadIdentity={"serviceAccountName": "backup", **identity})


CASES = {
    "aws: IAM's endpoint is a URL": Case(
        "spec.aws.iamEndpoint",
        "must be a URL without path, such as https://iam.amazonaws.com",
        good=spec(aws={"iamEndpoint": "https://iam.example.com:8443"}),
        bad=spec(aws={"iamEndpoint": "iam.example.com"}),
    ),
    "aws: the endpoint of Organizations is a URL": Case(
        "spec.aws.organizationsEndpoint",
        "must be a URL without path, such as https://organizations.us-east-1.amazonaws.com",
        good=spec(aws={"organizationsEndpoint": "https://organizations.example.com"}),
        bad=spec(aws={"organizationsEndpoint": "https://organizations.example.com/x"}),
    ),
    "aws: a workload identity has a role": Case(
        "spec.workloadIdentity",
        "needs roleARN for the type aws",
        good=keyless(roleARN=ROLE),
        bad=keyless(),
    ),
    "aws: the role of a workload identity is a role's ARN": Case(
        "spec.workloadIdentity.roleARN",
        "must be the ARN of a role, such as arn:aws:iam::123456789012:role/backup",
        good=keyless(roleARN=ROLE, audience="sts.amazonaws.com"),
        bad=keyless(roleARN="backup"),
    ),
}

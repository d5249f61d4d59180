"""The rules of s3 besides those of its key: more endpoints, and the role of a workload identity."""

from typing import Any

from cluster.cases.case import Case
from cluster.crds import Json, spec


def store(**config: Any) -> Json:
    """Return a spec of a bucket's key."""
    return spec(without="aws", s3=config)


def keyless(**identity: str) -> Json:
    """Return a spec without a stored key."""
    whole = spec(without="aws", s3={}, workloadIdentity={"serviceAccountName": "backup", **identity})
    return {**whole, "secretRef": None}


CASES = {
    "s3: STS's endpoint is a URL": Case(
        "spec.s3.stsEndpoint",
        "must be a URL without path, such as https://sts.eu-west-1.amazonaws.com",
        good=store(stsEndpoint="https://minio.example.com:9000"),
        bad=store(stsEndpoint="minio.example.com:9000"),
    ),
    "s3: IAM's endpoint is a URL": Case(
        "spec.s3.iamEndpoint",
        "must be a URL without path, such as https://iam.amazonaws.com",
        good=store(iamEndpoint="https://iam.example.com"),
        bad=store(iamEndpoint="https://iam.example.com/x"),
    ),
    "s3: a workload identity has a role": Case(
        "spec.workloadIdentity",
        "needs roleARN for the type s3",
        good=keyless(roleARN="arn:aws:iam::123456789012:role/backup"),
        bad=keyless(),
    ),
}

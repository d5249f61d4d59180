"""The rules of google."""

from typing import Any

from cluster.cases.case import Case, field_cases, without_key
from cluster.crds import Json, spec


def keyed(**config: Any) -> Json:
    """Return a spec of a service account's key."""
    return spec(without="aws", google=config)


PROVIDER = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/clusters/providers/main"


def federated(*, without: str = "", **identity: Any) -> Json:
    """Return a spec of a ServiceAccount that Google trusts."""
    whole = {"serviceAccountName": "backup", "provider": PROVIDER, **identity}
    whole.pop(without, None)
    return {**without_key(keyed()), "workloadIdentity": whole}


CASES = {
    **dict(
        field_cases("google", "serviceAccountJSON", keyed(), sources="env, fields, google-key-file, velero")
    ),
    "google: a scope is a word": Case(
        "spec.google.scopes[0]",
        "must be a scope without white space, such as https://www.googleapis.com/auth/cloud-platform",
        good=keyed(scopes=["https://www.googleapis.com/auth/devstorage.read_only"]),
        bad=keyed(scopes=["openid email"]),
    ),
    "google: the project is an id": Case(
        "spec.google.projectID",
        "must be the id of a Google Cloud project, such as backups-123456",
        good=keyed(projectID="example.com:backups-123456"),
        bad=keyed(projectID="My Project"),
    ),
    "google: the token endpoint is a URL": Case(
        "spec.google.tokenURL",
        "must be a URL that begins with https://, such as https://oauth2.googleapis.com/token",
        good=keyed(tokenURL="https://oauth2-private.p.googleapis.com/token"),
        bad=keyed(tokenURL="http://oauth2.googleapis.com/token"),
    ),
    "google: what stands for the APIs is a URL": Case(
        "spec.google.apiEndpoint",
        "must be a URL without path, such as https://{api}-backups.p.googleapis.com",
        good=keyed(apiEndpoint="https://{api}-backups.p.googleapis.com"),
        bad=keyed(apiEndpoint="https://gateway.example.com/{api}"),
    ),
    "google: one host may stand for all APIs": Case(
        "spec.google.apiEndpoint",
        "must be a URL without path, such as https://{api}-backups.p.googleapis.com",
        good=keyed(apiEndpoint="https://[fd00::1]:8443/"),
        bad=keyed(apiEndpoint="http://gateway.example.com"),
    ),
    "google: a ServiceAccount has a provider that trusts it": Case(
        "spec.workloadIdentity",
        "needs provider for the type google",
        good=federated(),
        bad=federated(without="provider"),
    ),
    "google: the provider is a full name": Case(
        "spec.workloadIdentity.provider",
        "must be the full name of a provider: //iam.googleapis.com/projects/…/locations/global/",
        good=federated(audience="backups"),
        bad=federated(provider=PROVIDER.removeprefix("//iam.googleapis.com/")),
    ),
    "google: who is impersonated is an account": Case(
        "spec.workloadIdentity.impersonate",
        "must be the email of a service account, such as backup@example-project.iam.gserviceaccount.com",
        good=federated(impersonate="backup@example-project.iam.gserviceaccount.com"),
        bad=federated(impersonate="backup@example.com"),
    ),
}

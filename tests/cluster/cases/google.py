"""The rules of google."""

from typing import Any

from cluster.cases.case import Case, field_cases
from cluster.crds import Json, spec


def keyed(**config: Any) -> Json:
    """Return a spec of a service account's key."""
    return spec(without="aws", google=config)


CASES = {
    **dict(
        field_cases("google", "serviceAccountJSON", keyed(), formats="env, fields, google-key-file, velero")
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
}

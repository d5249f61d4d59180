"""A ServiceAccount that Google trusts needs no stored key: its real tokens, before an emulator that verifies them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cluster.space import Space
from emulators.google import Google

PROJECT = "example-project"
EMAIL = "backup@example-project.iam.gserviceaccount.com"
POOL = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/clusters"
PROVIDER = f"{POOL}/providers/production"
LIST = "storage.buckets.list"
GET = "storage.objects.get"
OPERATOR = "credential-operator:credential-operator"


@pytest.fixture
def google(space: Space) -> Iterator[Google]:
    """Google, which trusts the cluster of the space."""
    found = json.loads(space.cluster.kubectl("get", "--raw=/.well-known/openid-configuration").stdout)
    keys = json.loads(space.cluster.kubectl("get", "--raw=/openid/v1/jwks").stdout)
    with Google() as emulator:
        emulator.create_account(EMAIL, project=PROJECT)
        emulator.trust_issuer(found["issuer"], keys, provider=PROVIDER)
        yield emulator


def test_a_service_account_that_google_trusts_needs_no_key(space: Space, google: Google) -> None:
    subject = f"system:serviceaccount:{space.name}:backup"
    google.let_impersonate(EMAIL, f"principal:{POOL}/subject/{subject}")
    google.grant(PROJECT, f"serviceAccount:{EMAIL}", LIST, "resourcemanager.projects.get")
    spec = {
        "google": {"apiEndpoint": google.url, "caBundle": google.ca_pem.decode()},
        "workloadIdentity": {
            "serviceAccountName": "backup",
            "provider": PROVIDER,
            "impersonate": EMAIL,
        },
        "validation": {"permissions": [LIST]},
        "discoverReach": True,
    }
    space.kubectl("create", "serviceaccount", "backup")
    _let_operator_make_tokens(space)
    space.apply(space.document("Credential", "federated", spec))
    found = space.becomes("federated", Ready="True Available", Validated="True Accepted", seconds=90)
    status = found["status"]
    assert status["identity"] == {"principal": EMAIL, "account": PROJECT}
    assert status["reach"]["count"] == 1
    assert not status["permissions"].get("missing")

    space.patch("credential", "federated", {"spec": {"validation": {"permissions": [LIST, GET]}}})
    status = space.becomes("federated", Validated="False PermissionDenied", seconds=60)["status"]
    assert status["permissions"]["missing"] == [GET]


def _let_operator_make_tokens(space: Space) -> None:
    role = ("--verb=create", "--resource=serviceaccounts/token", "--resource-name=backup")
    space.kubectl("create", "role", "backup-tokens", *role)
    bound = ("--role=backup-tokens", f"--serviceaccount={OPERATOR}")
    space.kubectl("create", "rolebinding", "backup-tokens", *bound)
    asked = ("auth", "can-i", "create", "serviceaccounts/backup", "--subresource=token")
    who = f"--as=system:serviceaccount:{OPERATOR}"
    space.until(lambda: space.run(*asked, who, check=False).returncode == 0, "the operator may make tokens")

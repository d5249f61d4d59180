"""Which formats serve which credential types: what is accepted, and what is offered where another is refused."""

from __future__ import annotations

import pytest

from credential_operator import formats, providers
from credential_operator.api import installed

ANY = {"env", "env-file", "fields", "ini", "json"}
"""Those that serve every type."""
ACCESS_KEY = {"aws-credentials-file", "crossplane", "pharmer", "portworx", "terraform", "velero"}
"""Those that serve every access key."""
STORAGE = {
    "cloudnative-pg",
    "loki",
    "longhorn",
    "pgbackrest",
    "pharmer",
    "portworx",
    "rclone",
    "restic",
    "terraform",
    "thanos",
    "velero",
}
"""Those that serve every key for storage."""
CLOUD = {
    "cert-manager",
    "cluster-api",
    "crossplane",
    "external-secrets",
    "pharmer",
    "portworx",
    "terraform",
    "velero",
}
"""Those that serve every key for a cloud with more than storage, but Oracle's."""
SERVED = {
    "aws": ANY | ACCESS_KEY | CLOUD,
    "s3": ANY | ACCESS_KEY | STORAGE,
    "azure": ANY | CLOUD | {"azure-sdk-auth", "external-dns", "rclone"},
    "azureStorage": ANY | STORAGE,
    "google": ANY | CLOUD | (STORAGE - {"longhorn"}) | {"google-key-file"},
    "oracle": ANY | {"cluster-api", "crossplane", "external-secrets", "oci-config", "terraform"},
    "basic": ANY | {"basic-auth"},
    "ntlm": ANY | {"basic-auth"},
    "registry": ANY | {"basic-auth", "docker-registry"},
}
"""Type -> its formats; types that are not here have those of every type."""


@pytest.mark.parametrize("name", sorted(providers.find()))
def test_a_type_has_the_formats_that_have_a_use_for_it(name: str) -> None:
    found = installed.formats_of(providers.find()[name], formats.find().values())
    assert set(found) == SERVED.get(name, ANY)


def test_every_format_serves_a_type() -> None:
    assert set().union(*SERVED.values()) == {*formats.find()}

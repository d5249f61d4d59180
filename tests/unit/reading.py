"""Source Secrets read as a pass reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from credential_operator import errors, formats, layouts, providers
from credential_operator.api import credential
from credential_operator.formats import contract
from providers import suite

CANARY = "canary"
TENANT = "8d3e1c9a-0000-4000-8000-000000000000"
CLIENT = "5c6f2b7e-0000-4000-8000-000000000000"
OTHER = "11111111-0000-4000-8000-000000000000"
ORACLE = {
    "tenancyOCID": f"ocid1.tenancy.oc1..{'a' * 60}",
    "userOCID": f"ocid1.user.oc1..{'b' * 60}",
    "fingerprint": "20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34",
    "region": "eu-frankfurt-1",
}
ACCOUNT = {
    "type": "service_account",
    "project_id": "example-project",
    "private_key_id": "0" * 40,
    "private_key": "a key",
    "client_email": "backup@example-project.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}
KEY_FILE = json.dumps(ACCOUNT, separators=(",", ":"))
SPECS: Mapping[str, Mapping[str, Any]] = {
    "aws": {"region": "eu-west-1"},
    "s3": {"region": "garage", "endpoint": "https://minio.example:9000", "bucket": "backups"},
    "azure": {"tenantID": TENANT, "clientID": CLIENT},
    "azureStorage": {"accountName": "backups"},
    "google": {},
    "oracle": ORACLE,
    "basic": {},
    "registry": {"host": "ghcr.io"},
}
"""A spec of every type that is read here."""


def load(
    type_name: str,
    layout: str,
    data: Mapping[str, bytes | str],
    spec: Mapping[str, Any] | None = None,
    **options: str,
) -> dict[str, Any]:
    """Read a Secret and return the fields that formats draw from."""
    provider = providers.find()[type_name]
    config = provider.config.model_validate({**SPECS[type_name], **(spec or {})})
    written = {"name": "keys", "format": layout, "options": options}
    raw = {key: value.encode() if isinstance(value, str) else value for key, value in data.items()}
    keys = layouts.load(
        provider, config, credential.SecretRef.model_validate(written), raw, formats.sources()
    )
    return dict(provider.fields(config, keys))


def render(
    type_name: str, layout: str, fields: Mapping[str, str | bytes], **options: Any
) -> Mapping[str, bytes]:
    """Lay fields out as a target."""
    found = formats.find()[layout]
    variables = providers.find()[type_name].variables
    material = contract.Material(type=type_name, fields=fields, variables=variables)
    return found.render(material, found.options.model_validate(options))


def problem(
    type_name: str,
    layout: str,
    data: Mapping[str, bytes | str],
    spec: Mapping[str, Any] | None = None,
    **options: str,
) -> str:
    """Return what is said of a Secret that cannot be read; nothing of it may be shown."""
    with pytest.raises(errors.Stalled) as raised:
        load(type_name, layout, data, spec, **options)
    assert CANARY not in suite.everything(raised.value)
    assert len(raised.value.message.splitlines()) == 1
    return f"{raised.value.reason}: {raised.value.message}"


def secret_values(type_name: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the key material among fields."""
    names = providers.find()[type_name].keys.model_fields
    secret = {field.alias or name for name, field in names.items()}
    return {name: value for name, value in fields.items() if name in secret}

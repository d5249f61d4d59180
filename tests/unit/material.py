"""Credentials as formats are given them: what each type makes of a spec and of the keys in its source Secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from unit.reading import ACCOUNT, OTHER, load

PEM = (
    rsa.generate_private_key(65537, 2048)
    .private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    .decode()
)
SERVICE_ACCOUNT = json.dumps({**ACCOUNT, "private_key": PEM}, indent=2)
ID, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "token=="
ACCESS_KEY = {"accessKeyID": ID, "secretAccessKey": SECRET}
ACCOUNT_KEY = base64.b64encode(bytes(range(64))).decode()
CLIENT_SECRET = "a~secret/+="
KEYS: Mapping[str, Mapping[str, str]] = {
    "aws": ACCESS_KEY,
    "s3": ACCESS_KEY,
    "azure": {"clientSecret": CLIENT_SECRET},
    "azureStorage": {"accountKey": ACCOUNT_KEY},
    "google": {"serviceAccountJSON": SERVICE_ACCOUNT},
    "oracle": {"privateKey": PEM},
    "basic": {"username": "me", "password": "a word"},
    "registry": {"username": "me", "password": "a word"},
}
PUBLIC: Mapping[str, Mapping[str, Any]] = {"azure": {"subscriptionID": OTHER}}
CHINA = {"cloud": "AzureChina"}
GOVERNMENT = {"cloud": "AzureUSGovernment"}
AMAZON: Mapping[str, Any] = {"region": "eu-west-1", "endpoint": None}
"""A bucket on AWS itself."""
AUTHORITY = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def fields(type_name: str, spec: Mapping[str, Any] | None = None, **keys: str) -> dict[str, str]:
    """Return the fields of a Credential; `spec` and `keys` go before what is usual here."""
    public = {**PUBLIC.get(type_name, {}), **(spec or {})}
    return load(type_name, "fields", {**KEYS[type_name], **keys}, public)


def decoded(data: Mapping[str, bytes]) -> dict[str, str]:
    """Return a Secret's data as text."""
    return {key: value.decode() for key, value in data.items()}

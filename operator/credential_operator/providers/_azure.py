"""What the types of Azure share: the clouds, and the form of names.

The clouds' addresses:
learn.microsoft.com/entra/identity-platform/authentication-national-cloud
github.com/Azure/azure-cli, src/azure-cli-core/azure/cli/core/cloud.py
Audiences: learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Literal

import pydantic

from credential_operator.api import values

GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
"""The form of most ids of Azure."""

CloudName = Literal["AzurePublic", "AzureUSGovernment", "AzureChina"]
Resource = Literal["management", "graph", "loganalytics", "storage"]

URL = Annotated[
    str,
    pydantic.Field(max_length=512),
    values.Matching(r"^https://[^/?#@\\ ]+/?$", "a URL without path, such as https://azure.example.com"),
]
StorageAccount = Annotated[
    str,
    pydantic.Field(max_length=24),
    values.Matching(r"^[a-z0-9]{3,24}$", "a storage account's name: 3 to 24 lower-case letters and digits"),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Where a cloud's services are.

    `storage` is what the host names of storage accounts end with, `exchange` whom tokens are made for that
    stand in for a key, `registry` what the host names of container registries end with, and
    `registry_audience` what tokens for them are asked for.
    """

    authority: str
    resources: Mapping[str, str]
    storage: str
    exchange: str
    registry: str
    registry_audience: str


STORAGE = "https://storage.azure.com"
"""What tokens for storage are asked for, of every account and in every cloud."""

CLOUDS: Mapping[str, Cloud] = {
    "AzurePublic": Cloud(
        authority="https://login.microsoftonline.com",
        resources={
            "management": "https://management.azure.com",
            "graph": "https://graph.microsoft.com",
            "loganalytics": "https://api.loganalytics.io",
            "storage": STORAGE,
        },
        storage="core.windows.net",
        exchange="api://AzureADTokenExchange",
        registry="azurecr.io",
        registry_audience="https://containerregistry.azure.net",
    ),
    "AzureUSGovernment": Cloud(
        authority="https://login.microsoftonline.us",
        resources={
            "management": "https://management.usgovcloudapi.net",
            "graph": "https://graph.microsoft.us",
            "loganalytics": "https://api.loganalytics.us",
            "storage": STORAGE,
        },
        storage="core.usgovcloudapi.net",
        exchange="api://AzureADTokenExchangeUSGov",
        registry="azurecr.us",
        registry_audience="https://management.usgovcloudapi.net",
    ),
    "AzureChina": Cloud(
        authority="https://login.partner.microsoftonline.cn",
        resources={
            "management": "https://management.chinacloudapi.cn",
            "graph": "https://microsoftgraph.chinacloudapi.cn",
            "loganalytics": "https://api.loganalytics.azure.cn",
            "storage": STORAGE,
        },
        storage="core.chinacloudapi.cn",
        exchange="api://AzureADTokenExchangeChina",
        registry="azurecr.cn",
        registry_audience="https://management.chinacloudapi.cn",
    ),
}

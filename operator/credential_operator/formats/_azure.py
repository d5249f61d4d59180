"""Applications of Azure in files: how tools spell clouds, and the addresses that old ones want in the file.

github.com/Azure/azure-cli, src/azure-cli-core/azure/cli/core/cloud.py
"""

from collections.abc import Collection, Mapping
from typing import Annotated

import pydantic

from credential_operator.api import values
from credential_operator.formats import contract
from credential_operator.providers import _azure

NEEDED = frozenset({"clientSecret", "clientID", "tenantID", "cloud"})
NAMES: Mapping[str, str] = {
    "AzurePublic": "AzurePublicCloud",
    "AzureUSGovernment": "AzureUSGovernmentCloud",
    "AzureChina": "AzureChinaCloud",
}
"""A cloud -> the name that Azure's SDK for Go gave it."""
OTHERS: Mapping[str, str] = {"azurecloud": "AzurePublic", "azureusgovernment": "AzureUSGovernment"}
"""Further spellings, in lower case."""
AUTHORITIES: Mapping[str, str] = {
    **{cloud.authority: name for name, cloud in _azure.CLOUDS.items()},
    "https://login.windows.net": "AzurePublic",
    "https://login.chinacloudapi.cn": "AzureChina",
}
"""Where applications sign in -> the cloud."""
ADDRESSES: Mapping[str, Mapping[str, str]] = {
    "AzurePublic": {
        "resourceManagerEndpointUrl": "https://management.azure.com/",
        "activeDirectoryGraphResourceId": "https://graph.windows.net/",
        "sqlManagementEndpointUrl": "https://management.core.windows.net:8443/",
        "galleryEndpointUrl": "https://gallery.azure.com/",
        "managementEndpointUrl": "https://management.core.windows.net/",
    },
    "AzureUSGovernment": {
        "resourceManagerEndpointUrl": "https://management.usgovcloudapi.net/",
        "activeDirectoryGraphResourceId": "https://graph.windows.net/",
        "sqlManagementEndpointUrl": "https://management.core.usgovcloudapi.net:8443/",
        "galleryEndpointUrl": "https://gallery.usgovcloudapi.net/",
        "managementEndpointUrl": "https://management.core.usgovcloudapi.net/",
    },
    "AzureChina": {
        "resourceManagerEndpointUrl": "https://management.chinacloudapi.cn/",
        "activeDirectoryGraphResourceId": "https://graph.chinacloudapi.cn/",
        "sqlManagementEndpointUrl": "https://management.core.chinacloudapi.cn:8443/",
        "galleryEndpointUrl": "https://gallery.chinacloudapi.cn/",
        "managementEndpointUrl": "https://management.core.chinacloudapi.cn/",
    },
}
"""What `az ad sp create-for-rbac --sdk-auth` prints beside the sign-in's own address."""


class GroupOptions(contract.Options):
    """The resource group."""

    resource_group: Annotated[
        str | None,
        pydantic.Field(max_length=90),
        values.Matching(
            r"^[A-Za-z0-9_.()-]*[A-Za-z0-9_()-]$",
            "a resource group: letters, digits, '.', '_', '-', '(' and ')'",
        ),
    ] = None
    """The resource group in Azure, for consumers that are to be told it in the Secret."""


def told(cloud: str, options: GroupOptions) -> dict[str, str]:
    """Gives `environment`, the cloud as Azure's SDK for Go calls it, and the `resourceGroup` where there is one."""
    group = {"resourceGroup": options.resource_group} if options.resource_group else {}
    return {"environment": NAMES[cloud], **group}


def is_application(fields: Collection[str]) -> bool:
    """Tells whether a credential type is an application with a secret."""
    return NEEDED.issubset(fields)


def cloud(name: str) -> str:
    """Gives the cloud that a tool's spelling means; what is not known, as it is."""
    known = {**{spelt.lower(): ours for ours, spelt in NAMES.items()}, **OTHERS}
    return known.get(name.lower(), name)


def signs_in_at(authority: str, spec: Mapping[str, str]) -> tuple[str, str]:
    """Gives the field that the address of a sign-in says, and what it says: an authority or the cloud."""
    if "authority" in spec:
        return "authority", authority
    return "cloud", AUTHORITIES.get(authority.rstrip("/").lower(), authority)

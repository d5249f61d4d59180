"""The addresses of Azure as other systems keep them, taken apart.

learn.microsoft.com/entra/identity-platform/authentication-national-cloud; login.windows.net is an older name.
"""

import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

AUTHORITIES: Mapping[str, str] = {
    "login.microsoftonline.com": "AzurePublic",
    "login.windows.net": "AzurePublic",
    "login.microsoftonline.us": "AzureUSGovernment",
    "login.chinacloudapi.cn": "AzureChina",
    "login.partner.microsoftonline.cn": "AzureChina",
}
"""Where applications sign in -> the cloud."""
RESOURCES: Mapping[str, str] = {
    "management.azure.com": "management",
    "management.core.windows.net": "management",
    "management.usgovcloudapi.net": "management",
    "management.chinacloudapi.cn": "management",
    "graph.microsoft.com": "graph",
    "graph.microsoft.us": "graph",
    "api.loganalytics.io": "loganalytics",
    "api.loganalytics.us": "loganalytics",
    "storage.azure.com": "storage",
}
"""What is signed in for, by its host."""
ACCOUNT = re.compile(r"([a-z0-9]{3,24})\.(blob|dfs)\.core\.[a-z.]+")
SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)/?")


def tenant(url: str) -> dict[str, Any]:
    """Gives what a token endpoint says: the tenant, and the cloud where that is not the public one."""
    parts = urllib.parse.urlsplit(url)
    cloud = AUTHORITIES.get(parts.hostname or "")
    if cloud is None:
        return {}
    found = {"tenantID": parts.path.strip("/").partition("/")[0]}
    return found if cloud == "AzurePublic" else {**found, "cloud": cloud}


def resource(url: str) -> dict[str, Any]:
    """Gives what an address says that is signed in for: the resource, and the storage account if it is one."""
    host = urllib.parse.urlsplit(url).hostname or ""
    if account := ACCOUNT.fullmatch(host):
        return {"resource": "storage", "storageAccount": account[1]}
    return {"resource": RESOURCES[host]} if host in RESOURCES else {}


def subscription(url: str) -> dict[str, Any]:
    """Gives the subscription that an address of the resource manager leads to."""
    found = SUBSCRIPTION.match(urllib.parse.urlsplit(url).path)
    return {"subscriptionID": found[1]} if found else {}

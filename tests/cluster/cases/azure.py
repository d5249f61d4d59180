"""The rules of azure."""

from typing import Any

from cluster.cases.case import Case, field_cases
from cluster.crds import Json, spec

PERMISSIONS = {"validation": {"permissions": ["Microsoft.Compute/virtualMachines/read"]}}
ID = "8d3e1c9a-0000-4000-8000-000000000000"


def azure(**changes: Any) -> Json:
    """Return a spec of this type, changed."""
    return spec(without="aws", azure={"tenantID": ID, "clientID": ID, **changes})


def keyless(**identity: Any) -> Json:
    """Return a spec of this type without a stored key."""
    whole = {"serviceAccountName": "backup", **identity}
    return {**azure(), "secretRef": None, "workloadIdentity": whole}


CASES = {
    **dict(field_cases("azure", "clientSecret", azure(), sources="azure-sdk-auth, env, fields, velero")),
    "azure: a tenant has an ID or a domain": Case(
        "spec.azure.tenantID",
        "must be a tenant: its ID, such as 8d3e1c9a-0000-4000-8000-000000000000, or a domain of it",
        good=azure(tenantID="contoso.onmicrosoft.com"),
        bad=azure(tenantID="common"),
    ),
    "azure: an application has an ID": Case(
        "spec.azure.clientID",
        "must be an application (client) ID, such as 5c6f2b7e-0000-4000-8000-000000000000",
        good=azure(clientID=ID.upper()),
        bad=azure(clientID="billing"),
    ),
    "azure: a subscription has an ID": Case(
        "spec.azure.subscriptionID",
        "must be a subscription's ID, such as 1f0a7c55-0000-4000-8000-000000000000",
        good=azure(subscriptionID=ID),
        bad=azure(subscriptionID=f"/subscriptions/{ID}"[:36]),
    ),
    "azure: a storage account has a name": Case(
        "spec.azure.storageAccount",
        "must be a storage account's name: 3 to 24 lower-case letters and digits",
        good=azure(storageAccount="backups2"),
        bad=azure(storageAccount="Backups"),
    ),
    "azure: the authority is a URL": Case(
        "spec.azure.authority",
        "must be a URL without path, such as https://azure.example.com",
        good=azure(authority="https://login.azurestack.example"),
        bad=azure(authority=f"https://login.azurestack.example/{ID}"),
    ),
    "azure: the endpoint is a URL": Case(
        "spec.azure.endpoint",
        "must be a URL without path, such as https://azure.example.com",
        good=azure(endpoint="https://management.azurestack.example:8443/"),
        bad=azure(endpoint="http://management.azurestack.example"),
    ),
}

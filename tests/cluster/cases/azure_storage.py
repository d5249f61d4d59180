"""The rules of azureStorage."""

from typing import Any

from cluster.cases.case import Case, field_cases
from cluster.crds import Json, spec


def storage(**changes: Any) -> Json:
    """Return a spec of this type, changed."""
    return spec(without="aws", azureStorage={"accountName": "backups", **changes})


CASES = {
    **dict(field_cases("azureStorage", "accountKey", storage(), sources="env, fields, velero")),
    "azureStorage: an account has a name": Case(
        "spec.azureStorage.accountName",
        "must be a storage account's name: 3 to 24 lower-case letters and digits",
        good=storage(accountName="backups2"),
        bad=storage(accountName="back-ups"),
    ),
    "azureStorage: the endpoint is a blob service": Case(
        "spec.azureStorage.endpoint",
        "must be the URL of a blob service, such as https://backups.blob.storage.example.com",
        good=storage(endpoint="https://azurite.example.com:10000/backups"),
        bad=storage(endpoint="http://azurite.example.com:10000/backups"),
    ),
}

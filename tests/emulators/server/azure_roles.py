"""Roles in subscriptions, and the list of operations that tells which are on data.

learn.microsoft.com/rest/api/authorization/permissions
learn.microsoft.com/rest/api/authorization/provider-operations-metadata
"""

from __future__ import annotations

import fnmatch
from typing import Any

LISTS = ("actions", "notActions", "dataActions", "notDataActions")
READER = {"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}
READ_PERMISSIONS = "Microsoft.Authorization/permissions/read"
READ_OPERATIONS = "Microsoft.Authorization/providerOperations/read"

_MACHINES = "Microsoft.Compute/virtualMachines"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
# Type -> verb -> whether it is an operation on data
_CATALOGUE: dict[str, dict[str, bool]] = {
    _MACHINES: {"read": False, "write": False, "delete": False, "start/action": False, "login/action": True},
    "Microsoft.Storage/storageAccounts": {"read": False, "listKeys/action": False},
    _BLOBS: {"read": True, "write": True},
    "Microsoft.Authorization/roleAssignments": {"read": False, "write": False},
}


class Roles:
    """Who has which roles where."""

    def __init__(self) -> None:
        self._roles: dict[tuple[str, str], list[dict[str, list[str]]]] = {}

    def assign(self, client: str, subscription: str, role: dict[str, list[str]]) -> None:
        """Gives an application one more role in a subscription."""
        self._roles.setdefault((client.lower(), subscription.lower()), []).append(role)

    def forget(self, subscription: str) -> None:
        """Takes all roles in a subscription away."""
        self._roles = {key: roles for key, roles in self._roles.items() if key[1] != subscription.lower()}

    def of(self, client: str, subscription: str) -> list[dict[str, list[str]]]:
        """Gives an application's roles in a subscription."""
        return self._roles.get((client.lower(), subscription.lower()), [])

    def may(self, client: str, subscription: str, operation: str) -> bool:
        """Tells whether an application may do something in a subscription."""
        return any(
            _matches(role["actions"], operation) and not _matches(role["notActions"], operation)
            for role in self.of(client, subscription)
        )

    def may_anywhere(self, client: str, operation: str) -> bool:
        """Tells whether an application may do something in any subscription."""
        return any(
            self.may(client, subscription, operation)
            for known, subscription in self._roles
            if known == client.lower()
        )


def _matches(patterns: list[str], operation: str) -> bool:
    return any(fnmatch.fnmatchcase(operation.lower(), pattern.lower()) for pattern in patterns)


def operations(namespace: str) -> dict[str, Any] | None:
    """Gives what a provider's resources can do; None where there is no such provider."""
    kinds = [
        {
            "name": kind.partition("/")[2],
            "operations": [
                {"name": f"{kind}/{verb}", "displayName": verb, "isDataAction": data}
                for verb, data in verbs.items()
            ],
        }
        for kind, verbs in _CATALOGUE.items()
        if kind.partition("/")[0].lower() == namespace.lower()
    ]
    own = {"name": f"{namespace}/register/action", "displayName": "Register", "isDataAction": False}
    return {"name": namespace, "resourceTypes": kinds, "operations": [own]} if kinds else None

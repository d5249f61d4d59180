"""What the roles of an application let it do in a subscription, judged as Azure judges it.

learn.microsoft.com/azure/role-based-access-control/role-definitions
learn.microsoft.com/rest/api/authorization/permissions
learn.microsoft.com/rest/api/authorization/provider-operations-metadata

An operation is granted where a role has it in `actions` and not in `notActions`; one on data, where a
role has it in `dataActions` and not in `notDataActions`. What one role leaves out, another may grant.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from credential_operator import errors
from credential_operator.providers import _json, _resource_manager, contract, network

VERSION = "api-version=2022-04-01"
PAGES = 20
LARGEST = 8 * 1024 * 1024
"""Bytes of a list of operations: those of the largest providers have some hundred KiB."""

OPERATION = re.compile(
    r"[A-Za-z][A-Za-z0-9-]*([.][A-Za-z0-9-]+)+(/[A-Za-z0-9._-]+)+/(read|write|delete|action)", re.IGNORECASE
)
REFUSED = (403, 404)
LISTS = ("actions", "notActions", "dataActions", "notDataActions")

UNSET = (
    "set subscriptionID, since Azure tells what an application may do in one subscription and not in all "
    "together."
)
UNREADABLE = (
    "Azure does not let application {client} read Microsoft.Authorization/permissions in subscription "
    "{subscription}: give it a role there that has this, such as Reader."
)
UNLISTED = (
    "Azure does not tell whether these are operations on data, which other parts of a role grant: look at how "
    "they are spelled, and give application {client} a role that has "
    "Microsoft.Authorization/providerOperations/read, such as Reader."
)


@dataclasses.dataclass(frozen=True, slots=True)
class Role:
    """What one role assignment grants, in patterns."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    data_actions: tuple[str, ...]
    not_data_actions: tuple[str, ...]

    def grants(self, operation: str, *, data: bool) -> bool:
        """Tells whether the role grants an operation, or one on data."""
        granted, left_out = (
            (self.data_actions, self.not_data_actions) if data else (self.actions, self.not_actions)
        )
        return _any(granted, operation) and not _any(left_out, operation)


def _any(patterns: Iterable[str], operation: str) -> bool:
    return any(matches(pattern, operation) for pattern in patterns)


def matches(pattern: str, operation: str) -> bool:
    """Tells whether a pattern covers an operation: `*` stands for any text, and case for nothing."""
    first, *parts = pattern.lower().split("*")
    rest = operation.lower()
    if not parts:
        return rest == first
    if not rest.startswith(first):
        return False
    rest, last = rest[len(first) :], parts.pop()
    for part in parts:
        _, found, rest = rest.partition(part) if part else ("", "*", rest)
        if not found:
            return False
    return rest.endswith(last)


def require_operations(permissions: tuple[str, ...]) -> None:
    """Refuses what cannot be an operation; raises Misconfigured."""
    if wrong := [one for one in permissions if not OPERATION.fullmatch(one)]:
        raise errors.Misconfigured(
            f"spec.validation.permissions holds {', '.join(wrong)}: a permission on resources is an operation "
            "without wildcards, such as Microsoft.Compute/virtualMachines/read."
        )


def grants(
    manager: _resource_manager.Manager, client: str, subscription: str, permissions: tuple[str, ...]
) -> contract.Grants:
    """Says which operations an application lacks; raises Misconfigured for those that Azure does not know."""
    roles = _roles(manager, subscription)
    if roles is None:
        why = UNREADABLE.format(client=client, subscription=subscription)
        return contract.Grants(unknown=permissions, why=why)
    catalogue = _catalogue(manager, permissions)
    missing, unknown = [], []
    for one in permissions:
        on_resources, on_data = (any(role.grants(one, data=data) for role in roles) for data in (False, True))
        if one not in catalogue and on_resources != on_data:
            unknown.append(one)
        elif not (on_data if catalogue.get(one) else on_resources):
            missing.append(one)
    why = UNLISTED.format(client=client) if unknown else ""
    return contract.Grants(missing=tuple(missing), unknown=tuple(unknown), why=why)


def _roles(manager: _resource_manager.Manager, subscription: str) -> tuple[Role, ...] | None:
    """Gives the roles that the application has in a subscription; None where it may not read them."""
    roles: list[Role] = []
    query = VERSION
    for _ in range(PAGES):
        answer = manager.ask(
            f"/subscriptions/{subscription}/providers/Microsoft.Authorization/permissions?{query}",
            limit=LARGEST,
        )
        said = _json.read(answer)
        if _is_refused(answer, said, _resource_manager.UNSEEN):
            return None
        for item in manager.items(answer, said):
            role = _role(item)
            if role is None:
                raise manager.refusal(answer, {})
            roles.append(role)
        query = _resource_manager.following(said)
        if not query:
            return tuple(roles)
    raise manager.endless()


def _role(item: Any) -> Role | None:
    """Reads a role; None where it is none."""
    lists = [item.get(name) or [] for name in LISTS] if isinstance(item, dict) else []
    if not lists or not all(
        isinstance(patterns, list) and all(isinstance(one, str) for one in patterns) for patterns in lists
    ):
        return None
    return Role(*(tuple(patterns) for patterns in lists))


def _catalogue(manager: _resource_manager.Manager, permissions: tuple[str, ...]) -> dict[str, bool]:
    """Gives which of the operations are on data; without those of which Azure does not tell."""
    known: dict[str, bool] = {}
    strange: list[str] = []
    for namespace in sorted({one.partition("/")[0].lower() for one in permissions}):
        operations = _operations(manager, namespace)
        if operations is None:
            continue
        ours = [one for one in permissions if one.partition("/")[0].lower() == namespace]
        known |= {one: operations[one.lower()] for one in ours if one.lower() in operations}
        strange += [one for one in ours if one.lower() not in operations]
    if strange:
        raise errors.Misconfigured(
            f"Azure knows no {', '.join(strange)}: correct the operation in spec.validation.permissions."
        )
    return known


def _operations(manager: _resource_manager.Manager, namespace: str) -> Mapping[str, bool] | None:
    """Gives a provider's operations, and whether each is on data; None where the application may not know."""
    path = f"/providers/Microsoft.Authorization/providerOperations/{namespace}"
    answer = manager.ask(f"{path}?{VERSION}&$expand=resourceTypes", limit=LARGEST)
    said = _json.read(answer)
    if _is_refused(answer, said) or answer.truncated:
        return None
    kinds = said.get("resourceTypes")
    if answer.status != _resource_manager.OK or not isinstance(kinds, list):
        raise manager.refusal(answer, said)
    return dict(_listed([said, *kinds])) or None


def _listed(documents: Iterable[Any]) -> Iterator[tuple[str, bool]]:
    for document in documents:
        operations = document.get("operations") if isinstance(document, dict) else None
        for one in operations if isinstance(operations, list) else ():
            if isinstance(one, dict) and isinstance(one.get("name"), str):
                yield one["name"].lower(), one.get("isDataAction") is True


def _is_refused(
    answer: network.Response, said: Mapping[str, Any], codes: frozenset[str] | None = None
) -> bool:
    """Tells whether Azure itself says that the application may not know, or that there is nothing."""
    code = _resource_manager.code_of(said)
    known = code in codes if codes else bool(code)
    return answer.status in REFUSED and known

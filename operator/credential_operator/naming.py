"""What a CredentialReference names: a Credential, or where to look for one; its target, and its holder. Pure."""

from collections.abc import Mapping
from typing import Any

from credential_operator.objects import Key, Object


def named_by(reference: Mapping[str, Any]) -> Key | None:
    """Gives the Credential that a CredentialReference names, or was bound to by its selector; None before that."""
    named = reference["spec"].get("credentialRef") or (reference.get("status") or {}).get("credential")
    if named is None:
        return None
    return Key(named.get("namespace") or reference["metadata"]["namespace"], named["name"])


def selects_in(reference: Mapping[str, Any]) -> str | None:
    """Gives the namespace in which a CredentialReference looks for a Credential; None where it names one."""
    selector = reference["spec"].get("credentialSelector")
    return None if selector is None else str(selector.get("namespace") or reference["metadata"]["namespace"])


def borrowed_by(reference: Mapping[str, Any]) -> set[str]:
    """Names the target Secrets of a CredentialReference: the one it asks for, and the one it has."""
    status = reference.get("status") or {}
    return {one["target"]["name"] for one in (reference["spec"], status) if "target" in one}


def holder_of(reference: Mapping[str, Any]) -> Object | None:
    """Gives the holder of a CredentialReference; None where it names none."""
    holder = reference["spec"].get("holder")
    return (
        None
        if holder is None
        else Object(holder["kind"], Key(reference["metadata"]["namespace"], holder["name"]))
    )

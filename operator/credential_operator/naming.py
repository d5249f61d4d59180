"""What objects of both kinds name: Secrets; and references, the Credential or where to look for it, and a holder."""

from collections.abc import Iterator, Mapping
from typing import Any

from credential_operator.objects import Key, Object


def backup_of(target: str) -> str:
    """Names the Secret that keeps what a Secret held before it was adopted."""
    return f"{target}-before-adoption"


def secrets_of(credential: Mapping[str, Any]) -> set[str]:
    """Names the Secrets that matter to a Credential: its source, its targets and their backups, those it has."""
    spec, status = credential.get("spec", {}), credential.get("status") or {}
    targets = [*spec.get("targets", ()), *status.get("targets", ())]
    places = (("secretRef", "name"), ("rotation", "store"))
    sources = {spec[word][name] for word, name in places if word in spec}
    return sources.union(*map(_secrets_of_target, targets))


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
    """Names the target Secrets of a CredentialReference, with a backup: the one it asks for, and the one it has."""
    targets = [one["target"] for one in (reference["spec"], reference.get("status") or {}) if "target" in one]
    return {name for target in targets for name in _secrets_of_target(target)}


def holder_of(reference: Mapping[str, Any]) -> Object | None:
    """Gives the holder of a CredentialReference; None where it names none."""
    holder = reference["spec"].get("holder")
    return (
        None
        if holder is None
        else Object(holder["kind"], Key(reference["metadata"]["namespace"], holder["name"]))
    )


def _secrets_of_target(target: Mapping[str, Any]) -> Iterator[str]:
    yield target["name"]
    if target.get("adopt"):
        yield backup_of(target["name"])

"""Makes manifests of what was found elsewhere, and says what is still missing. Pure."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from credential_operator import errors, providers
from credential_operator.api import schema
from credential_operator.cli import manifests, trial
from credential_operator.cli.importers.contract import Entry
from credential_operator.cli.making import New
from credential_operator.providers import contract

Provider = contract.Provider[Any, Any]

LONGEST_NAME = 58
"""Characters of a name, to leave room for what the source Secret's ends in."""
LONGEST_DESCRIPTION = 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What can be made of one entry: nothing where `new` is None; `said` are sentences about it."""

    name: str
    new: New | None
    said: Sequence[str] = ()


def proposals(
    entries: Iterable[Entry], *, namespace: str | None, with_secret: bool, given: Mapping[str, str]
) -> list[Proposal]:
    """Gives a proposal for each entry; `given` are public fields for those that have them and do not say them."""
    found: list[Proposal] = []
    for entry in entries:
        taken = {one.new.credential["metadata"]["name"] for one in found if one.new is not None}
        found.append(
            _proposal(entry, _free(_named(entry.name), taken), namespace, given, with_secret=with_secret)
        )
    return found


def _proposal(
    entry: Entry, name: str, namespace: str | None, given: Mapping[str, str], *, with_secret: bool
) -> Proposal:
    provider = providers.find().get(entry.type)
    if provider is None:
        return Proposal(name=entry.name, new=None, said=entry.left)
    config = {**_of(provider, given), **entry.config}
    try:
        _check(provider, config, entry.fields)
    except errors.CredentialError as error:
        return Proposal(name=entry.name, new=None, said=[error.message, *entry.left])
    spec = _about(entry, name) | {provider.name: config, "secretRef": {"name": f"{name}-keys"}}
    missing = _missing(provider, entry.fields)
    fields = {field: value.encode() for field, value in entry.fields.items()}
    new = New(
        credential=manifests.credential(name, namespace, spec, {}),
        secret=None if missing or not with_secret else manifests.secret(f"{name}-keys", namespace, fields),
    )
    said = [] if name == entry.name else [f"It is named {name} here."]
    lacks = [_how(name, missing, sorted(entry.fields))] if missing else []
    return Proposal(name=entry.name, new=new, said=[*said, *entry.left, *lacks])


def _named(text: str) -> str:
    """Gives a name that an object can have."""
    bare = re.sub(r"[^a-z0-9.]+", "-", text.lower())
    return re.sub(r"[.-]*[.][.-]*", ".", bare).strip(".-")[:LONGEST_NAME].strip(".-") or "credential"


def _free(name: str, taken: Iterable[str]) -> str:
    """Gives a name that no other proposal has."""
    used = {*taken}
    numbered = (f"{name}-{number}" for number in range(2, len(used) + 3))
    return next(one for one in (name, *numbered) if one not in used)


def _of(provider: Provider, given: Mapping[str, str]) -> dict[str, str]:
    """Gives those of the public fields that a type has."""
    known = schema.of(provider.config).get("properties", {})
    return {name: value for name, value in given.items() if name in known}


def _about(entry: Entry, name: str) -> dict[str, Any]:
    shown = {} if name == entry.name else {"displayName": entry.name[:128]}
    return shown | ({"description": entry.description[:LONGEST_DESCRIPTION]} if entry.description else {})


def _check(provider: Provider, config: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    """Raises a CredentialError for what cannot be right; fields that are missing are no error."""
    reading = trial.Reading()
    read = reading.read(provider.config, config, f"spec.{provider.name}")
    reading.end()
    if not _missing(provider, fields):
        keys = contract.load(provider, {name: value.encode() for name, value in fields.items()}, {})
        provider.inspect(read, keys)


def _missing(provider: Provider, fields: Mapping[str, str]) -> list[str]:
    """Names the fields that a key cannot do without; where none is fixed, those that there are to choose from."""
    known = {field.alias or name: field.is_required() for name, field in provider.keys.model_fields.items()}
    needed = [name for name, required in known.items() if required and name not in fields]
    return needed or ([] if fields else [*known])


def _how(name: str, missing: Sequence[str], there: Sequence[str]) -> str:
    files = " ".join(f"--from-file={field}=FILE" for field in (*there, *missing))
    return (
        f"{', '.join(missing)}: not in the file. Make the Secret, of files that do not end in a newline: kubectl "
        f"create secret generic {name}-keys {files}"
    )

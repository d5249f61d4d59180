"""What some credential types can do besides, and the rules that say which."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeGuard

import pydantic

from credential_operator.api import alternatives, schema, values


class Named(Protocol):
    """A credential type; what it can do is seen by what it has."""

    @property
    def name(self) -> str:
        """The key under `spec`."""


class _Keyless(Named, Protocol):
    """A type that can do without a stored key."""

    @property
    def workload_identity(self) -> type[pydantic.BaseModel]:
        """Its fields of `spec.workloadIdentity`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """What some types can do besides: a method or class of this name says that a type can.

    `path` is the field that asks for it, `others` what is to be said of the other types.
    """

    attribute: str
    path: str
    others: str


PERMISSIONS = Ability(
    attribute="grants",
    path=".validation.permissions",
    others="no other type's provider tells which permissions a key has",
)
REACH = Ability(
    attribute="reach",
    path=".discoverReach",
    others="keys of other types see no accounts",
)
IDENTITY = Ability(
    attribute="workload_identity",
    path=".workloadIdentity",
    others="a key of another type has to be stored in a Secret",
)

ROTATION = Ability(
    attribute="rotation",
    path=".rotation",
    others="no other type's provider lets a key make the next one",
)


def able(types: Sequence[Named], ability: Ability) -> list[str]:
    """Names the types that can do something."""
    return [each.name for each in types if hasattr(each, ability.attribute)]


def rules(types: Sequence[Named]) -> Iterator[values.Rule]:
    """Says which types can be asked for more than whether a key works, or can do without a stored one."""
    for ability in (PERMISSIONS, REACH, IDENTITY, ROTATION):
        names = able(types, ability)
        if ability is not IDENTITY or names:
            yield values.Rule(
                rule=f"type in {values.listed(names)}",
                message=f"can be set for the types {', '.join(names)}: {ability.others}",
                path=ability.path,
            )


def identity_fields(types: Sequence[Named]) -> dict[str, schema.Schema]:
    """Gives the fields of `workloadIdentity` of all types together; what each takes and needs is a rule."""
    return schema.union(_identities(types), "type")


def _identities(types: Sequence[Named]) -> Mapping[str, schema.Schema]:
    keyless: list[_Keyless] = [each for each in types if _is_keyless(each)]
    return {each.name: schema.of(each.workload_identity) for each in keyless}


def _is_keyless(each: Named) -> TypeGuard[_Keyless]:
    return hasattr(each, IDENTITY.attribute)


def own_rules(each: Named, types: Sequence[Named]) -> Iterator[alternatives.Worded]:
    """Says which fields of `workloadIdentity` a type takes, and which it needs; with the words for any type."""
    if not _is_keyless(each):
        return
    document = schema.of(each.workload_identity)
    known, union = sorted(document["properties"]), sorted(identity_fields(types))
    foreign = " || ".join(f"has(self.workloadIdentity.{field})" for field in union if field not in known)
    if foreign:
        yield (
            "must have fields that the credential type takes",
            values.Rule(
                rule=f"!({foreign})",
                message=f"takes {', '.join(known)} for the type {each.name}: remove the others",
                path=IDENTITY.path,
            ),
        )
    for field in sorted({*document["required"]} - {"serviceAccountName"}):
        yield (
            "must have the fields that the credential type needs",
            values.Rule(
                rule=f"has(self.workloadIdentity.{field})",
                message=f"needs {field} for the type {each.name}",
                path=IDENTITY.path,
            ),
        )

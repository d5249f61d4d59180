"""What the status of a Credential says of those who need it, of the references made for it, and of what it sees."""

import datetime
from typing import Annotated

import pydantic

from credential_operator.api import values

MAX_ITEMS = 10
"""How many references, or places in reach, status names; their counts have them all."""


class User(values.Model):
    """An object that needs the Credential."""

    kind: Annotated[str, pydantic.Field(max_length=63)]
    """Its kind."""
    namespace: Annotated[str, pydantic.Field(max_length=63)]
    """Its namespace; empty for a kind that belongs to none."""
    name: Annotated[str, pydantic.Field(max_length=253)]
    """Its name."""


class References(values.Model):
    """Who needs the Credential."""

    count: Annotated[int, pydantic.Field(ge=0)]
    """How many there are."""
    declared: Annotated[int, pydantic.Field(ge=0)]
    """How many of them are CredentialReferences."""
    distributed: Annotated[int, pydantic.Field(ge=0)] | None = None
    """How many of those the operator made (`spec.distribute`): they count while something uses their Secret. Absent
    where there are none."""
    found: Annotated[int, pydantic.Field(ge=0)] | None = None
    """How many of them were found to use the source Secret or a target: workloads by what controls them,
    ServiceAccounts, custom resources. Absent where they are not looked for."""
    items: Annotated[tuple[User, ...], pydantic.Field(max_length=MAX_ITEMS)] = ()
    """The first ten: CredentialReferences, those that the operator made after the others, then who was found, each
    sorted."""


class Distribution(values.Model):
    """How far the references have got that the operator makes for others."""

    observed_generation: Annotated[int, pydantic.Field(ge=0)]
    """The `metadata.generation` that this was counted for."""
    wanted: Annotated[int, pydantic.Field(ge=0)]
    """How many namespaces are to have a reference."""
    made: Annotated[int, pydantic.Field(ge=0)]
    """How many of them have it."""
    published: Annotated[int, pydantic.Field(ge=0)]
    """How many of these references have a Secret."""
    conflicts: Annotated[int, pydantic.Field(ge=0)]
    """In how many namespaces the name of the reference, or of its Secret, is somebody else's."""
    items: Annotated[tuple[User, ...], pydantic.Field(max_length=MAX_ITEMS)] = ()
    """What is in the way: the first ten, sorted. It is left alone; delete or rename it, or choose another name."""
    message: Annotated[str, pydantic.Field(max_length=1024)] | None = None
    """What the API server refuses the operator, where it does: one refusal of perhaps many."""


class ManagedRotation(values.Model):
    """Which key is which, where keys renew themselves."""

    key_id: Annotated[str, pydantic.Field(max_length=4096)] | None = pydantic.Field(None, alias="keyID")
    """The public name of the current key."""
    candidate_key_id: Annotated[str, pydantic.Field(max_length=4096)] | None = pydantic.Field(
        None, alias="candidateKeyID"
    )
    """The public name of a key that was made and that the provider has not accepted yet."""
    previous_key_id: Annotated[str, pydantic.Field(max_length=4096)] | None = pydantic.Field(
        None, alias="previousKeyID"
    )
    """The public name of the key before, as long as the provider has it."""
    previous_disabled_at: datetime.datetime | None = None
    """When that one was disabled."""
    next_time: datetime.datetime | None = None
    """When the next key is made; absent while there is one before the current one still."""


class Rotation(values.Model):
    """The last replacement of the key, and who runs the previous one still."""

    published_at: datetime.datetime | None = None
    """When the new key was published; where there are no targets, when it was accepted. Absent before the first
    replacement."""
    previous_key_id: Annotated[str, pydantic.Field(max_length=4096)] | None = pydantic.Field(
        None, alias="previousKeyID"
    )
    """The public name of the previous key, where it has one."""
    drained: bool | None = None
    """Whether no running container has read the previous key: of its environment and subPath mounts what it read
    when it started, of volumes that are mounted whole what they held two minutes ago. Only this cluster is looked
    at. Absent where workloads are not watched."""
    stale: Annotated[tuple[User, ...], pydantic.Field(max_length=MAX_ITEMS)] = ()
    """The first ten workloads that run the previous key, sorted: restart them."""
    stale_count: Annotated[int, pydantic.Field(ge=0)] | None = None
    """How many there are."""
    unknown: Annotated[tuple[User, ...], pydantic.Field(max_length=MAX_ITEMS)] = ()
    """The first ten custom resources that use the Secrets, sorted: nobody can see when their controllers read
    them."""
    unknown_count: Annotated[int, pydantic.Field(ge=0)] | None = None
    """How many there are."""
    managed: ManagedRotation | None = None
    """Which key is which, where `spec.rotation` is set."""


class Permissions(values.Model):
    """What `spec.validation.permissions` asks for and the key was not found to have."""

    missing: Annotated[
        tuple[Annotated[str, pydantic.Field(max_length=128)], ...], pydantic.Field(max_length=256)
    ] = ()
    """Those that the key lacks, sorted."""
    unknown: Annotated[
        tuple[Annotated[str, pydantic.Field(max_length=128)], ...], pydantic.Field(max_length=256)
    ] = ()
    """Those of which the provider does not say, sorted."""


class Place(values.Model):
    """An account, subscription, project or compartment that the key sees."""

    id: Annotated[str, pydantic.Field(max_length=256)]
    """The provider's name of it."""
    name: Annotated[str, pydantic.Field(max_length=256)] | None = None
    """Its name for people, where it has one."""


class Reach(values.Model):
    """The accounts, subscriptions, projects or compartments that the key sees."""

    count: Annotated[int, pydantic.Field(ge=0)]
    """How many there are."""
    items: Annotated[tuple[Place, ...], pydantic.Field(max_length=MAX_ITEMS)] = ()
    """The first ten, sorted."""
    discovered_at: datetime.datetime
    """When they were counted."""

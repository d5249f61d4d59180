"""A CredentialReference: "this needs that Credential, until it is released"."""

from typing import Annotated

import pydantic

from credential_operator.api import values
from credential_operator.api.conditions import Conditions


class CredentialRef(values.Model):
    """The Credential that is needed."""

    name: values.CredentialName
    """Its name, in the reference's own namespace."""


class Spec(values.Model):
    """What is needed, and what for."""

    credential_ref: Annotated[
        CredentialRef, pydantic.Field(json_schema_extra={"x-kubernetes-map-type": "atomic"})
    ]
    """The Credential that is needed."""
    description: Annotated[str, pydantic.Field(max_length=1024)] | None = None
    """What it is needed for; whoever wants to delete the Credential reads it."""


class BoundCredential(values.Model):
    """The Credential that the reference holds."""

    namespace: Annotated[str, pydantic.Field(max_length=63)]
    """Its namespace."""
    name: Annotated[str, pydantic.Field(max_length=253)]
    """Its name."""
    uid: Annotated[str, pydantic.Field(max_length=63)]
    """Its uid; another Credential of that name is not held."""


class Status(values.Model):
    """Whether the reference counts, and whether the Credential works."""

    observed_generation: int | None = None
    """The `metadata.generation` that the whole status was computed from; -1: not looked at yet."""
    credential: BoundCredential | None = None
    """The Credential that the reference holds."""
    conditions: Conditions = ()
    """Bound: does the reference count? Ready: can its Credential be used?"""

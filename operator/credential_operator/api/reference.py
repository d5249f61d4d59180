"""A CredentialReference: "this needs that Credential, until it is released"."""

import datetime
from typing import Annotated

import pydantic

from credential_operator.api import values
from credential_operator.api.conditions import Conditions


class CredentialRef(values.Model):
    """The Credential that is needed."""

    name: values.CredentialName
    """Its name, in the reference's own namespace."""


class Spec(values.Model):
    """What is needed, what for, and for how long."""

    rules = (
        values.Rule(
            rule="!has(self.renewTime) || has(self.leaseDurationSeconds)",
            message="needs leaseDurationSeconds: without a lease there is nothing to renew",
            path=".renewTime",
        ),
        values.Rule(
            rule="!has(self.ttlSecondsAfterFinished) || has(self.leaseDurationSeconds)",
            message="needs leaseDurationSeconds: without a lease a reference ends when it is deleted",
            path=".ttlSecondsAfterFinished",
        ),
    )

    credential_ref: Annotated[
        CredentialRef, pydantic.Field(json_schema_extra={"x-kubernetes-map-type": "atomic"})
    ]
    """The Credential that is needed."""
    description: Annotated[str, pydantic.Field(max_length=1024)] | None = None
    """What it is needed for; whoever wants to delete the Credential reads it."""
    lease_duration_seconds: Annotated[int, pydantic.Field(ge=10, le=604800)] | None = None
    """For how many seconds it counts unless it is renewed, from 10 to 604800 (a week); left out: until it is
    deleted."""
    renew_time: values.Moment | None = None
    """When its holder last renewed it, such as 2026-11-22T00:00:00Z; left out: when it was created. What counts
    is the earlier of this and when the operator saw it."""
    ttl_seconds_after_finished: Annotated[int, pydantic.Field(ge=0, le=2592000)] | None = None
    """After how many seconds it is removed once it has ended, at most 2592000 (30 days); left out: never."""


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
    expires_at: datetime.datetime | None = None
    """When its lease ends, or has ended."""
    conditions: Conditions = ()
    """Bound: does the reference count? Ready: can its Credential be used?"""

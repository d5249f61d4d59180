"""A CredentialReference: "this needs that Credential, until it is released"."""

import datetime
from typing import Annotated, Literal

import pydantic

from credential_operator.api import publication, values
from credential_operator.api.conditions import Conditions


class CredentialRef(values.Model):
    """The Credential that is needed."""

    name: values.CredentialName
    """Its name."""
    namespace: values.NamespaceName | None = None
    """Its namespace, whose owner has to allow this one (`spec.allowedNamespaces` of the Credential); left out: the
    reference's own."""


class CredentialSelector(values.Model):
    """The Credential that is needed, by what it is: exactly one has to match."""

    rules = (
        values.Rule(
            rule="(has(self.types) && size(self.types) > 0) || "
            "(has(self.matchLabels) && size(self.matchLabels) > 0)",
            message="must say what to look for: types, matchLabels or both",
        ),
    )

    types: Annotated[
        tuple[Annotated[str, pydantic.Field(max_length=63)], ...],
        pydantic.Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = ()
    """Credential types, one of which it must be, such as s3."""
    match_labels: dict[values.MetadataKey, values.LabelValue] = pydantic.Field(default={}, max_length=16)
    """Labels that it must have."""
    namespace: values.NamespaceName | None = None
    """The one namespace in which is looked, whose owners have to allow this one; left out: the reference's own."""


class Holder(values.Model):
    """The object that needs the Credential."""

    api_version: Annotated[str, pydantic.Field(max_length=128)]
    """The group and version of its kind, such as batch/v1."""
    kind: Annotated[str, pydantic.Field(max_length=63)]
    """Its kind, such as Job."""
    name: Annotated[str, pydantic.Field(max_length=253)]
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
            rule="!has(self.ttlSecondsAfterFinished) || has(self.leaseDurationSeconds) || "
            "self.until == 'HolderFinished'",
            message="needs leaseDurationSeconds, or until: HolderFinished: without them a reference ends when it "
            "is deleted",
            path=".ttlSecondsAfterFinished",
        ),
        values.Rule(
            rule="self.until != 'HolderFinished' || has(self.holder)",
            message="needs holder, the object that is to finish",
            path=".until",
        ),
        values.Rule(
            rule="!has(oldSelf.holder) || (has(self.holder) && self.holder == oldSelf.holder)",
            message="cannot change: make another reference for another holder",
            path=".holder",
        ),
        values.Rule(
            rule="has(self.credentialRef) != has(self.credentialSelector)",
            message="must have either credentialRef, the Credential by name, or credentialSelector, by type and labels",
        ),
        values.Rule(
            rule="has(self.credentialRef) == has(oldSelf.credentialRef) && "
            "(!has(self.credentialRef) || self.credentialRef == oldSelf.credentialRef) && "
            "(!has(self.credentialSelector) || !has(oldSelf.credentialSelector) || "
            "self.credentialSelector == oldSelf.credentialSelector)",
            message="what is needed cannot change: make another reference for another Credential",
        ),
    )

    credential_ref: (
        Annotated[CredentialRef, pydantic.Field(json_schema_extra={"x-kubernetes-map-type": "atomic"})] | None
    ) = None
    """The Credential that is needed, by name."""
    credential_selector: (
        Annotated[CredentialSelector, pydantic.Field(json_schema_extra={"x-kubernetes-map-type": "atomic"})]
        | None
    ) = None
    """The Credential that is needed, by type and labels. Once it is bound to one, it stays with that."""
    target: publication.Target | None = None
    """A Secret of its own, in the reference's namespace, laid out for its consumer: written by the operator, kept
    fresh, and removed with this object."""
    description: Annotated[str, pydantic.Field(max_length=1024)] | None = None
    """What it is needed for; whoever wants to delete the Credential reads it."""
    holder: Holder | None = None
    """The object that needs it: whoever wants to delete the Credential reads it."""
    until: Literal["Released", "HolderFinished"] = "Released"
    """When it ends.

    * Released: when it is deleted.
    * HolderFinished: when its holder is complete, failed or gone, once it was seen; or when it is deleted.
    """
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


class SeenHolder(values.Model):
    """The holder as it was seen."""

    uid: Annotated[str, pydantic.Field(max_length=63)]
    """Its uid; another object of that name holds nothing."""


class Offer(values.Model):
    """What the namespace can ask for, by setting `spec.target`."""

    type: Annotated[str, pydantic.Field(max_length=63)]
    """The credential type."""
    formats: Annotated[
        tuple[Annotated[str, pydantic.Field(max_length=63)], ...], pydantic.Field(max_length=64)
    ]
    """The formats that its Secret can have, sorted."""


class TargetStatus(publication.TargetStatus):
    """The Secret that was written."""

    source: Annotated[str, pydantic.Field(max_length=127)]
    """What it was made from: the Credential's generation and the version of its source Secret."""


class Status(values.Model):
    """Whether the reference counts, and whether the Credential works."""

    observed_generation: int | None = None
    """The `metadata.generation` that the whole status was computed from; -1: not looked at yet."""
    credential: BoundCredential | None = None
    """The Credential that the reference holds."""
    holder: SeenHolder | None = None
    """The holder that is to finish, once it was seen."""
    target: TargetStatus | None = None
    """The Secret that was written for it."""
    offer: Offer | None = None
    """What the namespace can ask for, by setting `spec.target`; there where the operator made this reference for an
    owner who offers the Credential (`spec.distribute.advertise`)."""
    expires_at: datetime.datetime | None = None
    """When its lease ends, or has ended."""
    conditions: Conditions = ()
    """Bound: does the reference count? Synced: is its target what it should be? Ready: can it be used?"""

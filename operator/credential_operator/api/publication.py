"""A target: a Secret that is asked for, on a Credential or on a CredentialReference, and what is known of it."""

import datetime
from typing import Annotated, Any

import pydantic

from credential_operator.api import values

FieldName = Annotated[str, pydantic.Field(max_length=253)]
"""The name of a field of a credential type; a rule lists those of each type that has certain ones."""


class NewTarget(values.Model):
    """A Secret that the operator creates and owns, laid out for its consumer."""

    name: values.SecretName
    """The name of the Secret, in the namespace of the object that asks for it."""
    format: Annotated[str, pydantic.Field(max_length=63)]
    """The layout of the Secret."""
    options: dict[str, Any] = pydantic.Field(default={}, max_length=16)
    """What the format needs to know beside the fields."""
    keys: dict[values.SecretKey, FieldName] = pydantic.Field(default={}, max_length=16)
    """For the formats `fields`, `json`, `ini` and `env-file`, which need it: key in the Secret, or name in the
    document -> field of the credential type."""
    issue: dict[str, Any] | None = None
    """Has the provider make a short-lived key, which is published in place of the stored one and renewed in time:
    which kind, and what that needs to know."""
    labels: Annotated[dict[values.MetadataKey, values.LabelValue], values.METADATA_KEYS] = pydantic.Field(
        default={}, max_length=16
    )
    """Labels for the Secret; nothing is copied from the Credential."""
    annotations: Annotated[dict[values.MetadataKey, values.AnnotationValue], values.METADATA_KEYS] = (
        pydantic.Field(default={}, max_length=16)
    )
    """Annotations for the Secret; nothing is copied from the Credential."""


class Target(NewTarget):
    """A Secret that the operator writes and owns, laid out for its consumer."""

    rules = (
        values.Rule(
            rule="!has(self.adopt) || !self.adopt || size(self.name) <= 237",
            message="must have at most 237 characters with adopt: true, to leave room for that of its backup, which "
            "ends in -before-adoption",
            path=".name",
        ),
    )

    adopt: bool | None = None
    """True: takes over a Secret of that name that is there already and that nobody else owns, once the key may be
    published. What it held is kept for 30 days in a Secret of its name with -before-adoption at the end."""


class TargetStatus(values.Model):
    """A Secret that was written."""

    name: Annotated[str, pydantic.Field(max_length=253)]
    """The name of the Secret."""
    format: Annotated[str, pydantic.Field(max_length=63)]
    """The layout that it was written in."""
    uid: Annotated[str, pydantic.Field(max_length=63)]
    """The uid of the Secret; one with another uid is somebody else's."""
    resource_version: Annotated[str, pydantic.Field(max_length=63)]
    """Its version after the write; another one means that somebody changed it."""
    published_at: datetime.datetime
    """When its contents last changed."""
    generation: Annotated[int, pydantic.Field(ge=1)] | None = None
    """The `metadata.generation` whose spec a short-lived key was made for; another one has a new key made."""
    expires_at: datetime.datetime | None = None
    """When a short-lived key ends; it is renewed long before."""

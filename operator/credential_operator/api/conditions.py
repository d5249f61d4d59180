"""Conditions: their types and reasons, which are stable, and what each of them means to a reader."""

import dataclasses
import datetime
import enum
from typing import Annotated, Literal

import pydantic

from credential_operator.api import values


class Type(enum.StrEnum):
    """The conditions of both kinds."""

    READY = "Ready"
    VALIDATED = "Validated"
    SYNCED = "Synced"
    BOUND = "Bound"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    DELETION_BLOCKED = "DeletionBlocked"
    EXPIRING = "Expiring"
    RENEWAL_FAILING = "RenewalFailing"
    ROTATION_FAILING = "RotationFailing"
    SUSPENDED = "Suspended"
    WARNING = "Warning"


class Reason(enum.StrEnum):
    """The reasons of conditions, for programs; the message is for people. Warning has its provider's own."""

    AVAILABLE = "Available"
    AVAILABLE_UNCHECKED = "AvailableUnchecked"
    VALIDATION_STALE = "ValidationStale"
    HELD_BACK = "HeldBack"
    PENDING = "Pending"
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    EXPIRED = "Expired"
    KEY_DISABLED = "KeyDisabled"
    PERMISSION_DENIED = "PermissionDenied"
    MISCONFIGURED = "Misconfigured"
    INVALID_KEY_MATERIAL = "InvalidKeyMaterial"
    SOURCE_NOT_FOUND = "SourceNotFound"
    PROVIDER_UNREACHABLE = "ProviderUnreachable"
    RATE_LIMITED = "RateLimited"
    CLOCK_SKEW = "ClockSkew"
    CONFLICT = "Conflict"
    UNAVAILABLE = "Unavailable"
    NOT_CHECKABLE = "NotCheckable"
    VALIDATION_DISABLED = "ValidationDisabled"
    UNCONFIRMED = "Unconfirmed"
    INTERNAL_ERROR = "InternalError"
    PUBLISHED = "Published"
    NOTHING_TO_PUBLISH = "NothingToPublish"
    TARGET_CONFLICT = "TargetConflict"
    FORBIDDEN = "Forbidden"
    IN_USE = "InUse"
    EXPIRES_SOON = "ExpiresSoon"
    SUSPENDED = "Suspended"
    BOUND = "Bound"
    NOT_GRANTED = "NotGranted"
    CREDENTIAL_TERMINATING = "CredentialTerminating"
    NOT_ACCEPTING = "NotAccepting"
    FINISHED = "Finished"
    REVOKED = "Revoked"
    AMBIGUOUS = "Ambiguous"
    HOLDER_KIND_NOT_WATCHED = "HolderKindNotWatched"
    OFFERED = "Offered"
    ROTATED_ELSEWHERE = "RotatedElsewhere"


@dataclasses.dataclass(frozen=True, slots=True)
class Meaning:
    """What one reason of one condition tells a reader."""

    type: Type
    status: Literal["True", "False", "Unknown"]
    reasons: tuple[Reason, ...]
    text: str


_FAILED = (
    Reason.REJECTED,
    Reason.EXPIRED,
    Reason.KEY_DISABLED,
    Reason.PERMISSION_DENIED,
    Reason.MISCONFIGURED,
    Reason.INVALID_KEY_MATERIAL,
    Reason.SOURCE_NOT_FOUND,
)
_UNREACHED = (Reason.PROVIDER_UNREACHABLE, Reason.RATE_LIMITED, Reason.CLOCK_SKEW)
_REFUSED_WRITES = (Reason.TARGET_CONFLICT, Reason.FORBIDDEN)

CREDENTIAL = (
    Meaning(Type.READY, "True", (Reason.AVAILABLE,), "The key works and is published: consumers can use it."),
    Meaning(
        Type.READY,
        "True",
        (Reason.AVAILABLE_UNCHECKED,),
        "Published without a check: the type cannot be checked, or validation is disabled.",
    ),
    Meaning(
        Type.READY,
        "True",
        (Reason.VALIDATION_STALE,),
        "Published and last known to work; the provider has not answered for a while.",
    ),
    Meaning(
        Type.READY,
        "True",
        (Reason.HELD_BACK,),
        "The new key was not accepted; the last good one stays published.",
    ),
    Meaning(
        Type.READY,
        "False",
        (*_FAILED, *_REFUSED_WRITES, Reason.HELD_BACK, *_UNREACHED),
        "Consumers cannot work; the reason is that of the condition that failed.",
    ),
    Meaning(Type.READY, "Unknown", (Reason.PENDING,), "Nothing is published yet, and nothing has failed."),
    Meaning(
        Type.READY, "Unknown", (Reason.INTERNAL_ERROR,), "A bug in the operator; its log has the details."
    ),
    Meaning(Type.VALIDATED, "True", (Reason.ACCEPTED,), "The provider accepted the key."),
    Meaning(
        Type.VALIDATED,
        "False",
        (Reason.REJECTED,),
        "The provider does not know the key, or its secret differs.",
    ),
    Meaning(Type.VALIDATED, "False", (Reason.EXPIRED,), "The key's life is over."),
    Meaning(Type.VALIDATED, "False", (Reason.KEY_DISABLED,), "The key exists and is switched off."),
    Meaning(
        Type.VALIDATED,
        "False",
        (Reason.PERMISSION_DENIED,),
        "The key is authentic and lacks what was required.",
    ),
    Meaning(Type.VALIDATED, "False", (Reason.MISCONFIGURED,), "A field of the spec cannot be right."),
    Meaning(
        Type.VALIDATED,
        "False",
        (Reason.INVALID_KEY_MATERIAL,),
        "The source Secret lacks a field, or one of its fields cannot be right.",
    ),
    Meaning(Type.VALIDATED, "False", (Reason.SOURCE_NOT_FOUND,), "The source Secret does not exist."),
    Meaning(Type.VALIDATED, "Unknown", (Reason.PENDING,), "The key has not been looked at yet."),
    Meaning(
        Type.VALIDATED,
        "Unknown",
        _UNREACHED,
        "The provider could not say; the question is asked again.",
    ),
    Meaning(
        Type.VALIDATED, "Unknown", (Reason.NOT_CHECKABLE,), "Nobody can be asked about a key of this type."
    ),
    Meaning(
        Type.VALIDATED, "Unknown", (Reason.VALIDATION_DISABLED,), "`spec.validation.policy` is Disabled."
    ),
    Meaning(
        Type.VALIDATED,
        "Unknown",
        (Reason.UNCONFIRMED,),
        "The key was refused and is tried again: providers take seconds to learn of a new key.",
    ),
    Meaning(
        Type.VALIDATED, "Unknown", (Reason.INTERNAL_ERROR,), "A bug in the operator; its log has the details."
    ),
    Meaning(
        Type.SYNCED, "True", (Reason.PUBLISHED,), "The targets hold what the spec and the source Secret say."
    ),
    Meaning(Type.SYNCED, "True", (Reason.NOTHING_TO_PUBLISH,), "The spec has no targets."),
    Meaning(Type.SYNCED, "False", (Reason.SOURCE_NOT_FOUND,), "The source Secret does not exist."),
    Meaning(
        Type.SYNCED,
        "False",
        (Reason.INVALID_KEY_MATERIAL, Reason.MISCONFIGURED),
        "The targets cannot be made of what the source Secret or the spec holds.",
    ),
    Meaning(
        Type.SYNCED,
        "False",
        (Reason.TARGET_CONFLICT,),
        "A Secret of the target's name belongs to someone else.",
    ),
    Meaning(
        Type.SYNCED,
        "False",
        (Reason.HELD_BACK,),
        "The key in the source Secret is not good enough to publish.",
    ),
    Meaning(Type.SYNCED, "False", (Reason.FORBIDDEN,), "The API server refused the operator's write."),
    Meaning(Type.SYNCED, "Unknown", (Reason.PENDING,), "Nothing has been written yet."),
    Meaning(
        Type.RECONCILING,
        "True",
        (Reason.UNCONFIRMED, *_UNREACHED, Reason.CONFLICT, Reason.UNAVAILABLE, Reason.INTERNAL_ERROR),
        "Nobody has to act: it is tried again.",
    ),
    Meaning(
        Type.STALLED,
        "True",
        (*_FAILED, *_REFUSED_WRITES, Reason.HELD_BACK),
        "Someone must act; the message says how.",
    ),
    Meaning(
        Type.DELETION_BLOCKED, "True", (Reason.IN_USE,), "The deletion waits; the message names who uses it."
    ),
    Meaning(Type.EXPIRING, "True", (Reason.EXPIRES_SOON, Reason.EXPIRED), "The key's end is near; renew it."),
    Meaning(
        Type.RENEWAL_FAILING,
        "True",
        (*_FAILED, *_UNREACHED, *_REFUSED_WRITES, Reason.HELD_BACK, Reason.CONFLICT, Reason.UNAVAILABLE),
        "A short-lived key in a target is due for renewal and could not be renewed; consumers have it until its "
        "end (`status.targets[].expiresAt`).",
    ),
    Meaning(
        Type.ROTATION_FAILING,
        "True",
        (
            *_FAILED,
            *_UNREACHED,
            *_REFUSED_WRITES,
            Reason.ROTATED_ELSEWHERE,
            Reason.IN_USE,
            Reason.CONFLICT,
            Reason.UNAVAILABLE,
        ),
        "A step of the key's rotation is due and could not be taken: the message says why. Nothing that was "
        "published is touched.",
    ),
    Meaning(
        Type.SUSPENDED,
        "True",
        (Reason.SUSPENDED,),
        "`spec.suspend`: nothing is checked, nothing new published.",
    ),
    Meaning(
        Type.WARNING, "True", (), "The key works, and its owner should know something; the message says it."
    ),
)
"""The conditions of a Credential, in the order in which a page shows them."""

REFERENCE = (
    Meaning(Type.BOUND, "True", (Reason.BOUND,), "The reference counts: the Credential is held for it."),
    Meaning(
        Type.BOUND,
        "False",
        (Reason.NOT_GRANTED,),
        "There is no such Credential that this namespace may use.",
    ),
    Meaning(
        Type.BOUND,
        "False",
        (Reason.OFFERED,),
        "An offer of the Credential's owner: setting `spec.target`, in a format of `status.offer`, takes it up.",
    ),
    Meaning(
        Type.BOUND,
        "False",
        (Reason.AMBIGUOUS,),
        "Several Credentials match `credentialSelector`; the message names them.",
    ),
    Meaning(
        Type.BOUND,
        "False",
        (Reason.REVOKED,),
        "The owner does not share the Credential with this namespace any more: the target is not updated, and goes "
        "after `allowedNamespaces.revocationGracePeriod`.",
    ),
    Meaning(
        Type.BOUND,
        "False",
        (Reason.CREDENTIAL_TERMINATING,),
        "The Credential is being deleted and takes no new references.",
    ),
    Meaning(
        Type.BOUND,
        "False",
        (Reason.NOT_ACCEPTING,),
        "The Credential's owner takes no new references (`acceptReferences`).",
    ),
    Meaning(
        Type.BOUND,
        "False",
        (Reason.EXPIRED,),
        "Its lease ended and was not renewed: it does not count any more.",
    ),
    Meaning(
        Type.BOUND,
        "False",
        (Reason.FINISHED,),
        "Its holder is complete, failed or gone (`until: HolderFinished`): it does not count any more.",
    ),
    Meaning(
        Type.BOUND,
        "False",
        (Reason.HOLDER_KIND_NOT_WATCHED,),
        "The operator does not look at objects of the holder's kind, so it could not tell when it has finished.",
    ),
    Meaning(Type.BOUND, "Unknown", (Reason.PENDING,), "The reference has not been looked at yet."),
    Meaning(Type.SYNCED, "True", (Reason.PUBLISHED,), "The target holds what the Credential's key is now."),
    Meaning(
        Type.SYNCED,
        "False",
        (Reason.NOT_GRANTED,),
        "The owner does not give the key in this format (`allowedNamespaces.as`).",
    ),
    Meaning(
        Type.SYNCED,
        "False",
        (Reason.HELD_BACK,),
        "The Credential's key is not good enough to publish; what was published before stays.",
    ),
    Meaning(
        Type.SYNCED,
        "False",
        (Reason.MISCONFIGURED, Reason.INVALID_KEY_MATERIAL),
        "The target cannot be made of the Credential's key.",
    ),
    Meaning(
        Type.SYNCED,
        "False",
        (Reason.TARGET_CONFLICT,),
        "A Secret of the target's name belongs to someone else.",
    ),
    Meaning(Type.SYNCED, "False", (Reason.FORBIDDEN,), "The API server refused the operator's write."),
    Meaning(
        Type.SYNCED,
        "False",
        (Reason.REJECTED, Reason.EXPIRED, Reason.KEY_DISABLED, Reason.PERMISSION_DENIED, *_UNREACHED),
        "The short-lived key of the target could not be made or renewed; one that is there is good until its end "
        "(`status.target.expiresAt`).",
    ),
    Meaning(
        Type.READY,
        "True",
        (Reason.AVAILABLE,),
        "Bound to a Credential that is Ready; its reason is repeated.",
    ),
    Meaning(
        Type.READY,
        "False",
        (Reason.NOT_GRANTED,),
        "Not bound, or the Credential is not Ready; its reason is repeated.",
    ),
    Meaning(Type.READY, "Unknown", (Reason.PENDING,), "Not known yet."),
)
"""The conditions of a CredentialReference."""


class Condition(values.Model):
    """A condition, as Kubernetes defines it (`metav1.Condition`)."""

    type: Annotated[str, pydantic.Field(max_length=316, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    """What the condition is about; the reference page lists them."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    observed_generation: Annotated[int, pydantic.Field(ge=0)] | None = None
    """The `metadata.generation` that it was computed from."""
    last_transition_time: datetime.datetime
    """When the status last changed."""
    reason: Annotated[str, pydantic.Field(max_length=1024, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    """Why, in one stable word for programs."""
    message: Annotated[str, pydantic.Field(max_length=32768)]
    """Why, and what to do next, for people."""


Conditions = Annotated[
    tuple[Condition, ...],
    pydantic.Field(
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
"""A list with one condition of each type."""

"""What can go wrong with a Credential, sorted by who has to act.

    CredentialError           reason (stable, CamelCase), message (public prose: what is wrong, what to do)
      Stalled                 the owner must change something; looked at again at the interval
        InvalidSpec  InvalidKeyMaterial  Rejected  Expired  KeyDisabled  PermissionDenied  Misconfigured
        TargetConflict  Forbidden  RotatedElsewhere
      Waiting                 something else must come first; a watch wakes us
        SourceNotFound  HeldBack  InUse
      Transient               nobody has to act; tried again with backoff
        ProviderUnreachable  RateLimited  ClockSkew  Conflict  Unavailable

`NoCluster` is of no Credential: a command found no cluster to work with.

A message never holds key material, a response body or a time. `status.after` alone turns
an error into conditions, events and waits.
"""

from typing import ClassVar


class NoCluster(Exception):
    """There is no cluster to work with; the text says what to set."""


class CredentialError(Exception):
    """A named outcome that is not success; `reason` goes into conditions, the text into their message."""

    reason: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Stalled(CredentialError):
    """The owner must change something; it is looked at again at the interval."""


class InvalidSpec(Stalled):
    """The spec says something that the schema could not refuse."""

    reason = "Misconfigured"


class InvalidKeyMaterial(Stalled):
    """The source Secret lacks a field, or holds one that cannot be right; names fields, never values."""

    reason = "InvalidKeyMaterial"


class Refused(Stalled):
    """The provider said no to the key; believed when confirmed, since providers learn of keys late.

    `certain`: it needs no confirming, as where the key itself says that its life is over.
    """

    def __init__(self, message: str, *, certain: bool = False) -> None:
        super().__init__(message)
        self.certain = certain


class Rejected(Refused):
    """The provider does not know the key, or its secret does not match."""

    reason = "Rejected"


class Expired(Refused):
    """The key's life is over."""

    reason = "Expired"


class KeyDisabled(Refused):
    """The key exists and is switched off."""

    reason = "KeyDisabled"


class PermissionDenied(Refused):
    """The key is authentic and lacks a permission that was required; `missing` names those that were asked for."""

    reason = "PermissionDenied"

    def __init__(self, message: str, *, certain: bool = False, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message, certain=certain)
        self.missing = missing


class Misconfigured(Stalled):
    """An endpoint, region, bucket, role or scope in the spec is wrong; `field` names it where it is known."""

    reason = "Misconfigured"


class TargetConflict(Stalled):
    """A Secret of the target's name belongs to someone else."""

    reason = "TargetConflict"


class Forbidden(Stalled):
    """The API server refused the operator."""

    reason = "Forbidden"


class RotatedElsewhere(Stalled):
    """Another cluster or Credential rotates the principal's keys; the message names it."""

    reason = "RotatedElsewhere"


class Waiting(CredentialError):
    """Something else must come first; a watch wakes us."""


class SourceNotFound(Waiting):
    """The source Secret does not exist."""

    reason = "SourceNotFound"


class HeldBack(Waiting):
    """The stored key is not published, so that nothing can be made with it."""

    reason = "HeldBack"


class InUse(Waiting):
    """References hold back the deletion; the message names them."""

    reason = "InUse"


class Transient(CredentialError):
    """Nobody has to act; it is tried again with backoff, not before `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ProviderUnreachable(Transient):
    """No usable answer: down, too slow, 5xx, cut off, or not what the provider would say."""

    reason = "ProviderUnreachable"


class RateLimited(Transient):
    """The provider asks for fewer calls."""

    reason = "RateLimited"


class ClockSkew(Transient):
    """The provider's clock and ours differ by more than it accepts."""

    reason = "ClockSkew"


class Conflict(Transient):
    """An object changed between our read and our write."""

    reason = "Conflict"


class Unavailable(Transient):
    """The API server does not answer, or answers with a server error."""

    reason = "Unavailable"

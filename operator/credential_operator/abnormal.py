"""The conditions that are there only while something is unusual: their rows, for `judge`."""

from collections.abc import Sequence

from credential_operator import errors
from credential_operator.findings import NotChecked
from credential_operator.providers import contract
from credential_operator.situation import INTERNAL, Situation, State

SHOWN = 10
"""How many names a message lists."""


def working(seen: Situation) -> State | None:
    """Reconciling (kstatus): something is under way or tried again."""
    found = seen.found
    for error in (found.trouble, found.verdict):
        if isinstance(error, errors.Transient):
            return State("True", error.reason, f"Tried again with backoff. {error.message}")
    if not found.confirmed:
        return State("True", "Unconfirmed", "The provider's refusal is being confirmed.")
    if isinstance(found.verdict, Exception) and found.error is None:
        return State("True", "InternalError", INTERNAL)
    return seen.known("Reconciling") if found.waiting and isinstance(found.verdict, NotChecked) else None


def stuck(seen: Situation) -> State | None:
    """Stalled (kstatus): someone must act."""
    found = seen.found
    for error in (found.trouble, found.verdict):
        if isinstance(error, errors.Stalled | errors.Waiting) and found.confirmed:
            return State("True", error.reason, error.message)
    known = seen.known("Stalled")
    unasked = isinstance(found.verdict, NotChecked) or found.unasked
    if unasked and seen.synced is not None and seen.synced.value == "False":
        return State("True", seen.synced.reason, seen.synced.message)
    return (
        known
        if isinstance(found.verdict, NotChecked)
        and seen.validated is not None
        and seen.validated.value == "False"
        else None
    )


def blocked(seen: Situation) -> State | None:
    """DeletionBlocked: somebody needs it still; the message names the first of them."""
    blockers = seen.found.blockers
    if blockers is None:
        return None
    return State(
        "True",
        "InUse",
        f"The deletion waits for {listed(blockers)}. Applying the manifest again cannot revive this object.",
    )


def listed(names: Sequence[str]) -> str:
    """Names the first of many."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def expiring(seen: Situation) -> State | None:
    """Expiring: the key's end is near, or has passed."""
    end = seen.expires_at
    if end is None or seen.now < end - seen.found.timing.warn_before:
        return None
    if seen.now >= end:
        return State("True", "Expired", "The end of its life (status.expiresAt) has passed: renew the key.")
    return State("True", "ExpiresSoon", "The end of its life (status.expiresAt) is near: renew the key.")


def renewal_failing(seen: Situation) -> State | None:
    """RenewalFailing: a short-lived key that is due has not been renewed."""
    found = seen.found
    if found.renewal is not None:
        return State(
            "True",
            found.renewal.reason,
            "A short-lived key is due and could not be renewed: it is tried again until and after it ends "
            f"(status.targets[].expiresAt). {found.renewal.message}",
        )
    return seen.known("RenewalFailing") if found.renewing else None


def rotation_failing(seen: Situation) -> State | None:
    """RotationFailing: a step of a key's rotation that is due could not be taken."""
    managed = seen.found.managed
    if managed is None:
        return None
    if managed.error is not None:
        return State(
            "True",
            managed.error.reason,
            f"The key is not renewed, and the present one stays published. {managed.error.message}",
        )
    return seen.known("RotationFailing") if managed.due else None


def suspended(seen: Situation) -> State | None:
    """Suspended: the owner wants nothing done."""
    if not seen.found.suspended:
        return None
    return State("True", "Suspended", "spec.suspend is true: nothing is validated or newly published.")


def warned(seen: Situation) -> State | None:
    """Warning: the key works, and the provider's answer showed something to mend."""
    match seen.found.verdict:
        case contract.Validation(warnings=()):
            return None
        case contract.Validation(warnings=warnings):
            first, *_ = sorted(warnings, key=lambda warning: warning.reason)
            return State("True", first.reason, " ".join(sorted(warning.message for warning in warnings)))
    return seen.known("Warning")

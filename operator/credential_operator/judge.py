"""From what a pass found out to the conditions of a Credential: the rows of one table. Pure.

Each condition is decided by the first of its rows that applies. The laws: a transient failure never turns
`Validated` from True to False; messages hold no times and only sorted names, so that an unchanged state
writes nothing; what is abnormal is said only while it is so.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from credential_operator import abnormal, errors, renewal
from credential_operator.findings import NotChecked, Pass, Time, parse_time
from credential_operator.providers import contract
from credential_operator.situation import INTERNAL, Row, Situation, State


def judge(
    before: Mapping[str, Mapping[str, Any]],
    found: Pass,
    *,
    validated_at: str | None,
    expires_at: Time | None,
    now: Time,
) -> dict[str, State]:
    """Gives the state of every condition that there is to be."""
    stale_at = found.stale_at(parse_time(validated_at))
    seen = Situation(
        before=before,
        found=found,
        stale=stale_at is not None and now > stale_at,
        expires_at=expires_at,
        now=now,
    )
    states: dict[str, State] = {}
    for name, rows in CONDITIONS.items():
        state = seen.known(name) if found.idle and name in LASTING else _first(rows, seen)
        if state is not None:
            states[name] = state
        if name in ("Validated", "Synced"):
            seen = dataclasses.replace(seen, validated=states.get("Validated"), synced=states.get("Synced"))
    return states


def _first(rows: Sequence[Row], seen: Situation) -> State | None:
    return next((state for row in rows if (state := row(seen)) is not None), None)


# Validated: has the provider accepted the key?


def _not_asked(seen: Situation) -> State | None:
    match seen.found.verdict:
        case NotChecked(reason="Unchanged" | "Suspended"):
            return seen.known("Validated") or State("Unknown", "Pending", "Not validated yet.")
        case NotChecked(reason="ValidationDisabled"):
            return State("Unknown", "ValidationDisabled", "spec.validation.policy is Disabled.")
        case contract.Validation(unasked=why) if why:
            return State("Unknown", "NotCheckable", why)
    return None


def _accepted(seen: Situation) -> State | None:
    match seen.found.verdict:
        case contract.Validation(identity=contract.Identity(principal=principal)):
            return State("True", "Accepted", f"The provider accepted the key of {principal}.")
        case contract.Validation():
            return State("True", "Accepted", "The provider accepted the key.")
    return None


def _unconfirmed(seen: Situation) -> State | None:
    if seen.found.confirmed or seen.found.error is None:
        return None
    return State(
        "Unknown",
        "Unconfirmed",
        f"Refused, and asked again before it is believed. {seen.found.error.message}",
    )


def _accepted_before(seen: Situation) -> State | None:
    known = seen.known("Validated")
    if (
        isinstance(seen.found.error, errors.Transient)
        and known is not None
        and known.value == "True"
        and not seen.stale
    ):
        return known
    return None


def _undecided(seen: Situation) -> State | None:
    error = seen.found.error
    return State("Unknown", error.reason, error.message) if isinstance(error, errors.Transient) else None


def _refused(seen: Situation) -> State | None:
    error = seen.found.error
    return None if error is None else State("False", error.reason, error.message)


def _fault(seen: Situation) -> State | None:  # noqa: ARG001  every row has this form
    return State("Unknown", "InternalError", INTERNAL)


# Synced: is what is published what spec and source say?


def _trouble(seen: Situation) -> State | None:
    trouble = seen.found.trouble
    if trouble is None or isinstance(trouble, errors.Transient):
        return None
    return State("False", trouble.reason, trouble.message)


def _no_targets(seen: Situation) -> State | None:
    return None if seen.found.wanted else State("True", "NothingToPublish", "The spec names no targets.")


def _published_key_refused(seen: Situation) -> State | None:
    """The target stays: deleting it helps nobody, and it comes right when the source does."""
    found = seen.found
    whole = len(found.targets) == found.wanted and not found.new_key
    return _published(seen) if isinstance(found.error, errors.Refused) and whole else None


def _key_refused(seen: Situation) -> State | None:
    error = seen.found.error
    if not isinstance(error, errors.Refused):
        return None
    if not seen.found.targets and not seen.found.confirmed:
        return State("Unknown", "Pending", "The provider's refusal is being confirmed.")
    return State("False", "HeldBack", held_back(seen.found, error))


def _key_unusable(seen: Situation) -> State | None:
    error = seen.found.final
    if error is None:
        return None
    if isinstance(error, errors.Waiting) or not seen.found.targets:
        return State("False", error.reason, error.message)
    return State("False", "HeldBack", held_back(seen.found, error))


def _never_checked(seen: Situation) -> State | None:
    if not (seen.found.held and seen.found.unasked):
        return None
    return State(
        "False", "HeldBack", "spec.validation.policy Required publishes only what a provider accepted."
    )


def _not_written(seen: Situation) -> State | None:
    """Neither refused nor written: it stays as it was said before."""
    found = seen.found
    if not (found.held or len(found.targets) < found.wanted or isinstance(found.trouble, errors.Transient)):
        return None
    known = seen.known("Synced")
    if known is not None and (known.value == "False" or len(found.targets) == found.wanted):
        return known
    return State("Unknown", "Pending", "Nothing is published before the provider has accepted the key.")


def _published(seen: Situation) -> State:
    names = ", ".join(sorted(target.name for target in seen.found.targets))
    return State("True", "Published", f"Published to {names}.")


def held_back(found: Pass, error: errors.CredentialError) -> str:
    """Says that a key is not published, and why."""
    if found.targets and found.new_key:
        return f"The new key is not published, the last good one stays. {error.message}"
    return f"Not published. {error.message}"


# Ready: can consumers work?


def _not_ours(seen: Situation) -> State | None:
    synced = seen.synced
    if synced is not None and synced.value == "False" and synced.reason in ("TargetConflict", "Forbidden"):
        return synced
    return None


def _over(seen: Situation) -> State | None:
    """A short-lived key has ended, and no other was made."""
    names = renewal.ended(seen.found.targets, seen.now)
    if not names:
        return None
    failing = abnormal.renewal_failing(seen)
    trouble = seen.found.trouble or seen.found.error
    why = failing.message if failing is not None else "" if trouble is None else trouble.message
    return State("False", "Expired", f"The short-lived key in {', '.join(names)} has ended. {why}".strip())


def _not_laid_out(seen: Situation) -> State | None:
    """The key cannot be laid out as a target asks for: what was published before still serves."""
    trouble, synced = seen.found.trouble, seen.synced
    if not isinstance(trouble, errors.Stalled) or synced is None:
        return None
    if len(seen.found.targets) < seen.found.wanted:
        return State("False", synced.reason, synced.message)
    return State(
        "True", "HeldBack", f"What is published is the last that could be laid out. {synced.message}"
    )


def _undecided_and_nothing_published(seen: Situation) -> State | None:
    error, known = seen.found.error, seen.known("Ready")
    if not isinstance(error, errors.Transient) or seen.serving:
        return None
    return (
        known if known is not None and known.value == "False" else State("False", error.reason, error.message)
    )


def _undecided_for_long(seen: Situation) -> State | None:
    error = seen.found.error
    if not isinstance(error, errors.Transient) or not seen.stale:
        return None
    return State("True", "ValidationStale", f"Published, and not validated for long. {error.message}")


def _published_undecided(seen: Situation) -> State | None:
    error, known = seen.found.error, seen.known("Ready")
    if not isinstance(error, errors.Transient) or (known is not None and known.value != "Unknown"):
        return None
    return State("True", "AvailableUnchecked", f"Published without a validation. {error.message}")


def _last_good_serves(seen: Situation) -> State | None:
    found = seen.found
    if found.final is None or not (seen.serving and found.wanted):
        return None
    if isinstance(found.final, errors.Refused) and not found.new_key:
        return None
    return State("True", "HeldBack", held_back(found, found.final))


def _being_confirmed(seen: Situation) -> State | None:
    if seen.found.confirmed:
        return None
    return seen.ready or State("Unknown", "Pending", "The provider's refusal is being confirmed.")


def _nothing_good(seen: Situation) -> State | None:
    error = seen.found.final
    return None if error is None else State("False", error.reason, error.message)


def _unchecked(seen: Situation) -> State | None:
    validated, synced = seen.validated, seen.synced
    if not seen.found.unasked or validated is None or synced is None:
        return None
    if synced.value == "True":
        return State("True", "AvailableUnchecked", f"{validated.message} {synced.message}")
    return State("False", synced.reason, synced.message)


def _available(seen: Situation) -> State | None:
    validated, synced = seen.validated, seen.synced
    if validated is None or synced is None or isinstance(seen.found.verdict, Exception):
        return None
    if (validated.value, synced.value) != ("True", "True"):
        return None
    return State("True", "Available", f"{validated.message} {synced.message}")


def _as_before(seen: Situation) -> State | None:
    if seen.ready is None and not isinstance(seen.found.verdict, NotChecked | contract.Validation):
        return _fault(seen)
    return seen.ready or State("Unknown", "Pending", "Nothing is published yet.")


CONDITIONS: Mapping[str, Sequence[Row]] = {
    "Validated": (_not_asked, _accepted, _unconfirmed, _accepted_before, _undecided, _refused, _fault),
    "Synced": (
        _trouble,
        _no_targets,
        _published_key_refused,
        _key_refused,
        _key_unusable,
        _never_checked,
        _not_written,
        _published,
    ),
    "Ready": (
        _not_ours,
        _over,
        _not_laid_out,
        _undecided_and_nothing_published,
        _undecided_for_long,
        _published_undecided,
        _last_good_serves,
        _being_confirmed,
        _nothing_good,
        _unchecked,
        _available,
        _as_before,
    ),
    "Reconciling": (abnormal.working,),
    "Stalled": (abnormal.stuck,),
    "DeletionBlocked": (abnormal.blocked,),
    "Expiring": (abnormal.expiring,),
    "RenewalFailing": (abnormal.renewal_failing,),
    "RotationFailing": (abnormal.rotation_failing,),
    "Suspended": (abnormal.suspended,),
    "Warning": (abnormal.warned,),
}
"""The rows of each condition, in the order in which they are asked; later conditions see earlier ones."""

LASTING = frozenset(CONDITIONS) - {
    "DeletionBlocked",
    "Expiring",
    "RenewalFailing",
    "RotationFailing",
    "Suspended",
}
"""What stays as it was said where nothing was looked at."""

"""What a check of a key has come to. Pure."""

from typing import NamedTuple

from credential_operator.cli.documents import Credential
from credential_operator.cli.problems import Exit

UNDECIDED = frozenset({"Pending", "Unconfirmed"})
"""The answer is still to come: providers take seconds to learn of a new key."""
NOBODY_ASKED = frozenset({"NotCheckable", "ValidationDisabled"})
NO_ANSWER = frozenset(
    {"ProviderUnreachable", "RateLimited", "ClockSkew", "Conflict", "Unavailable", "InternalError"}
)
"""Nobody could say; it is tried again."""


class Outcome(NamedTuple):
    """How it ended, in a sentence."""

    status: Exit
    text: str


def outcome(one: Credential, asked: str | None = None) -> Outcome | None:
    """Gives what is said of the key; None while that is open. `asked`: the answer must be to this question."""
    validated, reconciling = one.conditions.get("Validated"), one.conditions.get("Reconciling")
    if not _answered(one, asked) or validated is None or validated.reason in UNDECIDED:
        return None
    if reconciling is not None and reconciling.reason in NO_ANSWER:
        return Outcome(Exit.TIMEOUT, f"Nobody could say whether {one.name} works. {reconciling.message}")
    if validated.status == "True":
        return Outcome(Exit.DONE, _accepted(one, validated.message))
    if validated.reason in NOBODY_ASKED:
        return _unchecked(one, validated.message)
    return Outcome(Exit.NOT_VALID, f"{one.name} is not valid ({validated.reason}). {validated.message}")


def _unchecked(one: Credential, message: str) -> Outcome | None:
    """Says whether a key that nobody is asked about is published, or why not."""
    ready = one.ready
    if ready.status == "True":
        return Outcome(Exit.DONE, f"{one.name} is published without a check. {message}")
    if ready.status == "False":
        return Outcome(Exit.NOT_VALID, f"{one.name} is not ready ({ready.reason}). {ready.message}")
    return None


def _answered(one: Credential, asked: str | None) -> bool:
    """Tells whether the status is about the present spec, and about this question."""
    status = one.status
    observed = status.get("observedGeneration") == one.document["metadata"].get("generation")
    return observed and (asked is None or status.get("lastHandledReconcileAt") == asked)


def _accepted(one: Credential, message: str) -> str:
    identity = (one.status.get("identity") or {}).get("principal")
    whose = f" ({identity})" if identity and identity not in message else ""
    return f"{one.name} is valid{whose}. {message}".strip()

"""What the rows of the table look at: the conditions so far, what was found, what was decided before."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from credential_operator.findings import Pass, Time

INTERNAL = "The operator failed on this Credential. Its log has the details, and it will try again."


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """The part of a condition that is decided here."""

    value: str
    reason: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the rows look at: the conditions so far, what was found, and what was decided before."""

    before: Mapping[str, Mapping[str, Any]]
    found: Pass
    stale: bool
    expires_at: Time | None
    now: Time
    validated: State | None = None
    synced: State | None = None

    def known(self, name: str) -> State | None:
        """Gives a condition as it was."""
        condition = self.before.get(name)
        return (
            None
            if condition is None
            else State(condition["status"], condition["reason"], condition["message"])
        )

    @property
    def ready(self) -> State | None:
        """Gives what was said of readiness, if that can still be so."""
        known = self.known("Ready")
        return None if known is not None and known.value == "True" and not self.serving else known

    @property
    def serving(self) -> bool:
        """Whether consumers have a key: a published one, or without targets the source Secret's."""
        if self.found.wanted:
            return bool(self.found.targets)
        ready = self.known("Ready")
        return ready is not None and ready.value == "True"


Row = Callable[[Situation], State | None]

"""Waits for what the operator says, and tells what is going on meanwhile."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import click

from credential_operator.cli import screen
from credential_operator.cli.documents import CREDENTIALS, Credential
from credential_operator.cli.kubectl import PASSING, Kubectl
from credential_operator.cli.outcomes import Outcome
from credential_operator.cli.problems import Exit, Problem

T = TypeVar("T")

PAUSES = (0.2, 0.3, 0.5, 1.0)
"""Seconds between looks; the last one counts for all that follow."""


def until(look: Callable[[], T | None], seconds: float, late: Callable[[], Problem]) -> T:
    """Looks until there is something; raises the Problem of `late` when the time is over."""
    deadline, pauses = time.monotonic() + seconds, _pauses()
    while True:
        found = _patiently(look)
        if found is not None:
            return found
        pause = next(pauses)
        if time.monotonic() + pause > deadline:
            raise late()
        time.sleep(pause)


def _patiently(look: Callable[[], T | None]) -> T | None:
    try:
        return look()
    except Problem as problem:
        if problem.reason not in PASSING:
            raise
        return None


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]


class Progress:
    """Follows a Credential, and tells each new thing that is said of its key."""

    def __init__(self, kubectl: Kubectl, one: Credential) -> None:
        self._kubectl = kubectl.inside(one.namespace)
        self._uid = one.uid
        self._name = one.name
        self._told = ""
        self.last = one

    def look(self) -> Credential:
        """Reads the Credential; raises Problem where it is not there any more."""
        found = Credential(self._kubectl.get(CREDENTIALS, self._name))
        if found.uid != self._uid:
            raise Problem(f"Credential {self._name} was deleted and made anew meanwhile.", reason="NotFound")
        self.last = found
        self._tell(found)
        return found

    def _tell(self, found: Credential) -> None:
        condition = found.conditions.get("Validated")
        word = condition.reason if condition else "Pending"
        if word != self._told:
            self._told = word
            screen.note(f"  {word}: {condition.message}" if condition and condition.message else f"  {word}")

    def late(self, seconds: float) -> Problem:
        """Says that the operator has not answered, and what was last said."""
        pods = "kubectl get pods -A -l app.kubernetes.io/name=credential-operator"
        return Problem(
            f"No answer within {seconds:.0f} s; the last word on {self._name} is "
            f"{self._told or 'none'}. Does the operator run? {pods}",
            Exit.TIMEOUT,
        )


def ended(found: Outcome, *, say: bool) -> int:
    """Ends a command with an outcome, and says it where that is wanted; raises Problem for one that is not good."""
    if found.status is not Exit.DONE:
        raise Problem(found.text, found.status)
    if say:
        click.echo(found.text)
    return found.status

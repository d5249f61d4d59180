"""What a check of a manifest has come to: one line a Credential. Pure."""

import dataclasses
import enum
from collections.abc import Iterable, Sequence

from credential_operator import errors
from credential_operator.api import credential
from credential_operator.cli import tables
from credential_operator.cli.problems import Exit
from credential_operator.cli.tables import Cell, Table
from credential_operator.providers import contract

NOT_CHECKABLE, HELD_BACK, NOT_ASKED = "NotCheckable", "HeldBack", "NotAsked"
"""Reasons: nobody can be asked; the policy then publishes nothing; nobody was asked here."""


class Outcome(enum.StrEnum):
    """How it ended."""

    VALID = "Valid"
    INVALID = "Invalid"
    UNKNOWN = "Unknown"
    """Nobody could say; it may be otherwise the next time."""


STYLES = {Outcome.VALID: tables.GOOD, Outcome.INVALID: tables.BAD, Outcome.UNKNOWN: tables.WARN}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Which Credential it is about, and the file that it stands in."""

    file: str
    namespace: str
    name: str
    type: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of a Credential: reasons are those of its conditions."""

    subject: Subject
    outcome: Outcome
    reason: str
    message: str

    def document(self) -> dict[str, str]:
        """Gives it for programs."""
        about = {name: value for name, value in dataclasses.asdict(self.subject).items() if value}
        return {**about, "outcome": str(self.outcome), "reason": self.reason, "message": self.message}


def refused(subject: Subject, error: errors.CredentialError) -> Judgement:
    """Says what is wrong; what passes by itself is not the manifest's fault."""
    outcome = Outcome.UNKNOWN if isinstance(error, errors.Transient) else Outcome.INVALID
    return Judgement(subject, outcome, error.reason, error.message)


def unasked(subject: Subject, why: str) -> Judgement:
    """Says that nothing is wrong as far as can be told without the provider."""
    return Judgement(subject, Outcome.VALID, NOT_ASKED, why)


def answered(subject: Subject, spec: credential.Spec, validation: contract.Validation) -> Judgement:
    """Says what the provider has said, and what the policy makes of it."""
    if validation.unasked:
        if spec.validation.policy == "Required":
            why = "spec.validation.policy Required publishes only what a provider accepted."
            return Judgement(subject, Outcome.INVALID, HELD_BACK, f"{validation.unasked} {why}")
        return Judgement(subject, Outcome.VALID, NOT_CHECKABLE, validation.unasked)
    whose = f" of {validation.identity.principal}" if validation.identity else ""
    said = [f"The provider accepted the key{whose}.", *(one.message for one in validation.warnings)]
    return Judgement(subject, Outcome.VALID, "Accepted", " ".join(said))


def status(judgements: Iterable[Judgement]) -> Exit:
    """Gives the exit status: one that is not valid counts more than one of which nobody could say."""
    outcomes = {one.outcome for one in judgements}
    if Outcome.INVALID in outcomes:
        return Exit.NOT_VALID
    return Exit.TIMEOUT if Outcome.UNKNOWN in outcomes else Exit.DONE


def table(judgements: Sequence[Judgement]) -> Table:
    """Gives a line for each."""
    rows = [
        tables.row(
            [
                one.subject.file,
                one.subject.namespace,
                Cell(one.subject.name, tables.STRONG),
                one.subject.type,
                Cell(one.outcome, STYLES[one.outcome]),
                one.reason,
                one.message,
            ]
        )
        for one in judgements
    ]
    columns = ["FILE", "NAMESPACE", "NAME", "TYPE", "OUTCOME", "REASON", "MESSAGE"]
    shown = Table(columns=columns, rows=rows, optional=("TYPE", "FILE"))
    return tables.without_empty(shown, ("NAME", "OUTCOME", "REASON", "MESSAGE"))

"""What a script of a credential type says."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from credential_operator import errors
from emulators.aws import AwsEmulator
from emulators.service import Service
from verdicts.situations import Situation, Verdict

Json = dict[str, Any]
Emulator = AwsEmulator | Service
REFUSALS = frozenset(kind.reason for kind in errors.Refused.__subclasses__())


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """What a Credential is made of: the fields of its type, and those of its source Secret."""

    config: Json
    keys: Mapping[str, str] = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Cannot:
    """A type cannot come into a situation."""

    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Says:
    """The provider cannot tell a situation, so that something else is said."""

    verdict: Verdict
    why: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A row of the matrix: a type before a stand-in of its provider.

    `prepare` gives what each situation is made of that is not a fault, except those that cannot be.
    `target`: how the key is published, for keys that no environment variable holds.
    """

    type: str
    variant: str = ""
    emulator: Callable[[], Emulator] | None
    prepare: Callable[[Any], Mapping[str, Case]]
    target: Mapping[str, Any] = dataclasses.field(default_factory=lambda: {"format": "env"})
    exceptions: Mapping[str, Cannot | Says] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """The row's name."""
        return f"{self.type} ({self.variant})" if self.variant else self.type

    @property
    def slug(self) -> str:
        """Its name as objects are named."""
        return f"{self.type}-{self.variant}".strip("-").replace(" ", "-").lower()

    def expected(self, situation: Situation) -> Verdict | None:
        """Gives what is to be said in a situation; None where it cannot be."""
        match self.exceptions.get(situation.name):
            case Cannot():
                return None
            case Says(verdict=verdict):
                return verdict
        return situation.verdict

    def refused(self, situation: Situation) -> bool:
        """Tells whether the provider says no, which the operator believes when it is confirmed."""
        verdict = self.expected(situation)
        return verdict is not None and verdict.word in REFUSALS

    def why(self, situation: Situation) -> str:
        """Says why it is otherwise than for other types; empty where it is not."""
        exception = self.exceptions.get(situation.name)
        return exception.why if exception else ""

"""How Google words what it answers: its token endpoints as OAuth 2.0 does, its APIs in a way of their own.

cloud.google.com/apis/design/errors
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulators.server import wire


@dataclasses.dataclass(eq=False)
class Refusal(Exception):
    """What a token endpoint tells in place of a token."""

    status: int
    error: str
    description: str

    def reply(self) -> wire.Reply:
        """Gives the answer."""
        return document(self.status, {"error": self.error, "error_description": self.description})


@dataclasses.dataclass(eq=False)
class Denial(Exception):
    """What an API tells in place of what was asked for."""

    status: int
    code: str
    message: str
    reason: str = ""
    violations: Sequence[Mapping[str, str]] = ()

    def reply(self) -> wire.Reply:
        """Gives the answer."""
        error = {"code": self.status, "message": self.message, "status": self.code}
        details = [*self._details()]
        return document(self.status, {"error": {**error, **({"details": details} if details else {})}})

    def _details(self) -> Iterator[Mapping[str, Any]]:
        kind = "type.googleapis.com/google.rpc"
        if self.reason:
            yield {"@type": f"{kind}.ErrorInfo", "reason": self.reason, "domain": "googleapis.com"}
        if self.violations:
            yield {"@type": f"{kind}.PreconditionFailure", "violations": [*self.violations]}


def document(status: int, content: Mapping[str, Any]) -> wire.Reply:
    """Gives an answer that is a JSON object."""
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return wire.Reply(status=status, headers=kind, body=json.dumps(content).encode())


def seconds(moment: str) -> float:
    """Gives a time as the clock does."""
    return datetime.datetime.fromisoformat(moment).timestamp()

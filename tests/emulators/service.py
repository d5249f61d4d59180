"""The parent's end of an emulator that serves one service over TLS, meets faults, and keeps a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from emulators import child, faults


class Call(NamedTuple):
    """A request that arrived; status 0 where the connection was cut."""

    method: str
    path: str
    status: int


class Service(child.Emulator):
    """What every such emulator has; `call` is how its record says what was asked."""

    call: ClassVar[type[Any]] = Call

    def __init__(self, *, hosts: Sequence[str] = (), port: int = 0) -> None:
        super().__init__(hosts=list(hosts), port=port)

    @property
    def faults(self) -> faults.Faults:
        """The trouble that requests meet; `action` is a path where the emulator has no other names."""
        return faults.Faults(self.child.call)

    @property
    def calls(self) -> list[Any]:
        """The requests so far, oldest first."""
        return [self.call(*call) for call in self.child.call("calls")]

    def reset_calls(self) -> None:
        """Forgets the requests so far."""
        self.child.call("reset_calls")

    def reset(self) -> None:
        """Makes it as new: nothing that was made is known, and there are no faults or calls."""
        self.child.call("reset")

"""A blob service that refuses what Azure Storage refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from emulators import child, faults


class Call(NamedTuple):
    """A request that arrived, by its `comp`; status 0 where the connection was cut."""

    action: str
    status: int


class AzureStorageEmulator(child.Emulator):
    """A blob service on 127.0.0.1, in a process of its own; it lists containers and does nothing else.

    Verified on every request: account, its state, Shared Key signature by either key, clock.
    """

    kind: ClassVar[str] = "azure_storage"

    def __init__(self, *, hosts: Sequence[str] = (), port: int = 0) -> None:
        super().__init__(hosts=list(hosts), port=port)

    @property
    def faults(self) -> faults.Faults:
        """The trouble that requests meet."""
        return faults.Faults(self.child.call)

    @property
    def calls(self) -> list[Call]:
        """The requests so far, oldest first."""
        return [Call(*call) for call in self.child.call("calls")]

    def reset_calls(self) -> None:
        """Forgets the requests so far."""
        self.child.call("reset_calls")

    def reset(self) -> None:
        """Makes it as new."""
        self.child.call("reset")

    def set_account(
        self,
        name: str,
        keys: Sequence[str],
        *,
        containers: Sequence[str] = (),
        disabled: bool = False,
        keyless: bool = False,
        walled: bool = False,
    ) -> None:
        """Makes an account, in place of one of its name.

        `keyless`: it allows no access by key; `walled`: its firewall lets nobody in.
        """
        self.child.call(
            "set_account",
            name=name,
            keys=list(keys),
            containers=list(containers),
            disabled=disabled,
            keyless=keyless,
            walled=walled,
        )

"""A blob service that refuses what Azure Storage refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from emulators import service


class Call(NamedTuple):
    """A request that arrived, by its `comp`; status 0 where the connection was cut."""

    action: str
    status: int


class AzureStorageEmulator(service.Service):
    """A blob service on 127.0.0.1, in a process of its own; it lists containers and does nothing else.

    Verified on every request: account, its state, Shared Key signature by either key, clock.
    """

    kind: ClassVar[str] = "azure_storage"
    call = Call

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

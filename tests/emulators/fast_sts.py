"""STS for thousands of keys at a tenth of a millisecond a call, for benches."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import ClassVar

from emulators import child, derived_keys

ACCOUNT = "123456789012"


class Outage(enum.StrEnum):
    """What every request meets while it lasts."""

    NONE = "none"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"


class FastSts(child.Emulator):
    """An STS that knows GetCallerIdentity and GetSessionToken and verifies signatures, in a process of its own.

    It has `keys` users with a key each, numbered from 0; ids and secrets follow from the number. It
    opens sessions and does not know their keys afterwards. Every answer is held back for `latency` seconds,
    which costs no CPU: a cloud is never as near as loopback.
    """

    kind: ClassVar[str] = "fast_sts"

    def __init__(
        self,
        *,
        keys: int = 10_000,
        tls: bool = True,
        latency: float = 0.0,
        account: str = ACCOUNT,
        hosts: Sequence[str] = (),
        port: int = 0,
    ) -> None:
        super().__init__(keys=keys, tls=tls, latency=latency, account=account, hosts=list(hosts), port=port)
        self._account = account

    def key(self, index: int) -> tuple[str, str]:
        """Returns the id and the secret of a user's key."""
        key_id = derived_keys.key_id(self._account, index)
        return key_id, derived_keys.secret(key_id)

    def arn(self, index: int) -> str:
        """Returns the ARN that GetCallerIdentity tells for a key."""
        return f"arn:aws:iam::{self._account}:user/user-{index}"

    @property
    def calls(self) -> dict[int, int]:
        """How many requests were answered, by HTTP status."""
        return {int(status): count for status, count in self.child.call("calls").items()}

    @property
    def asked(self) -> dict[int, int]:
        """How many requests each key made that was accepted, by its number."""
        return dict(self.child.call("asked"))

    def reset_calls(self) -> None:
        """Forgets the requests so far."""
        self.child.call("reset_calls")

    def set_key_status(self, key_id: str, status: str) -> None:
        """Makes a key "Active" or "Inactive"."""
        self.child.call("set_key_status", key_id=key_id, status=status)

    def set_outage(self, outage: Outage) -> None:
        """Lets every request fail, or none."""
        self.child.call("set_outage", outage=outage)

    def limit_sessions(self, seconds: float | None) -> None:
        """Lets new sessions last that long, whatever was asked for; None: what was asked for."""
        self.child.call("limit_sessions", seconds=seconds)

    def set_latency(self, seconds: float) -> None:
        """Holds every answer back that long."""
        self.child.call("set_latency", seconds=seconds)

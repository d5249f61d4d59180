"""When a short-lived key is renewed. Pure."""

import datetime
from collections.abc import Iterable

from credential_operator import findings

Time = datetime.datetime

LATEST = 3 / 4
"""Share of its life at which a key is renewed at the latest."""
SPREAD = 1 / 6
"""Share of its life by which that may be earlier, so that keys made together part: two thirds on the average."""
MARGIN = datetime.timedelta(minutes=5)
"""How long before its end a key is renewed at the latest, unless that is more than a third of its life."""


def due_at(made: Time, ends: Time, jitter: float) -> Time:
    """Gives when to renew a key that was made and ends at these times; `jitter` is in [0, 1).

    Never before half of its life: a provider is asked at most twice as often as it must be.
    """
    life = ends - made
    latest = min(life * LATEST, life - min(MARGIN, life / 3))
    return made + latest - life * SPREAD * (1 - jitter)


def ended(targets: Iterable[findings.Published], now: Time) -> list[str]:
    """Names the targets whose short-lived key has ended, sorted."""
    return sorted(one.name for one in targets if one.expires_at is not None and one.expires_at <= now)

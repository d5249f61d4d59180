"""When a short-lived key is renewed. Pure."""

import datetime
from collections.abc import Iterable

from credential_operator import findings

Time = datetime.datetime

EARLIEST, LATEST = 7 / 12, 9 / 12
"""Between which shares of its life a key is renewed: two thirds on the average, so that keys made together part."""
MARGIN = datetime.timedelta(minutes=5)
"""How long before its end at the latest, unless that is more than half of its life."""


def due_at(made: Time, ends: Time, jitter: float) -> Time:
    """Gives when to renew a key that was made and ends at these times; `jitter` is in [0, 1)."""
    life = ends - made
    share = life * (EARLIEST + (LATEST - EARLIEST) * jitter)
    return made + min(share, max(life - MARGIN, life / 2))


def ended(targets: Iterable[findings.Published], now: Time) -> list[str]:
    """Names the targets whose short-lived key has ended, sorted."""
    return sorted(one.name for one in targets if one.expires_at is not None and one.expires_at <= now)

"""How long to wait after failures in a row: twice as long each time, up to five minutes, with jitter."""

import dataclasses
import random
import time

FIRST = 1.0
LONGEST = 300.0
COUNTED = 16


@dataclasses.dataclass(slots=True)
class Pace:
    """Failures in a row, and the time of the monotonic clock before which it is not tried again."""

    failures: int = 0
    not_before: float = 0.0

    @property
    def remaining(self) -> float:
        """Gives the seconds to wait still."""
        return max(0.0, self.not_before - time.monotonic())

    def left(self, *, waited: bool) -> float | None:
        """Gives the seconds to wait still; None where there is nothing to wait for.

        `waited`: there was when somebody looked, who has left it at that. A wait that has ended since is none of
        0 seconds: nobody else would come back.
        """
        remaining = self.remaining
        return remaining if waited or remaining else None

    def fail(self, asked: float | None) -> float:
        """Counts a failure and gives the seconds to wait; `asked`: for how long the other side wants to be left alone.

        Who waits for others' sake has not failed: when they get an answer, it gets its own soon.
        """
        backoff = min(LONGEST, FIRST * 2**self.failures) * random.uniform(0.5, 1.0)  # noqa: S311  no secret
        wait = backoff if asked is None else max(asked, FIRST)
        self.failures = min(self.failures + (asked is None), COUNTED)
        self.not_before = time.monotonic() + wait
        return wait

    def succeed(self) -> None:
        """Forgets all failures."""
        self.failures, self.not_before = 0, 0.0

"""The operator with another clock, or with a fault built in: a program, for processes of their own.

`--ahead` changes what every module reads from the clock of the wall; timers are not touched, as on a machine
whose clock is off. `--fault` is there to prove that the invariants see it.
"""

import argparse
import dataclasses
import datetime
import types
from collections.abc import Callable, Mapping
from typing import Any

from credential_operator import (
    __main__,
    answers,
    checks,
    controller,
    events,
    findings,
    leader,
    lease,
    lending,
    objects,
    passes,
    situation,
    survey,
    targets,
    view,
)

CLOCKS = (checks, controller, events, lease, passes)
"""The modules that read the clock of the wall.

Besides these there is `app`: what it reads, the end of a session, is compared by kopf with a clock that cannot
be changed from here.
"""


def _set_clocks(ahead: datetime.timedelta) -> None:
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.now(tz) + ahead

    shown = types.SimpleNamespace(**{**vars(datetime), "datetime": Clock})
    for module in CLOCKS:
        vars(module)["datetime"] = shown


def _decide_by_cache() -> None:
    """Asks what the watch has brought for who holds a deletion back, in place of a fresh list."""

    async def needs_now(self: survey.Survey, seen: view.View) -> findings.Needs:
        return self.needs(seen, seen.recorded)

    survey.Survey.needs_now = needs_now  # type: ignore[method-assign]


def _write_on() -> None:
    """Serves the target of a revoked reference until its grace period ends, as if it were still Bound."""

    class Lending(lending.Lending):
        async def deliver(
            self, reference: lending.Json, lender: objects.Key | None, state: situation.State
        ) -> answers.Delivery:
            delivered = await super().deliver(reference, lender, state)
            if state.reason != answers.REVOKED or delivered.target is None:
                return delivered
            return await super().deliver(reference, lender, situation.State("True", "Bound", state.message))

    vars(lending)["Lending"] = Lending


def _take_over() -> None:
    """Takes over whatever Secret has the name of a target, as if each target said `adopt`."""

    class Targets(targets.Targets):
        async def publish(
            self, owner: targets.Owner, desired: targets.Desired, **more: Any
        ) -> findings.Published:
            return await super().publish(owner, dataclasses.replace(desired, adopt=True), **more)

    vars(targets)["Targets"] = Targets


def _work_on_all() -> None:
    """Works on every shard as soon as it leads one, and writes whoever leads."""

    class Leader(leader.Leader):
        @property
        def shards(self) -> frozenset[int]:
            led = super().shards
            return frozenset(self._leases) if led else led

        def holds(self, shard: int = 0) -> bool:
            return True

        def told(self) -> Mapping[int, bool]:
            return {shard: one.holds() for shard, one in self._leases.items()}

    vars(leader)["Leader"] = Leader


FAULTS: Mapping[str, Callable[[], None]] = {
    "decides-by-cache": _decide_by_cache,
    "takes-over": _take_over,
    "works-on-all": _work_on_all,
    "writes-on": _write_on,
}


def main() -> int:
    """Runs the operator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ahead", type=float, default=0.0, help="seconds")
    parser.add_argument("--fault", choices=sorted(FAULTS))
    chosen = parser.parse_args()
    if chosen.ahead:
        _set_clocks(datetime.timedelta(seconds=chosen.ahead))
    if chosen.fault:
        FAULTS[chosen.fault]()
    return __main__.main(["run"])


if __name__ == "__main__":
    raise SystemExit(main())

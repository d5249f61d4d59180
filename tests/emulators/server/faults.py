"""Faults on demand: which request meets which trouble."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from typing import Any


class Effect(enum.StrEnum):
    """What a fault does to a request; the first three let it pass on."""

    DELAY = "delay"
    SKEW = "skew"
    DRIP = "drip"
    THROTTLE = "throttle"
    ERROR = "error"
    ANSWER = "answer"
    CUT = "cut"


@dataclasses.dataclass(slots=True)
class Fault:
    """One trouble, for every action or one, for ever or `left` times more."""

    effect: Effect
    options: dict[str, Any]
    action: str | None = None
    left: int | None = None


@dataclasses.dataclass(slots=True)
class Plan:
    """What befalls one request.

    Seconds to wait, seconds the clock is ahead, seconds for each byte of the answer, and one end.
    """

    delay: float = 0.0
    skew: float = 0.0
    pace: float = 0.0
    end: Fault | None = None


class Faults:
    """The faults in force, in the order they were asked for."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, effect: str, *, action: str | None, count: int | None, options: dict[str, Any]) -> None:
        """Puts a fault in force."""
        self._faults.append(Fault(Effect(effect), options, action, count))

    def clear(self) -> None:
        """Ends all faults."""
        self._faults.clear()

    @property
    def left(self) -> int:
        """How many requests are still to meet the faults that are for so many."""
        return sum(fault.left for fault in self._faults if fault.left is not None)

    def plan(self, action: str) -> Plan:
        """Draws what befalls a request, and counts it off."""
        plan = Plan()
        for fault in self._matching(action):
            match fault.effect:
                case Effect.DELAY:
                    plan.delay += fault.options["seconds"]
                case Effect.SKEW:
                    plan.skew += fault.options["seconds"]
                case Effect.DRIP:
                    plan.pace = fault.options["seconds"]
                case _ if plan.end is None:
                    plan.end = fault
                case _:
                    continue
            if fault.left is not None:
                fault.left -= 1
        return plan

    def _matching(self, action: str) -> Iterator[Fault]:
        for fault in self._faults:
            if fault.action in (None, action) and fault.left != 0:
                yield fault

"""Which key follows which where keys renew themselves: what is to be done next, and which keys nobody holds. Pure.

A key is ordered, made, kept in the store as the candidate, accepted by the provider, then the current one, which is
published. The one before it is ended when it was published for long enough and nobody runs it any more: disabled
where the provider can, later deleted. What the store says of this is a `State`, written before and after each call,
so that a crash between any two leaves at most a key that nobody holds: `orphans` finds it.
"""

import datetime
import enum
from collections.abc import Iterable
from typing import Any, NamedTuple

import pydantic
from pydantic import alias_generators

from credential_operator import errors, findings
from credential_operator.providers import rotate

Time = datetime.datetime

SKEW = datetime.timedelta(minutes=2)
"""By how much the provider's clock may differ from ours: one that differs by more refuses signatures."""
CALL = datetime.timedelta(seconds=30)
"""The longest that a call may take."""
ACCEPTED = datetime.timedelta(minutes=15)
"""How long a new key may be refused: providers take seconds to minutes to learn of it everywhere."""
AGAIN = datetime.timedelta(hours=1)
"""When another one is made after that."""


class _Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(
        alias_generator=alias_generators.to_camel, extra="forbid", frozen=True, populate_by_name=True
    )


class Held(_Model):
    """A key by its public name (empty where it cannot be told), since when it is what it is, and when its life ends."""

    id: str = ""
    since: pydantic.AwareDatetime
    ends_at: pydantic.AwareDatetime | None = None


class Ending(Held):
    """The previous key: since when it has had a successor, and since when it is disabled."""

    disabled_at: pydantic.AwareDatetime | None = None


class State(_Model):
    """What the store says: the current key since it was made, and how far the change to another one has got.

    `ordered`: when keys were ordered of which it is not known whether they were made; `known`: the keys that there
    were before. `refused_at`: when the last candidate was given up. `rotate_at`: what was asked for last.
    """

    current: Held
    candidate: Held | None = None
    previous: Ending | None = None
    ordered: tuple[pydantic.AwareDatetime, ...] = ()
    known: tuple[str, ...] = ()
    refused_at: pydantic.AwareDatetime | None = None
    rotate_at: str = ""

    def but(self, **changes: Any) -> "State":
        """Gives the state with some of it changed."""
        return self.model_copy(update=changes)

    def text(self) -> str:
        """Writes it for the store's annotation."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True)


def parse(text: str) -> State:
    """Reads what `State.text` wrote; raises Misconfigured for what somebody else did."""
    try:
        return State.model_validate_json(text)
    except pydantic.ValidationError:
        raise errors.Misconfigured(
            "The annotation of the store Secret that says which key is which cannot be read: correct it, or "
            "delete the annotation, and the key in the Secret counts as a new one."
        ) from None


class Step(enum.StrEnum):
    """What is done next."""

    MAKE = "Make"
    ACCEPT = "Accept"
    DISABLE = "Disable"
    DELETE = "Delete"


class Plan(NamedTuple):
    """What is wanted, and what is known of the current key.

    `published_at`: since when all targets have it (None: not yet); `drained`: nobody runs the previous one. `share`
    in [0, 1) tells Credentials of the same age apart. `disables`: the provider can disable keys; `settles`: how long it
    takes to list a new one. `rotate_at`: the annotation that asks for a new key at once.
    """

    interval: datetime.timedelta
    keep_old: datetime.timedelta
    share: float
    disables: bool
    settles: datetime.timedelta
    rotate_at: str = ""
    published_at: Time | None = None
    drained: bool = False


class Next(NamedTuple):
    """A step and its time; None: something else has to happen first."""

    step: Step
    at: Time | None


def following(state: State, plan: Plan, now: Time) -> Next:
    """Gives what is to be done next, and when."""
    if state.candidate is not None:
        return Next(Step.ACCEPT, now)
    if state.previous is not None:
        return _ending(state.previous, plan)
    return Next(Step.MAKE, _due(state, plan, now))


def _ending(previous: Ending, plan: Plan) -> Next:
    step = Step.DISABLE if plan.disables and previous.disabled_at is None else Step.DELETE
    if plan.published_at is None or plan.published_at < previous.since or not plan.drained:
        return Next(step, None)
    return Next(step, (previous.disabled_at or plan.published_at) + plan.keep_old)


def _due(state: State, plan: Plan, now: Time) -> Time:
    if plan.rotate_at not in {"", state.rotate_at}:
        due = now
    elif state.refused_at is not None:
        due = state.refused_at + AGAIN
    else:
        due = _aged(state.current, plan)
    # An order whose end is not known may be under way still, and what came of it is listed late.
    return max([due, *(ordered + max(plan.settles, CALL) for ordered in state.ordered[-1:])])


def _aged(current: Held, plan: Plan) -> Time:
    """Gives when a key is too old: by what is wanted, or in the last quarter of its life where that is shorter."""
    aged = current.since + plan.interval * (0.9 + 0.1 * plan.share)
    ends = current.ends_at
    return aged if ends is None else min(aged, current.since + (ends - current.since) * 0.75)


def given_up(candidate: Held, now: Time) -> bool:
    """Tells whether a candidate has been refused for too long."""
    return now >= candidate.since + ACCEPTED


def orphans(state: State, listed: Iterable[rotate.Listed], mark: str) -> list[rotate.Listed]:
    """Gives the keys that we had made and nobody holds.

    Where keys can be written on, those with our mark that the state does not name. Elsewhere those that came about
    just after an order whose end is not known, and that nobody has ever used. None where it cannot be told which the
    keys are that somebody holds.
    """
    ours = {held.id for held in (state.current, state.candidate, state.previous) if held is not None}
    if "" in ours:
        return []
    unknown = (one for one in listed if one.id not in ours)
    return [one for one in unknown if (one.mark == mark if one.mark is not None else _lost(state, one))]


def _lost(state: State, one: rotate.Listed) -> bool:
    near = any(at - SKEW <= one.created_at <= at + CALL + SKEW for at in state.ordered)
    return near and one.id not in state.known and not one.used


# From one state to the next


def ordering(state: State, listed: Iterable[rotate.Listed], now: Time) -> State:
    """Gives the state before a key is made: it says that one may come."""
    before = state.known if state.ordered else tuple(sorted(one.id for one in listed))
    recent = [at for at in state.ordered if at > now - ACCEPTED]
    return state.but(ordered=(*recent, now), known=before)


def made(state: State, key: rotate.Made, plan: Plan, now: Time) -> State:
    """Gives the state after: the new key is the candidate, and what was asked for is done.

    Earlier orders are kept until keys are listed again: what came of one may be listed late.
    """
    earlier = state.ordered[:-1]
    return state.but(
        candidate=Held(id=key.id, since=now, ends_at=key.expires_at),
        ordered=earlier,
        known=state.known if earlier else (),
        refused_at=None,
        rotate_at=plan.rotate_at,
    )


def refused(state: State, now: Time) -> State:
    """Gives the state without a candidate that was not accepted and is deleted."""
    return state.but(candidate=None, refused_at=now)


def succeeded(state: State, candidate: Held, current_id: str, now: Time) -> State:
    """Gives the state in which the candidate is the current key; `current_id` is the one that it follows."""
    return state.but(current=candidate, candidate=None, previous=Ending(id=current_id, since=now))


def disabled(state: State, previous: Ending, now: Time) -> State:
    """Gives the state in which the previous key is disabled."""
    return state.but(previous=previous.model_copy(update={"disabled_at": now}))


def ended(state: State) -> State:
    """Gives the state in which there is no previous key any more."""
    return state.but(previous=None)


def told(state: State, following: Next) -> dict[str, Any]:
    """Gives `status.rotation.managed`."""
    next_time = following.at if following.step is Step.MAKE else None
    previous = state.previous
    found = {
        "keyID": state.current.id,
        "candidateKeyID": state.candidate and state.candidate.id,
        "previousKeyID": previous and previous.id,
        "previousDisabledAt": previous and previous.disabled_at and findings.show_time(previous.disabled_at),
        "nextTime": next_time and findings.show_time(next_time),
    }
    return {name: value for name, value in found.items() if value}

"""Which key follows which: steps and their times, keys that nobody holds, and what the store says of it."""

import datetime
from typing import Any

import pytest

from credential_operator import errors, succession
from credential_operator.providers import rotate
from credential_operator.succession import Ending, Held, Next, Plan, State, Step

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
MINUTE = datetime.timedelta(minutes=1)
SECOND = datetime.timedelta(seconds=1)
CURRENT = Held(id="B", since=NOW - DAY)


def plan(**changes: Any) -> Plan:
    usual = Plan(
        interval=30 * DAY,
        keep_old=DAY,
        share=0.0,
        disables=True,
        settles=MINUTE,
        published_at=NOW,
        drained=True,
    )
    return usual._replace(**changes)


def listed(key_id: str, made: datetime.datetime = NOW, **facts: Any) -> rotate.Listed:
    return rotate.Listed(id=key_id, created_at=made, **facts)


def new(ends: datetime.datetime | None = None) -> rotate.Made:
    return rotate.Made(id="C", fields={}, expires_at=ends)


@pytest.mark.parametrize(
    ("state", "wanted", "step", "at"),
    [
        pytest.param(State(current=CURRENT), {}, Step.MAKE, CURRENT.since + 27 * DAY, id="in the last tenth"),
        pytest.param(
            State(current=CURRENT), {"share": 0.5}, Step.MAKE, CURRENT.since + 28.5 * DAY, id="spread over it"
        ),
        pytest.param(State(current=CURRENT), {"rotate_at": "now"}, Step.MAKE, NOW, id="asked for"),
        pytest.param(
            State(current=CURRENT, rotate_at="now"),
            {"rotate_at": "now"},
            Step.MAKE,
            CURRENT.since + 27 * DAY,
            id="asked for and done",
        ),
        pytest.param(
            State(current=CURRENT, ordered=(NOW - MINUTE * 30, NOW)),
            {"rotate_at": "now"},
            Step.MAKE,
            NOW + MINUTE,
            id="not while an order may be under way",
        ),
        pytest.param(
            State(current=CURRENT, refused_at=NOW),
            {},
            Step.MAKE,
            NOW + HOUR,
            id="a while after one was refused",
        ),
        pytest.param(
            State(current=CURRENT, refused_at=NOW),
            {"rotate_at": "now"},
            Step.MAKE,
            NOW,
            id="unless it is asked for",
        ),
        pytest.param(
            State(current=CURRENT, candidate=Held(id="C", since=NOW)), {}, Step.ACCEPT, NOW, id="a candidate"
        ),
        pytest.param(
            State(current=CURRENT, previous=Ending(id="A", since=NOW)),
            {},
            Step.DISABLE,
            NOW + DAY,
            id="kept for long enough",
        ),
        pytest.param(
            State(current=CURRENT, previous=Ending(id="A", since=NOW)),
            {"disables": False},
            Step.DELETE,
            NOW + DAY,
            id="deleted at once where it cannot be disabled",
        ),
        pytest.param(
            State(current=CURRENT, previous=Ending(id="A", since=NOW, disabled_at=NOW + 3 * DAY)),
            {},
            Step.DELETE,
            NOW + 4 * DAY,
            id="deleted when disabled for as long",
        ),
        pytest.param(
            State(current=CURRENT, previous=Ending(id="A", since=NOW)),
            {"drained": False},
            Step.DISABLE,
            None,
            id="never while it is run",
        ),
        pytest.param(
            State(current=CURRENT, previous=Ending(id="A", since=NOW)),
            {"published_at": None},
            Step.DISABLE,
            None,
            id="never before the new one is published",
        ),
        pytest.param(
            State(current=CURRENT, previous=Ending(id="A", since=NOW)),
            {"published_at": NOW - SECOND},
            Step.DISABLE,
            None,
            id="an earlier publication says nothing",
        ),
    ],
)
def test_one_step_follows_from_the_state(
    state: State, wanted: dict[str, Any], step: Step, at: datetime.datetime | None
) -> None:
    assert succession.following(state, plan(**wanted), NOW) == Next(step, at)


def test_a_key_that_came_of_an_order_of_unknown_end_is_nobodys() -> None:
    state = State(current=CURRENT, ordered=(NOW,), known=("B", "K"))
    late = NOW + succession.CALL + succession.SKEW
    found = succession.orphans(
        state,
        [
            listed("B"),
            listed("K"),
            listed("soon"),
            listed("skewed", NOW - succession.SKEW),
            listed("slow", late),
            listed("before", NOW - succession.SKEW - SECOND),
            listed("after", late + SECOND),
            listed("used", used=True),
            listed("unused", used=False),
        ],
        mark="ours",
    )
    assert [one.id for one in found] == ["soon", "skewed", "slow", "unused"]


@pytest.mark.parametrize(
    "state",
    [
        State(current=Held(since=NOW), ordered=(NOW,)),
        State(current=CURRENT, previous=Ending(since=NOW), ordered=(NOW,)),
    ],
)
def test_where_it_cannot_be_told_which_keys_are_held_none_is_nobodys(state: State) -> None:
    assert succession.orphans(state, [listed("X", mark="ours"), listed("Y", used=False)], "ours") == []


def test_a_key_that_ends_before_it_is_too_old_is_followed_in_the_last_quarter_of_its_life() -> None:
    short = State(current=Held(id="B", since=NOW, ends_at=NOW + 4 * DAY))
    assert succession.following(short, plan(), NOW) == Next(Step.MAKE, NOW + 3 * DAY)
    long = State(current=Held(id="B", since=NOW, ends_at=NOW + 400 * DAY))
    assert succession.following(long, plan(), NOW) == Next(Step.MAKE, NOW + 27 * DAY)
    assert succession.made(long, new(NOW + DAY), plan(), NOW).candidate == Held(
        id="C", since=NOW, ends_at=NOW + DAY
    )


def test_without_such_an_order_no_key_is_nobodys() -> None:
    assert succession.orphans(State(current=CURRENT), [listed("B"), listed("X", used=False)], "ours") == []


def test_a_key_with_our_mark_that_the_state_does_not_name_is_nobodys() -> None:
    state = State(current=CURRENT, candidate=Held(id="C", since=NOW), previous=Ending(id="A", since=NOW))
    found = succession.orphans(
        state,
        [*(listed(each, mark="ours") for each in "ABCX"), listed("Y", mark="theirs"), listed("Z", mark="")],
        "ours",
    )
    assert [one.id for one in found] == ["X"]


def test_an_order_is_kept_until_it_is_known_what_came_of_it() -> None:
    before = State(current=CURRENT, refused_at=NOW)
    first = succession.ordering(before, [listed("B")], NOW)
    assert (first.ordered, first.known, first.refused_at) == ((NOW,), ("B",), NOW)

    again = succession.ordering(first, [listed("B"), listed("H")], NOW + MINUTE)
    assert (again.ordered, again.known) == ((NOW, NOW + MINUTE), ("B",))

    made = succession.made(again, new(), plan(rotate_at="x"), NOW + MINUTE)
    assert made.candidate == Held(id="C", since=NOW + MINUTE)
    assert (made.refused_at, made.rotate_at) == (None, "x"), "what was asked for is done"
    assert (made.ordered, made.known) == ((NOW,), ("B",)), "what came of the first may be listed late"

    later = succession.ordering(made, [listed("C")], NOW + DAY)
    assert later.ordered == (NOW + DAY,)
    assert succession.made(first, new(NOW + DAY), plan(), NOW).known == ()


def test_a_key_goes_from_candidate_to_current_to_previous_to_none() -> None:
    candidate = Held(id="C", since=NOW)
    state = State(current=CURRENT, candidate=candidate)
    state = succession.succeeded(state, candidate, "B", NOW + MINUTE)
    assert (state.current, state.candidate) == (candidate, None)
    assert state.previous == Ending(id="B", since=NOW + MINUTE)

    state = succession.disabled(state, state.previous, NOW + DAY)
    assert state.previous is not None
    assert state.previous.disabled_at == NOW + DAY
    assert succession.ended(state) == State(current=candidate)


def test_a_candidate_is_given_up_when_it_was_refused_for_long() -> None:
    candidate = Held(id="C", since=NOW)
    assert not succession.given_up(candidate, NOW + succession.ACCEPTED - SECOND)
    assert succession.given_up(candidate, NOW + succession.ACCEPTED)
    state = State(current=CURRENT, candidate=candidate)
    assert succession.refused(state, NOW) == State(current=CURRENT, refused_at=NOW)


def test_the_store_says_it_again_as_it_was() -> None:
    state = State(
        current=CURRENT,
        candidate=Held(id="C", since=NOW),
        previous=Ending(id="A", since=NOW, disabled_at=NOW),
        ordered=(NOW,),
        known=("A", "B"),
        refused_at=NOW,
        rotate_at="x",
    )
    assert succession.parse(state.text()) == state
    assert "disabledAt" in state.text()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"current": {"since": "yesterday"}}', '{"current": 1, "x": 2}']
)
def test_what_somebody_else_wrote_there_is_told(text: str) -> None:
    with pytest.raises(errors.Misconfigured, match="delete the annotation"):
        succession.parse(text)


def test_the_status_says_which_key_is_which_and_when_the_next_is_made() -> None:
    state = State(current=CURRENT)
    assert succession.told(state, Next(Step.MAKE, NOW)) == {"keyID": "B", "nextTime": "2026-11-22T12:00:00Z"}
    state = State(
        current=CURRENT,
        candidate=Held(id="C", since=NOW),
        previous=Ending(id="A", since=NOW, disabled_at=NOW),
    )
    assert succession.told(state, Next(Step.DELETE, NOW)) == {
        "keyID": "B",
        "candidateKeyID": "C",
        "previousKeyID": "A",
        "previousDisabledAt": "2026-11-22T12:00:00Z",
    }

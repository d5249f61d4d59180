"""Drawings of a report, as numbers for SVG: when keys end, and who uses them. Pure."""

import dataclasses
import datetime
import math
from collections import Counter
from collections.abc import Iterable, Sequence

from credential_operator.api import reports
from credential_operator.cli import documents

WEEKS = 52
SOON = 30
"""Days in which an end is near."""
WIDTH, HEIGHT, TOP, BOTTOM = 900.0, 180.0, 24.0, 30.0
"""Of the timeline, and what of its height is above and below the bars."""
GAP = 3.0
NAMED = 5
"""How many Credentials the title of a bar names."""
LEAST = 3.0
"""How high a bar is at least."""
MOST = 24
"""How many are on each side of the graph."""
STEP, LEFT, RIGHT = 26.0, 330.0, 570.0
"""How far its lines are apart, and where its sides are."""
LONGEST = 42
"""Characters of a name in the graph."""
THICKEST = 6.0
THOUSAND = 1000

Users = tuple[str, str]
"""The namespace and the kind of those who use something."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The keys that end in a week."""

    x: float
    y: float
    width: float
    height: float
    count: str
    style: str
    title: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """When keys end: bars, and the months below them."""

    bars: Sequence[Bar]
    ticks: Sequence[tuple[float, str]]
    width: float = WIDTH
    height: float = HEIGHT
    base: float = HEIGHT - BOTTOM


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One that is used, or those who use it."""

    y: float
    name: str
    about: str
    title: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Who uses what: a path, and how thick it is."""

    path: str
    width: float
    title: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Who uses which keys; `hidden` tells how many Credentials with users are not in it."""

    credentials: Sequence[Node]
    users: Sequence[Node]
    lines: Sequence[Line]
    height: float
    hidden: int
    width: float = WIDTH
    left: float = LEFT
    right: float = RIGHT


# When keys end


def timeline(found: Iterable[reports.Entry], now: datetime.datetime) -> Timeline | None:
    """Draws what ends when: before now, in each of the next weeks, and later; None where nothing ends."""
    slots: dict[int, list[reports.Entry]] = {}
    for one in found:
        end = documents.moment(one.expires_at)
        if end is not None:
            slots.setdefault(_slot(end, now), []).append(one)
    if not slots:
        return None
    most = max(map(len, slots.values()))
    bars = [_bar(number, slots[number], now, most) for number in sorted(slots)]
    return Timeline(bars=bars, ticks=_ticks(now))


def _slot(end: datetime.datetime, now: datetime.datetime) -> int:
    """Gives the week in which something ends: -1 for the past, WEEKS for all that is later."""
    return -1 if end <= now else min((end - now).days // 7, WEEKS)


def _x(number: float) -> float:
    return round((number + 1) * WIDTH / (WEEKS + 2), 1)


def _bar(number: int, ending: Sequence[reports.Entry], now: datetime.datetime, most: int) -> Bar:
    height = max(LEAST, (HEIGHT - TOP - BOTTOM) * len(ending) / most)
    names = [f"{one.namespace}/{one.name}" for one in ending[:NAMED]]
    more = [f"{len(ending) - NAMED} more"] if len(ending) > NAMED else []
    return Bar(
        x=_x(number) + GAP / 2,
        y=round(HEIGHT - BOTTOM - height, 1),
        width=round(WIDTH / (WEEKS + 2) - GAP, 1),
        height=round(height, 1),
        count=_short(len(ending)),
        style="bad" if number < 0 else "warn" if number * 7 < SOON else "far",
        title=f"{_when(number, now)}: {len(ending)} ({', '.join([*names, *more])})",
    )


def _short(count: int) -> str:
    return str(count) if count < THOUSAND else f"{count / THOUSAND:.0f}k"


def _when(number: int, now: datetime.datetime) -> str:
    if number < 0:
        return "ended"
    day = f"{now + datetime.timedelta(weeks=number):%Y-%m-%d}"
    return f"later than {day}" if number == WEEKS else f"week from {day}"


def _ticks(now: datetime.datetime) -> list[tuple[float, str]]:
    """Gives where each month begins, as far from the ends as the words there need."""
    found = [(_x(-1), "ended")]
    for month in range(now.month, now.month + 12):
        first = datetime.datetime(now.year + month // 12, month % 12 + 1, 1, tzinfo=datetime.UTC)
        place = _x((first - now).total_seconds() / (7 * 86400))
        if _x(1.5) < place < _x(WEEKS - 3):
            found.append((place, f"{first:%b}" if first.month > 1 else f"{first:%Y}"))
    return found


# Who uses them


def graph(found: Iterable[reports.Entry]) -> Graph | None:
    """Draws the Credentials that have the most users, and these by namespace and kind; None where there are none."""
    used = sorted(
        (one for one in found if one.users), key=lambda one: (-len(one.users), one.namespace, one.name)
    )
    if not used:
        return None
    shown = sorted(used[:MOST], key=lambda one: (one.namespace, one.name))
    links = {
        (number, group): count
        for number, one in enumerate(shown)
        for group, count in Counter((user.namespace, user.kind) for user in one.users).items()
    }
    groups = _ordered(links)
    places = {group: number for number, group in enumerate(groups)}
    height = STEP * max(len(shown), len(groups)) + STEP
    return Graph(
        credentials=[_used(one, _y(number, len(shown), height)) for number, one in enumerate(shown)],
        users=[_using(group, links, _y(number, len(groups), height)) for number, group in enumerate(groups)],
        lines=[
            _line(
                _y(number, len(shown), height),
                _y(places[group], len(groups), height),
                count,
                f"{shown[number].namespace}/{shown[number].name}: {_in(group, count)}",
            )
            for (number, group), count in links.items()
            if group in places
        ],
        height=height,
        hidden=len(used) - len(shown),
    )


def _ordered(links: dict[tuple[int, Users], int]) -> list[Users]:
    """Gives the groups with the most users, each near to what it uses."""
    weights, places = Counter[Users](), Counter[Users]()
    for (number, group), count in links.items():
        weights[group] += count
        places[group] += number * count
    most = sorted(weights, key=lambda group: (-weights[group], group))[:MOST]
    return sorted(most, key=lambda group: (places[group] / weights[group], group))


def _y(number: int, of: int, height: float) -> float:
    return round(height * (number + 0.5) / of, 1)


def _used(one: reports.Entry, y: float) -> Node:
    name = f"{one.namespace}/{one.name}"
    return Node(y=y, name=_cut(name), about=one.type, title=f"{name} ({one.type}, {one.verdict})")


def _using(group: Users, links: dict[tuple[int, Users], int], y: float) -> Node:
    namespace, kind = group
    count = sum(number for (_, other), number in links.items() if other == group)
    return Node(y=y, name=_cut(_place(namespace)), about=_many(count, kind), title=_in(group, count))


def _in(group: Users, count: int) -> str:
    return f"{_many(count, group[1])} in {_place(group[0])}"


def _place(namespace: str) -> str:
    return namespace or "the cluster"


def _many(count: int, kind: str) -> str:
    return f"{count} {kind}{'' if count == 1 else 's'}"


def _line(left: float, right: float, count: int, title: str) -> Line:
    middle = (LEFT + RIGHT) / 2
    path = f"M{LEFT:g} {left:g}C{middle:g} {left:g} {middle:g} {right:g} {RIGHT:g} {right:g}"
    return Line(path=path, width=round(min(1 + math.log2(count), THICKEST), 1), title=title)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

"""Drawings of a report: what is where, in numbers."""

import datetime

import pytest

from cli import crowd, world
from cli.test_fleet import entry
from credential_operator.api import facts
from credential_operator.cli import charts


def users(*named: tuple[str, str, str]) -> tuple[facts.User, ...]:
    return tuple(facts.User(kind=kind, namespace=namespace, name=name) for kind, namespace, name in named)


def test_ends_are_counted_by_week() -> None:
    ends = [
        world.ago(days=3),
        world.ahead(days=1),
        world.ahead(days=6),
        world.ahead(days=40),
        world.ahead(days=900),
    ]

    drawn = charts.timeline([entry(expires_at=end) for end in [*ends, ""]], world.NOW)

    assert drawn is not None
    assert [(bar.count, bar.style) for bar in drawn.bars] == [
        ("1", "bad"),
        ("2", "warn"),
        ("1", "far"),
        ("1", "far"),
    ]
    assert drawn.bars[0].title == "ended: 1 (team-a/backups)"
    assert drawn.bars[1].title.startswith("week from 2026-11-22: 2 (")
    assert drawn.bars[-1].title.startswith("later than 2027-11-21: 1")
    assert [bar.x for bar in drawn.bars] == sorted(bar.x for bar in drawn.bars)
    assert all(bar.x >= 0 and bar.x + bar.width <= drawn.width for bar in drawn.bars)
    assert max(bar.height for bar in drawn.bars) == drawn.base - charts.TOP


def test_a_bar_names_a_few_and_counts_the_rest() -> None:
    drawn = charts.timeline(
        [entry(f"c-{number}", expires_at=world.ahead(days=1)) for number in range(1200)], world.NOW
    )

    assert drawn is not None
    (bar,) = drawn.bars
    assert bar.title.endswith("team-a/c-4, 1195 more)")
    assert bar.count == "1k"


@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_that_has_room_is_named_once(month: int) -> None:
    now = datetime.datetime(2026, month, 15, tzinfo=datetime.UTC)

    drawn = charts.timeline([entry(expires_at=world.ahead(days=1))], now)

    assert drawn is not None
    names = [name for _, name in drawn.ticks]
    assert len(names) == len(set(names))
    assert 11 <= len(names) <= 13
    assert ("2027" in names) or month in (1, 12)
    places = [place for place, _ in drawn.ticks]
    assert places == sorted(places)


def test_where_nothing_ends_nothing_is_drawn() -> None:
    assert charts.timeline([entry()], world.NOW) is None


def test_users_are_grouped_by_namespace_and_kind() -> None:
    drawn = charts.graph(
        [
            entry("one", users=users(("Deployment", "team-a", "a"), ("Deployment", "team-a", "b"))),
            entry("two", users=users(("CronJob", "team-b", "c"), ("ClusterIssuer", "", "d"))),
            entry("unused"),
        ]
    )

    assert drawn is not None
    assert [(node.name, node.about) for node in drawn.credentials] == [
        ("team-a/one", "s3"),
        ("team-a/two", "s3"),
    ]
    assert {(node.name, node.about) for node in drawn.users} == {
        ("team-a", "2 Deployments"),
        ("team-b", "1 CronJob"),
        ("the cluster", "1 ClusterIssuer"),
    }
    assert [line.title for line in drawn.lines] == [
        "team-a/one: 2 Deployments in team-a",
        "team-a/two: 1 CronJob in team-b",
        "team-a/two: 1 ClusterIssuer in the cluster",
    ]
    assert drawn.lines[0].width > drawn.lines[1].width
    assert drawn.hidden == 0


def test_of_many_those_with_the_most_users_are_drawn() -> None:
    shared = entry("shared", users=users(*(("Pod", f"team-{number}", "a") for number in range(40))))
    drawn = charts.graph([*crowd.report(400).credentials, shared])

    assert drawn is not None
    assert drawn.credentials[0].name == "team-a/shared"
    assert len(drawn.credentials) == len(drawn.users) == charts.MOST
    assert drawn.hidden > 200
    assert len(drawn.lines) < 40 + charts.MOST * charts.MOST
    assert all(0 < node.y < drawn.height for node in (*drawn.credentials, *drawn.users))
    assert all(line.width <= charts.THICKEST for line in drawn.lines)


def test_a_long_name_is_cut_and_told_whole() -> None:
    drawn = charts.graph([entry("n" * 63, users=users(("Pod", "team-a", "a")))])

    assert drawn is not None
    assert len(drawn.credentials[0].name) == charts.LONGEST
    assert "n" * 63 in drawn.credentials[0].title


def test_where_nobody_uses_any_nothing_is_drawn() -> None:
    assert charts.graph([entry()]) is None

"""The figures as a table for people and as JSON for programs."""

import datetime
import os
import platform
from collections.abc import Iterable
from typing import Any

from bench.goals import Figure

HEADINGS = ("", "measured", "goal", "")


def table(figures: Iterable[Figure]) -> str:
    """Lays the figures out, grouped by run, each beside its goal."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    group = None
    for figure in figures:
        if figure.group != group:
            group = figure.group
            rows.append((group,))
        rows.append(_row(figure))
    widths = [max(len(row[column]) for row in rows if len(row) > 1) for column in range(len(HEADINGS))]
    return "\n".join(_line(row, widths) for row in rows)


def _row(figure: Figure) -> tuple[str, ...]:
    goal = figure.goal
    judged = "" if goal is None else "ok" if goal.met(figure.value) else "MISSED"
    shown = f"{_number(figure.value)} {figure.unit}".rstrip()
    return f"  {figure.title}", shown, "" if goal is None else str(goal), judged


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    if len(row) == 1:
        return f"\n{row[0]}"
    title, measured, goal, judged = row
    return f"{title:<{widths[0]}}  {measured:>{widths[1]}}  {goal:>{widths[2]}}  {judged}".rstrip()


def _number(value: float) -> str:
    if value == round(value):
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def document(figures: Iterable[Figure], missed: Iterable[str], *, seconds: float) -> dict[str, Any]:
    """Gives the figures with their goals, and what they were measured on."""
    return {
        "measuredAt": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(seconds, 1),
        "machine": {
            "cpus": os.cpu_count(),
            "load": [round(load, 2) for load in os.getloadavg()],
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "figures": [_entry(figure) for figure in figures],
        "missed": list(missed),
    }


def _entry(figure: Figure) -> dict[str, Any]:
    goal = figure.goal
    judged = (
        {} if goal is None else {"goal": goal.limit, "bound": goal.bound.name, "met": goal.met(figure.value)}
    )
    return {
        "group": figure.group,
        "name": figure.name,
        "title": figure.title.strip(),
        "value": round(figure.value, 4),
        "unit": figure.unit,
        **judged,
    }

"""Plays all scripts: the situations of the keys at once, then one fault after the other."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from verdicts import situations, stage
from verdicts.script import Case, Json, Script
from verdicts.situations import ACCEPTED, Situation, Verdict
from verdicts.stage import Row, Stage

SETTLED = 120.0
"""Seconds until everything must have been said."""
CONFIRMED = 180.0
"""The same, where there are refusals: they take 30 to be believed."""
POLL = 1.0
NOTHING = Verdict("Unknown Absent", "Unknown Absent", published=False)

Say = Callable[[str], object]


class Play(NamedTuple):
    """A situation that is played before a row's stand-in."""

    row: Row
    situation: Situation

    @property
    def possible(self) -> bool:
        """Whether the type can come into it."""
        return self.row.script.expected(self.situation) is not None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one type's Credential says in one situation, and was to say; None where that cannot be.

    `after` is what it says when a fault that had left it undecided is over.
    """

    script: Script
    situation: Situation
    actual: Verdict | None = None
    after: Verdict | None = None

    @property
    def expected(self) -> Verdict | None:
        """What is to be said."""
        return self.script.expected(self.situation)

    @property
    def recovers(self) -> bool:
        """Whether it is to be accepted, by itself, when the fault is over."""
        return self.situation.fault is not None and self.expected == self.situation.verdict

    @property
    def wrong(self) -> bool:
        """Whether something else is said than was to be."""
        return self.actual != self.expected or (self.recovers and self.after != ACCEPTED)

    @property
    def name(self) -> str:
        """The name of its Credential."""
        return f"{self.script.slug}-{self.situation.slug}"


def play(scripts: Sequence[Script], say: Say) -> list[Cell]:
    """Plays everything; gives all cells, by script and situation."""
    say("starting a control plane, the operator, and a stand-in of every provider")
    with stage.started(scripts) as started:
        plays = [Play(row, situation) for row in started.rows for situation in row.played]
        calm = [one for one in plays if one.row.apart or not one.situation.fault]
        say("all situations of keys and configs")
        with _troubled(calm):
            cells = _phase(started, "verdicts", calm, seconds=CONFIRMED)
        for situation in (one for one in situations.ALL if one.fault):
            say(situation.name)
            chosen = [one for one in plays if one.situation == situation and not one.row.apart]
            with _troubled(chosen):
                found = _phase(started, situation.slug, chosen, seconds=SETTLED)
            cells += _recovered(started, situation.slug, found)
    order = {situation.name: number for number, situation in enumerate(situations.ALL)}
    return sorted(cells, key=lambda cell: (scripts.index(cell.script), order[cell.situation.name]))


@contextlib.contextmanager
def _troubled(plays: Iterable[Play]) -> Iterator[None]:
    """Puts every provider in trouble whose situation is a fault that it can have."""
    faulty = [(play.row.emulator, play.situation.fault) for play in plays if play.possible]
    for emulator, fault in faulty:
        if emulator and fault:
            fault(emulator.faults)
    yield
    for emulator, fault in faulty:
        if emulator and fault:
            emulator.faults.clear()


def _phase(started: Stage, namespace: str, plays: Sequence[Play], *, seconds: float) -> list[Cell]:
    """Makes a Credential for each cell, and waits until all say what they should, or the time is over."""
    cells = [Cell(script=play.row.script, situation=play.situation) for play in plays]
    made = [
        stage.documents(cell.name, cell.script, _case(started, play), timeout=cell.situation.timeout)
        for cell, play in zip(cells, plays, strict=True)
        if cell.expected
    ]
    started.plane.kubectl("create", "namespace", namespace)
    items = [*(secret for secret, _ in made), *(credential for _, credential in made)]
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    started.plane.kubectl("create", "--filename=-", f"--namespace={namespace}", input=manifest)
    wanted = {cell.name: cell.expected for cell in cells if cell.expected}
    seen = _settle(started, namespace, wanted, seconds=seconds)
    return [dataclasses.replace(cell, actual=seen.get(cell.name)) for cell in cells]


def _case(started: Stage, play: Play) -> Case:
    """Gives what is prepared for a situation, or the good key; a stranger stands at another address."""
    row, situation = play
    if situation.prepared:
        return row.cases[situation.name]
    good = row.cases["good"]
    if not (situation.stranger and row.emulator):
        return good
    # A URL or, as of a registry, what comes behind its scheme.
    here, there = (url.partition("//")[2] for url in (row.emulator.url, started.stranger.url))
    moved = json.dumps(good.config).replace(here, there)
    return dataclasses.replace(good, config=json.loads(moved))


def _recovered(started: Stage, namespace: str, cells: Sequence[Cell]) -> list[Cell]:
    """Waits until what was undecided is accepted, now that nothing is in the way."""
    wanted = {cell.name: ACCEPTED for cell in cells if cell.recovers}
    seen = _settle(started, namespace, wanted, seconds=SETTLED)
    started.plane.kubectl("delete", "credentials", "--all", "--wait=false", f"--namespace={namespace}")
    return [dataclasses.replace(cell, after=seen.get(cell.name)) for cell in cells]


def _settle(
    started: Stage, namespace: str, wanted: Mapping[str, Verdict], *, seconds: float
) -> dict[str, Verdict]:
    """Gives what Credentials say once each says what is wanted, or when the time is over.

    All say it at once, but for the undecided: the operator tries those again, and each try may say more.
    """
    deadline = time.monotonic() + seconds
    kept: dict[str, Verdict] = {}
    while True:
        seen = _seen(started, namespace)
        said = {name: verdict for name, verdict in wanted.items() if seen.get(name) == verdict}
        kept |= {name: verdict for name, verdict in said.items() if verdict.undecided}
        if (kept | said).keys() == wanted.keys() or time.monotonic() > deadline:
            return {name: kept.get(name, seen.get(name, NOTHING)) for name in wanted}
        time.sleep(POLL)


def _seen(started: Stage, namespace: str) -> dict[str, Verdict]:
    """Reads all Credentials, and which targets there are."""
    options = (f"--namespace={namespace}", "--output=json")
    found = json.loads(started.plane.kubectl("get", "credentials,secrets", *options).stdout)["items"]
    secrets = {
        one["metadata"]["name"]: True if one.get("data") else None for one in found if one["kind"] == "Secret"
    }
    credentials = [one for one in found if one["kind"] == "Credential"]
    return {one["metadata"]["name"]: _verdict(one, secrets) for one in credentials}


def _verdict(document: Json, secrets: Mapping[str, bool | None]) -> Verdict:
    conditions = {
        one["type"]: f"{one['status']} {one['reason']}"
        for one in document.get("status", {}).get("conditions", ())
    }
    published = secrets.get(stage.target(document["metadata"]["name"]), False)
    return Verdict(
        conditions.get("Validated", NOTHING.validated), conditions.get("Ready", NOTHING.ready), published
    )

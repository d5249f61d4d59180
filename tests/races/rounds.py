"""One round: so many programs at a time, in namespaces of their own, under one weather; then what came of it."""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence

from cluster import sites
from races import actors, ending, given, history, invariants, leading, lent, programs, weather
from races.api import Api
from races.history import History, Name
from races.programs import Program
from races.scene import Scene
from races.stage import Stage, lasting
from races.weather import Weather

SETTLED = 400.0
"""Seconds after which everything must be as it should be, when nothing befalls the operator any more."""
EMPTY = 400.0
LOOK = 0.3

Unsettled = dict[str, list[str]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A program that ended in a broken promise: all that is needed to see why."""

    seed: int
    number: int
    program: Program
    broken: Sequence[str]
    said: Sequence[str]
    story: history.Story
    log: Sequence[str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a round."""

    weather: Weather
    seconds: float
    settled: float
    released: int
    failures: Sequence[Failure]


class Round:
    """The programs and the weather of a seed."""

    def __init__(
        self, stage: Stage, api: Api, past: History, *, seed: int, count: int, theme: str = ""
    ) -> None:
        self._stage = stage
        self._api = api
        self._past = past
        self._seed = seed
        self.weather = weather.draw(seed)
        self._programs = [
            programs.draw(f"{seed}/{number}", seconds=self.weather.seconds, theme=theme)
            for number in range(count)
        ]
        self._outstaying: Unsettled = {}
        self._scenes = [Scene(api, f"race-{seed}-{number}") for number in range(count)]

    async def run(self) -> Outcome:
        """Plays everything, waits until all is calm, and judges."""
        await asyncio.to_thread(self._stage.prepare, self.weather.clocks, self.weather.shards)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._befall())
            for scene, program in zip(self._scenes, self._programs, strict=True):
                group.create_task(actors.play(scene, program))
        await asyncio.to_thread(self._stage.calm)
        calm = time.monotonic()
        broken = await self._until(self._unsettled, SETTLED)
        settled = time.monotonic() - calm
        # Before everything is deleted, and the traces with it.
        self._outstaying = self._each(lambda scene: lent.outstaying(self._past.story(scene.namespaces)))
        for namespace, left in (await self._until(self._left, EMPTY, clear=True)).items():
            broken.setdefault(namespace, []).extend(left)
        released = self._judge(broken)
        failures = list(self._failures(broken))
        self._past.forget(name for scene in self._scenes for name in scene.namespaces)
        return Outcome(
            weather=self.weather,
            seconds=time.monotonic() - began,
            settled=settled,
            released=released,
            failures=failures,
        )

    async def _befall(self) -> None:
        began = time.monotonic()
        for moment, gust, begins in lasting(self.weather):
            await asyncio.sleep(began + moment - time.monotonic())
            await asyncio.to_thread(self._stage.befall if begins else self._stage.abate, gust)
        await asyncio.sleep(began + self.weather.seconds - time.monotonic())

    async def _until(
        self, find: Callable[[], Unsettled], seconds: float, *, clear: bool = False
    ) -> Unsettled:
        """Waits until nothing is wrong, or the time is over; gives what is."""
        end = time.monotonic() + seconds
        found = find()
        while found and time.monotonic() < end:
            if clear:
                await asyncio.gather(
                    *(
                        actors.leave_nothing(self._api, self._standing(scene))
                        for scene in self._scenes
                        if scene.namespace in found
                    )
                )
            await asyncio.sleep(LOOK)
            self._api.check()
            found = find()
        return found

    def _unsettled(self) -> Unsettled:
        """Gives what is not as it has to be, by namespace."""
        now, tolerance = time.time(), self.weather.tolerance
        return self._each(lambda scene: ending.unsettled(self._standing(scene), now=now, tolerance=tolerance))

    def _left(self) -> Unsettled:
        """Gives what is still there when everything was deleted."""
        return self._each(
            lambda scene: (
                f"{one.kind} {one.name} is still there"
                for one, event in self._standing(scene).items()
                if one.kind not in (history.NAMESPACES, history.SECRETS) or event.written
            )
        )

    def _each(self, find: Callable[[Scene], Iterator[str]]) -> Unsettled:
        found = {scene.namespace: list(find(scene)) for scene in self._scenes}
        return {namespace: wrong for namespace, wrong in found.items() if wrong}

    def _standing(self, scene: Scene) -> dict[Name, history.Event]:
        return history.standing(self._past.story(scene.namespaces))

    def _judge(self, broken: Unsettled) -> int:
        """Adds what was done that must not be; gives how many Credentials went."""
        released = 0
        usurped = list(self._usurped())
        for scene in self._scenes:
            story = self._past.story(scene.namespaces)
            released += sum(
                event.kind == history.CREDENTIALS and event.type == history.DELETED for event in story
            )
            wrong = [
                *invariants.released_too_soon(story, tolerance=self.weather.tolerance),
                *lent.broken(story),
                *given.broken(story),
                *given.released_in_use(story),
                *self._outstaying.get(scene.namespace, ()),
                *(what for namespace, what in usurped if namespace in scene.namespaces),
            ]
            if wrong:
                broken.setdefault(scene.namespace, []).extend(wrong)
        return released

    def _usurped(self) -> Iterator[tuple[str, str]]:
        """Says in which namespaces a replica wrote that did not lead."""
        if not any(self.weather.clocks):
            installed = self._past.story([sites.NAMESPACE])
            yield from leading.broken(self._stage.writes(self.weather), installed, count=self.weather.shards)

    def _failures(self, broken: Unsettled) -> Iterator[Failure]:
        for number, scene in enumerate(self._scenes):
            if wrong := broken.get(scene.namespace):
                yield Failure(
                    seed=self._seed,
                    number=number,
                    program=self._programs[number],
                    broken=wrong,
                    said=scene.said,
                    story=self._past.story(scene.namespaces),
                    log=self._stage.said(scene.namespaces),
                )

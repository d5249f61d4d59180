"""Weather: what befalls the operator while programs are played, drawn from a seed. Pure.

It is the same for all programs of a round, for they share one installation.
"""

import dataclasses
import random
from collections.abc import Callable

STALE = 30.0
"""Seconds for which a watch says nothing."""
TAKEN_OVER = 18.0
"""Seconds after which another replica leads at the latest, when the leader was killed."""
SKEW = 300.0
"""Seconds by which clocks are off."""
SHARDS = 3
"""More than there are replicas: each has one at least, and one has two."""
KINDS = ("/credentials$", "/credentialreferences$", "/secrets$", "/credential")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gust:
    """One thing that befalls the operator at a moment of the round, for so many seconds.

    `replica` is the number of the one that it befalls, of two; `what` is a path or a count, as the kind needs.
    """

    at: float
    kind: str
    seconds: float = 0.0
    replica: int = 0
    what: str = ""
    probability: float = 1.0

    def __str__(self) -> str:
        return f"{self.at:.2f} s: {self.kind} {self.what} (replica {self.replica + 1}, {self.seconds:.1f} s)"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How long a round lasts, how many replicas it has, how far their clocks are ahead, and what befalls them.

    They share the work by so many `shards`.
    """

    climate: str
    seconds: float
    clocks: tuple[float, ...]
    gusts: tuple[Gust, ...]
    shards: int = 1

    @property
    def tolerance(self) -> float:
        """Seconds by which the operator's clock may differ from ours, with what its writes take."""
        return 2.0 + max(map(abs, self.clocks))


def draw(seed: int) -> Weather:
    """Draws the weather of a round; rounds whose seeds follow each other have every climate in turn."""
    climates = sorted(CLIMATES)
    return CLIMATES[climates[seed % len(climates)]](random.Random(f"weather {seed}"))


def _slow(source: random.Random) -> Weather:
    """Answers are late or lost, writes are late or refused, and watches break."""
    seconds = 12.0
    gusts = [
        Gust(at=0.0, kind="delay", seconds=0.4, what="/credentialreferences/[^/]+/status$", probability=0.3),
        Gust(at=0.0, kind="delay", seconds=0.4, what="/secrets/", probability=0.3),
        Gust(at=0.0, kind="delay", seconds=0.4, what="/credentials/", probability=0.2),
        Gust(at=0.0, kind="answer late", seconds=0.6, what="/credential", probability=0.15),
        Gust(at=0.0, kind="answer late", seconds=0.6, what="/secrets", probability=0.15),
        Gust(
            at=0.0, kind="lose answers", what="/(credentials|credentialreferences|secrets)", probability=0.1
        ),
        Gust(at=0.0, kind="conflict", what="/credential", probability=0.1),
    ]
    gusts += [
        Gust(at=source.uniform(1.0, seconds), kind=source.choice(("cut watches", "expire watches")))
        for _ in range(4)
    ]
    return _weather("slow", seconds, gusts, (0.0,))


def _killed(source: random.Random) -> Weather:
    """The operator is killed between two writes, again and again."""
    seconds, moment, gusts = 14.0, 0.3, []
    while moment < seconds - 1.0:
        count = str(source.randint(1, 40))
        gusts.append(
            Gust(at=moment, kind="kill after writes", what=count, seconds=source.choice((0.0, 0.0, 0.8)))
        )
        moment += source.uniform(1.5, 3.0)
    gusts.append(Gust(at=0.0, kind="delay", seconds=0.2, what="/credential", probability=0.2))
    return _weather("killed", seconds, gusts, (0.0,))


def _led(source: random.Random) -> Weather:
    """The leader stops, is killed or stands still, and another takes over, whose clock differs by ten minutes."""
    seconds = TAKEN_OVER + 5.0
    first = source.choice(("kill", "stand still", "stand still"))
    gusts = [
        Gust(at=0.5, kind="stop", replica=1, seconds=0.5),
        Gust(at=source.uniform(2.0, 4.0), kind=first, seconds=TAKEN_OVER),
        Gust(
            at=source.uniform(1.0, 6.0),
            kind="hold watches",
            seconds=8.0,
            replica=1,
            what=source.choice(KINDS),
        ),
        Gust(at=seconds - 1.5, kind="stop", replica=1, seconds=0.5),
        Gust(at=0.0, kind="delay", seconds=0.3, what="/credential", probability=0.2, replica=1),
    ]
    clocks = source.choice(((0.0, 0.0), (SKEW, -SKEW), (-SKEW, SKEW)))
    return _weather("led by another", seconds, gusts, clocks)


def _stale(source: random.Random) -> Weather:
    """What the leader knows is half a minute old, in part, and so is what its successor knows."""
    kinds = source.sample(KINDS, 2)
    gusts = [
        Gust(at=0.5, kind="hold watches", seconds=STALE, what=kinds[0]),
        Gust(at=source.uniform(1.0, 4.0), kind="hold watches", seconds=STALE - 5.0, replica=1, what=kinds[1]),
        Gust(at=source.uniform(8.0, 16.0), kind="stop", seconds=2.0),
        Gust(at=source.uniform(18.0, 28.0), kind="stop", replica=1, seconds=2.0),
    ]
    return _weather("stale", STALE + 2.0, gusts, (0.0, 0.0))


def _shared(source: random.Random) -> Weather:
    """Two replicas share the work: shards change hands in order, without it, and while writes are under way."""
    seconds = TAKEN_OVER + 8.0
    first, second = source.sample((0, 1), 2)
    gusts = [
        # One that comes back asks the other for its share.
        Gust(at=source.uniform(0.5, 2.0), kind="stop", seconds=0.5, replica=second),
        Gust(
            at=source.uniform(5.0, 7.0),
            kind=source.choice(("kill", "stand still")),
            seconds=source.choice((0.5, TAKEN_OVER)),
            replica=first,
        ),
        Gust(at=seconds - 1.0, kind="stop", seconds=0.5, replica=second),
    ]
    for number in (0, 1):
        gusts += [
            Gust(at=0.0, kind="delay", seconds=0.4, what="/leases/", probability=0.2, replica=number),
            Gust(at=0.0, kind="delay", seconds=0.4, what="/credential", probability=0.2, replica=number),
            Gust(at=0.0, kind="answer late", seconds=0.6, what="/secrets", probability=0.15, replica=number),
            Gust(
                at=source.uniform(0.0, 12.0), kind="hold watches", seconds=5.0, replica=number, what=KINDS[3]
            ),
        ]
    return _weather("shared", seconds, gusts, (0.0, 0.0), shards=SHARDS)


CLIMATES: dict[str, Callable[[random.Random], Weather]] = {
    "killed": _killed,
    "led by another": _led,
    "shared": _shared,
    "slow": _slow,
    "stale": _stale,
}


def _weather(
    climate: str, seconds: float, gusts: list[Gust], clocks: tuple[float, ...], *, shards: int = 1
) -> Weather:
    ordered = tuple(sorted(gusts, key=lambda gust: gust.at))
    return Weather(climate=climate, seconds=seconds, clocks=clocks, gusts=ordered, shards=shards)

"""What it takes to renew short-lived keys: a thousand of a minute stand for ten thousand of an hour.

Keys of a minute are renewed by the same rule as keys of an hour, and so often that a round of all takes half a
minute. What ten thousand of an hour take is reckoned from what one renewal took.
"""

import asyncio
import collections
import dataclasses
import datetime
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from bench import arena, casts, documents, phases
from bench.arena import Arena, Usage, say
from bench.goals import Figure
from bench.phases import MIB
from credential_operator import process, renewal

EXPIRES = "credential-operator.io/expires-at"
TARGET = {"format": "env", "issue": {"kind": "SessionToken", "duration": "15m"}}
"""The shortest session that AWS opens; the STS of the bench lets it end sooner."""
KEYS, LIFE = 10_000, 3600.0
"""What is reckoned for: so many keys, of so many seconds."""
INTERVALS = 10
"""Into how many intervals a round is cut, to find the busiest."""

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many keys, how many seconds each lasts, and for how many such lives they are renewed."""

    keys: int
    life: float
    lives: int

    @property
    def seconds(self) -> float:
        """How long renewals are counted."""
        return self.life * self.lives

    @property
    def round(self) -> float:
        """Seconds in which every key is renewed once, on the average."""
        return _renewed_after(self.life)

    @property
    def group(self) -> str:
        """What its figures stand under."""
        return f"{self.keys:,} keys of {self.life:g} s, for {self.lives} lives"


class Renewal(NamedTuple):
    """A new key in a target: when it was seen, and when the one before was to be renewed at the latest."""

    at: float
    target: documents.Key
    latest: float

    @property
    def late(self) -> float:
        """Seconds after that moment."""
        return max(0.0, self.at - self.latest)


class Renewals:
    """All new keys of so many seconds, by what the targets say."""

    def __init__(self, life: float) -> None:
        self.made: list[Renewal] = []
        self._remaining = life - _renewed_after(life, jitter=1)
        self._held: dict[documents.Key, tuple[str, float]] = {}

    def see(self, secret: Json, now: float) -> None:
        """Takes in a target."""
        metadata = secret["metadata"]
        target = (metadata["namespace"], metadata["name"])
        key_id = secret["data"]["AWS_ACCESS_KEY_ID"]
        ends = datetime.datetime.fromisoformat(metadata["annotations"][EXPIRES])
        lasts = (ends - datetime.datetime.now(datetime.UTC)).total_seconds()
        before, self._held[target] = self._held.get(target), (key_id, now + lasts - self._remaining)
        if before is not None and before[0] != key_id:
            self.made.append(Renewal(now, target, before[1]))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """What it took from the moment on in which every key was there, for as long as the plan says."""

    plan: Plan
    began: float
    renewals: list[Renewal]
    used: Usage
    memory: int

    def busiest(self, since: float, until: float) -> float:
        """Gives the renewals of the busiest interval between two moments, times what it is on the average."""
        each = self.plan.round / INTERVALS
        moments = [one.at - self.began for one in self.renewals]
        counts = collections.Counter(int((at - since) / each) for at in moments if since <= at < until)
        return max(counts.values()) / (len(self.renewals) * each / self.plan.seconds)

    @property
    def of_one(self) -> int:
        """How often the key was renewed that was renewed most often."""
        return max(collections.Counter(one.target for one in self.renewals).values())


def _renewed_after(life: float, jitter: float = 0.5) -> float:
    """Gives the seconds after which a key of this life is renewed, on the average or by another jitter."""
    made = datetime.datetime.now(datetime.UTC)
    return (renewal.due_at(made, made + datetime.timedelta(seconds=life), jitter) - made).total_seconds()


def measured(plan: Plan, options: arena.Options) -> Renewed:
    """Makes the run."""
    say(f"== {plan.group}")
    return process.run(_run(plan, options))


async def _run(plan: Plan, options: arena.Options) -> Renewed:
    async with arena.opened("aws", options, keys=plan.keys) as place:
        if place.sts is None:
            raise RuntimeError("this load has an STS")
        place.sts.limit_sessions(plan.life)
        renewals = Renewals(plan.life)
        await place.start()
        async with place.client.watching("/api/v1/secrets", renewals.see, phases.OWNED):
            await _create(place, plan)
            before, began = await Usage.now(place), time.monotonic()
            while (now := time.monotonic()) < began + plan.seconds:
                say(f"{len(renewals.made)} renewals in {now - began:.0f} s")
                await asyncio.sleep(min(30, began + plan.seconds - now))
            renewed = Renewed(
                plan=plan,
                began=began,
                renewals=[one for one in renewals.made if one.at >= began],
                used=await Usage.now(place) - before,
                memory=place.operator.resident_bytes(peak=True),
            )
        await place.stop()
        return renewed


async def _create(place: Arena, plan: Plan) -> None:
    """Creates all Credentials together, and waits until each has its first key."""
    parts = [_short_lived(place.cast(number)) for number in range(plan.keys)]
    await phases.create_sources(place, parts)
    ready, began = phases.Readiness(plan.keys), time.monotonic()
    async with place.client.watching(phases.COLLECTION, ready.see):
        await place.client.send_all(
            ("POST", documents.CREDENTIALS.format(where[0]), documents.credential(where, part))
            for where, part in ((documents.key(number), part) for number, part in enumerate(parts))
        )
        async with asyncio.timeout(60 + plan.keys / phases.SLOWEST):
            await ready.all.wait()
    say(f"every key is there after {time.monotonic() - began:.1f} s")


def _short_lived(part: casts.Part) -> casts.Part:
    return dataclasses.replace(part, target=TARGET)


def figures(found: Renewed) -> Iterator[Figure]:
    """Gives all figures, in the order of the table."""
    plan, used, number = found.plan, found.used, len(found.renewals)
    lives = plan.keys * plan.lives
    each = used.operator / number

    def figure(name: str, title: str, value: float, unit: str = "") -> Figure:
        return Figure(group=plan.group, name=f"renewals.{name}", title=title, value=value, unit=unit)

    yield figure("rate", "renewals per second", number / plan.seconds, "/s")
    yield figure("calls", "provider calls per key, times the fewest there can be", found.used.calls / lives)
    yield figure("of_one", "renewals of the key that had most, times that", found.of_one / plan.lives)
    late = phases.quantile([one.late for one in found.renewals], 0.99)
    yield figure("late", "later than the latest moment by the rule, 99 of 100", late, "s")
    of_round = f"busiest {plan.round / INTERVALS:.1f} s, times the average"
    yield figure("first", f"{of_round}, in the first round", found.busiest(0, plan.life))
    last = plan.seconds - 2 * plan.round
    yield figure("busiest", f"{of_round}, in the last two rounds", found.busiest(last, plan.seconds))
    requests = used.requests.single
    yield figure("requests", "API requests per renewal", sum(requests.values()) / number)
    for kind, count in requests.items():
        yield figure(f"requests.{kind}", f"  {kind}", count / number)
    yield figure("cpu", "operator CPU per renewal", each * 1000, "ms")
    yield figure("api_server", "API server CPU per renewal", used.api_server / number * 1000, "ms")
    yield figure("share", "operator CPU, share of the API server's", used.operator / used.api_server)
    yield figure("others", "CPU used by others on this machine meanwhile", used.others, "s")
    yield figure("memory", "resident memory, peak", found.memory / MIB, "MiB")
    reckoned = each * KEYS / _renewed_after(LIFE) * 100
    yield figure("core", f"of one core, reckoned for {KEYS:,} keys of an hour", reckoned, "%")

"""Which runs there are, and which figures follow from what they measured."""

import collections
import dataclasses
import statistics
from collections.abc import Callable, Iterator, Mapping

from bench import arena, phases
from bench.arena import say
from bench.goals import Figure
from bench.phases import MIB, Created, Restarted, quantile
from credential_operator import process


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure: sizes ascending; how many Credentials are touched and changed at the largest.

    `turns`: how often the baseline is measured, in turns with the operator.
    """

    sizes: tuple[int, ...]
    turns: int
    touched: int
    changed: int


@dataclasses.dataclass(slots=True)
class Measured:
    """All that was measured; `created` has every run of a load at a size.

    `validated`: milliseconds of CPU that one validation takes in the thread of the call, by type.
    """

    created: dict[tuple[str, int], list[Created]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(list)
    )
    validated: Mapping[str, float] = dataclasses.field(default_factory=dict)
    touched: tuple[int, float] | None = None
    changes: list[float] = dataclasses.field(default_factory=list)
    restarted: Restarted | None = None


def measure(plan: Plan, options: arena.Options) -> Measured:
    """Makes all runs, one after the other."""
    measured = Measured()
    largest = plan.sizes[-1]
    for load, size in _order(plan):
        say(f"== {load}, {size} Credentials")
        whole = load == "aws" and size == largest
        process.run(_run(load, size, plan=plan, options=options, measured=measured, whole=whole))
        found = measured.created[load, size][-1]
        say(
            f"{found.per_second:.0f}/s, {found.operator / size * 1000:.2f} ms of operator CPU each, "
            f"{found.resident / MIB:.0f} MiB"
        )
    return measured


def _order(plan: Plan) -> Iterator[tuple[str, int]]:
    """Gives load and size of each run.

    Machines change their pace: the smallest and the baseline take turns, and it comes once more at the end.
    """
    for size in plan.sizes:
        turns = plan.turns if size == plan.sizes[0] else 0
        yield "unchecked", size
        for turn in range(turns):
            yield "plain", size
            if turn < turns - 1:
                yield "unchecked", size
        yield "aws", size
    yield "mixed", plan.sizes[0]
    if len(plan.sizes) > 1:
        yield "unchecked", plan.sizes[0]


async def _run(
    load: str, size: int, *, plan: Plan, options: arena.Options, measured: Measured, whole: bool
) -> None:
    async with arena.opened(load, options, keys=size + plan.changed) as place:
        await place.start()
        measured.created[load, size].append(await phases.create(place, size))
        if load == "mixed":
            measured.validated = phases.validated(place)
        if whole:
            say(f"touching {plan.touched} Credentials")
            measured.touched = plan.touched, await phases.touch(place, size, count=plan.touched)
            say(f"changing {plan.changed} source Secrets, one after the other")
            measured.changes = await phases.change(place, size, count=plan.changed)
            say("restarting")
            measured.restarted = await phases.restart(place, size)
        await place.stop()


def figures(measured: Measured) -> Iterator[Figure]:
    """Gives all figures, in the order of the table; of runs that were repeated, those of the quickest."""
    quickest = {
        run: min(repeated, key=lambda found: found.seconds) for run, repeated in measured.created.items()
    }
    for (load, size), found in quickest.items():
        yield from _created(load, f"{load} {size:,}", found)
    yield from _compared(measured.created)
    yield from _grown(measured.created)
    yield from _validated(quickest)
    yield from _validated_by_type(measured.validated)
    if measured.touched is not None:
        count, writes = measured.touched
        yield Figure(
            group=f"{count} touched", name="quiet.writes", title="writes where nothing changes", value=writes
        )
    if measured.changes:
        yield from _changed(measured.changes)
    if measured.restarted is not None:
        yield from _restarted(measured.restarted)


def _created(load: str, group: str, found: Created) -> Iterator[Figure]:
    # The baseline has no goals, and a provider call has its own.
    subject = {"plain": "baseline", "unchecked": "operator"}.get(load, load)
    each = found.size

    def figure(name: str, title: str, value: float, unit: str = "", *, of: str = subject) -> Figure:
        return Figure(group=group, name=f"{of}.{name}", title=title, value=value, unit=unit)

    counted = subject if load == "plain" else "operator"
    yield figure("seconds", "until all are Ready", found.seconds, "s")
    yield figure("rate", "Credentials per second", found.per_second, "/s")
    yield figure("pace", "machine's pace: CPU for a piece of work, always the same", found.pace, "ms")
    yield figure("p50", "creation to Ready, p50", found.p50, "s")
    yield figure("p99", "creation to Ready, p99", found.p99, "s")
    requests = found.requests.single
    yield figure("requests", "API requests per Credential", sum(requests.values()) / each, of=counted)
    for kind, count in requests.items():
        yield figure(f"requests.{kind}", f"  {kind}", count / each)
    for kind, count in found.requests.lasting.items():
        yield figure(f"lasting.{kind}", f"  {kind}, in all", count)
    if load != "plain":
        yield figure("passes", "passes of the operator per Credential", found.passes / each)
    yield figure("cpu", "operator CPU per Credential", found.operator / each * 1000, "ms")
    yield figure("api_server", "API server CPU per Credential", found.api_server / each * 1000, "ms")
    yield figure("share", "operator CPU, share of the API server's", found.operator / found.api_server)
    yield figure("plane", "control plane CPU per Credential", found.plane / each * 1000, "ms")
    yield figure("others", "CPU used by others on this machine meanwhile", found.others, "s")
    yield figure("memory", "resident memory", found.resident / MIB, "MiB", of=counted)
    yield figure("peak", "resident memory, peak", found.peak / MIB, "MiB")


def _compared(created: Mapping[tuple[str, int], list[Created]]) -> Iterator[Figure]:
    """Compares the baseline's runs with those that took turns with them, each at its machine's pace."""
    for (load, size), theirs in created.items():
        if load == "plain":
            ours = created["unchecked", size][: len(theirs)]
            title = f"rate at {size:,}, times the baseline's"
            yield _ratio("speedup", title, ours, theirs, lambda found: found.paced)
            title = "operator CPU, share of the baseline's"
            yield _ratio("cpu", title, ours, theirs, lambda found: found.paced_operator)


def _grown(created: Mapping[tuple[str, int], list[Created]]) -> Iterator[Figure]:
    """Compares the largest size with the smallest, which was measured before it and after it."""
    ours = [found for (load, _), found in sorted(created.items()) if load == "unchecked"]
    small, large = ours[0], ours[-1]
    if large is not small:
        title = f"rate at {large[0].size:,}, times that at {small[0].size:,} before and after"
        yield _ratio("rate", title, large, small, lambda found: found.paced)


def _ratio(
    name: str, title: str, runs: list[Created], others: list[Created], each: Callable[[Created], float]
) -> Figure:
    value = statistics.mean(map(each, runs)) / statistics.mean(map(each, others))
    return Figure(
        group="comparison, at the machine's pace", name=f"comparison.{name}", title=title, value=value
    )


def _validated(created: Mapping[tuple[str, int], Created]) -> Iterator[Figure]:
    size = max(size for load, size in created if load == "aws")
    found, without = created["aws", size], created["unchecked", size]
    group = f"validation, {size:,}"
    cpu = (found.operator - without.operator) / found.calls * 1000
    yield Figure(
        group=group,
        name="validation.cpu",
        title="operator CPU per AWS validation (with less without)",
        value=cpu,
        unit="ms",
    )
    yield Figure(
        group=group,
        name="validation.thread",
        title="of it in the thread of the call",
        value=found.validation_cpu / found.calls * 1000,
        unit="ms",
    )
    yield Figure(
        group=group, name="validation.calls", title="provider calls per Credential", value=found.calls / size
    )


def _validated_by_type(found: Mapping[str, float]) -> Iterator[Figure]:
    for kind, cpu in found.items():
        yield Figure(
            group="validation by type, in the thread of the call",
            name=f"validation.{kind}",
            title=f"CPU per validation of {kind}",
            value=cpu,
            unit="ms",
        )


def _changed(waits: list[float]) -> Iterator[Figure]:
    group = f"{len(waits)} changes"
    for name, share in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0)):
        yield Figure(
            group=group,
            name=f"change.{name}",
            title=f"new key to new target, {name}",
            value=quantile(waits, share) * 1000,
            unit="ms",
        )


def _restarted(found: Restarted) -> Iterator[Figure]:
    for name, title, value, unit in (
        ("ready", "answers /readyz", found.ready, "s"),
        ("probe", "Credential created at the start is Ready", found.probe, "s"),
        ("seconds", "caught up", found.seconds, "s"),
        ("cpu", "operator CPU until then", found.operator, "s"),
        ("writes", "writes", found.writes, ""),
        ("calls", "provider calls", found.calls, ""),
        ("peak", "resident memory, peak", found.peak / MIB, "MiB"),
    ):
        yield Figure(group="restart", name=f"restart.{name}", title=title, value=value, unit=unit)
    yield Figure(
        group="restart",
        name="operator.memory",
        title="resident memory",
        value=found.resident / MIB,
        unit="MiB",
    )

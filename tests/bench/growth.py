"""Whether a Credential costs more beside many others: the same are made beside many and beside few, at once.

Two control planes share the machine, so that its changes of pace are theirs in equal parts. An API server
collects more garbage the more it holds, whoever writes to it: the baseline says how much that is.
"""

import asyncio
import dataclasses
from collections.abc import Iterator, Mapping

from bench import arena, phases
from bench.arena import say
from bench.goals import Figure
from bench.phases import Created
from credential_operator import process


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many Credentials there are already in the one place and the other; and how many are then made."""

    many: int
    few: int
    made: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What it took to make the same Credentials beside many others and beside few."""

    many: Created
    few: Created

    @property
    def operator(self) -> float:
        """The operator's CPU beside many, times that beside few."""
        return self.many.operator / self.few.operator

    @property
    def api_server(self) -> float:
        """The API server's CPU beside many, times that beside few."""
        return self.many.api_server / self.few.api_server

    @property
    def together(self) -> float:
        """The CPU of the operator and the control plane beside many, times that beside few."""
        many, few = (found.operator + found.plane for found in (self.many, self.few))
        return many / few


def measured(plan: Plan, options: arena.Options) -> Mapping[str, Grown]:
    """Makes the runs of the operator and of the baseline."""
    found = {}
    for load in ("unchecked", "plain"):
        say(f"== {load}, {_group(plan)}")
        found[load] = process.run(_run(load, plan, options))
    return found


async def _run(load: str, plan: Plan, options: arena.Options) -> Grown:
    ours = [_within(options, name) for name in ("many", "few")]
    async with arena.opened(load, ours[0], keys=0) as many, arena.opened(load, ours[1], keys=0) as few:
        for place, others in ((many, plan.many), (few, plan.few)):
            await place.start()
            await phases.create(place, others)
        made = await asyncio.gather(
            phases.create(many, plan.made, after=plan.many), phases.create(few, plan.made, after=plan.few)
        )
        for place in (many, few):
            await place.stop()
    return Grown(many=made[0], few=made[1])


def _within(options: arena.Options, name: str) -> arena.Options:
    folder = options.folder / name
    folder.mkdir(exist_ok=True)
    return dataclasses.replace(options, folder=folder)


def _group(plan: Plan) -> str:
    return f"{plan.made:,} Credentials beside {plan.many:,} and beside {plan.few:,}, at once"


def figures(found: Mapping[str, Grown], plan: Plan) -> Iterator[Figure]:
    """Gives all figures, the operator's and the baseline's."""
    for load, grown in found.items():
        subject = "growth.baseline" if load == "plain" else "growth"
        for name, title, value, unit in _of(grown, plan):
            yield Figure(
                group=f"{load}, {_group(plan)}", name=f"{subject}.{name}", title=title, value=value, unit=unit
            )
    yield Figure(
        group="comparison",
        name="growth.compared",
        title="CPU of both beside many, times that beside few, times the baseline's",
        value=found["unchecked"].together / found["plain"].together,
    )


def _of(grown: Grown, plan: Plan) -> Iterator[tuple[str, str, float, str]]:
    for place, others, created in (("many", plan.many, grown.many), ("few", plan.few, grown.few)):
        for what, title, cpu in (
            ("operator", "operator", created.operator),
            ("api_server", "API server", created.api_server),
        ):
            each = cpu / plan.made * 1000
            yield f"{what}.{place}", f"{title} CPU per Credential, beside {others:,}", each, "ms"
    yield "operator", "operator CPU beside many, times that beside few", grown.operator, ""
    yield "api_server", "API server CPU beside many, times that beside few", grown.api_server, ""
    yield "together", "CPU of operator and control plane, likewise", grown.together, ""

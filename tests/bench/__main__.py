"""`make bench`: measures, prints a table, writes JSON; `--check` ends with 1 if a goal is missed."""

import argparse
import json
import pathlib
import signal
import sys
import tempfile
import time
from collections.abc import Iterator

from bench import arena, distribution, goals, growth, hotspots, renewals, report, runs, scrapes
from bench.pods import crowd

QUICK = runs.Plan(sizes=(100,), turns=1, touched=20, changed=10)
GROWN = growth.Plan(many=8000, few=100, made=2000)
SHARED = distribution.Plan(namespaces=500, credentials=20)
SHORT_LIVED = renewals.Plan(keys=1000, life=60, lives=10)
NEXT = (
    "If others used this machine (the table says how much CPU), or its pace changed, measure again: "
    "--only-PART takes minutes. If not, --profile shows where the operator's CPU goes.\n"
)
"""What to do when a goal was missed."""
PARTS = {
    "credentials": "Credentials, in both sizes",
    "growth": "the price of a Credential beside many others and beside few",
    "distribution": "what is distributed to many namespaces",
    "renewals": "short-lived keys",
    "pods": "Pods",
    "scrape": "a scrape of the metrics",
}
"""What can be measured alone, and in words."""


def main() -> int:
    """Runs the bench; gives its exit status."""
    chosen = _parser().parse_args()
    # The operator and the baseline are ended with the bench, also when that is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
    began = time.monotonic()
    options = arena.Options(
        policies=not chosen.without_policies,
        attended=not chosen.quick,
        profile=chosen.profile,
        folder=folder,
    )
    found = list(_figures(chosen, options))
    missed = list(goals.missed(found, of=lambda name: chosen.only in (None, _part(name))))
    document = report.document(found, missed, seconds=time.monotonic() - began)
    file = chosen.json or folder / "bench-results.json"
    file.write_text(json.dumps(document, indent=2) + "\n")
    sys.stdout.write(f"\n{report.table(found)}\n\n{file}\n")
    if chosen.profile:
        _show_profiles(folder)
    return _check(missed) if chosen.check else 0


def _figures(chosen: argparse.Namespace, options: arena.Options) -> Iterator[goals.Figure]:
    if chosen.only in (None, "credentials"):
        yield from _of_credentials(chosen, options)
    if chosen.only in (None, "growth"):
        plan = growth.Plan(many=60, few=20, made=40) if chosen.quick else GROWN
        yield from growth.figures(growth.measured(plan, options), plan)
    if chosen.only in (None, "distribution"):
        shared = distribution.Plan(namespaces=10, credentials=4) if chosen.quick else SHARED
        yield from distribution.figures(distribution.measured(shared, options))
    if chosen.only in (None, "renewals"):
        short_lived = renewals.Plan(keys=40, life=12, lives=2) if chosen.quick else SHORT_LIVED
        yield from renewals.figures(renewals.measured(short_lived, options))
    if chosen.only in (None, "pods"):
        yield from _of_pods(chosen)
    if chosen.only in (None, "scrape"):
        size = 100 if chosen.quick else 10_000
        for found in scrapes.measured(size):
            yield from scrapes.figures(found, size)


def _part(name: str) -> str:
    """Says which part a figure is of."""
    beginning = name.partition(".")[0]
    return beginning if beginning in PARTS else "credentials"


def _of_credentials(chosen: argparse.Namespace, options: arena.Options) -> Iterator[goals.Figure]:
    plan = QUICK
    if not chosen.quick:
        plan = runs.Plan(
            sizes=tuple(sorted(chosen.sizes)),
            turns=0 if chosen.skip_baseline else 4,
            touched=200,
            changed=150,
        )
    return runs.figures(runs.measure(plan, options))


def _of_pods(chosen: argparse.Namespace) -> Iterator[goals.Figure]:
    pods = 1000 if chosen.quick else 50_000
    for using in (True, False):
        arena.say(f"== {pods} Pods, {'using' if using else 'without'} Secrets")
        yield from crowd.figures(crowd.watched(crowd.Crowd(pods=pods, rolled=pods // 100, using=using)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--check", action="store_true", help="end with 1 if a goal is missed")
    parser.add_argument("--json", type=pathlib.Path, help="where to write the figures as JSON")
    parser.add_argument("--quick", action="store_true", help="few objects: does the bench itself work?")
    parser.add_argument(
        "--sizes", type=_sizes, default=(1000, 10_000), help="how many Credentials, such as 1000,10000"
    )
    for part, what in PARTS.items():
        parser.add_argument(
            f"--only-{part}", action="store_const", dest="only", const=part, help=f"measure only {what}"
        )
    parser.add_argument("--skip-baseline", action="store_true", help="leave the plain kopf operator out")
    parser.add_argument(
        "--without-policies", action="store_true", help="switch the chart's admission policies off"
    )
    parser.add_argument(
        "--profile", action="store_true", help="show where the operator's CPU goes; figures suffer"
    )
    return parser


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _check(missed: list[str]) -> int:
    for line in missed:
        sys.stderr.write(f"missed: {line}\n")
    if missed:
        sys.stderr.write(NEXT)
    return 1 if missed else 0


def _show_profiles(folder: pathlib.Path) -> None:
    for file in sorted(folder.glob("samples-*.json")):
        sys.stdout.write(f"\n{file}\n")
        sys.stdout.writelines(f"{line}\n" for line in hotspots.lines(hotspots.read(file)))


if __name__ == "__main__":
    sys.exit(main())

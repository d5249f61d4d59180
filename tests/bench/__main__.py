"""`make bench`: measures, prints a table, writes JSON; `--check` ends with 1 if a goal is missed."""

import argparse
import json
import pathlib
import signal
import sys
import tempfile
import time

from bench import arena, goals, hotspots, report, runs

QUICK = runs.Plan(sizes=(100,), baseline=True, touched=20, changed=10)


def main() -> int:
    """Runs the bench; gives its exit status."""
    chosen = _parser().parse_args()
    # The operator and the baseline are ended with the bench, also when that is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    plan = QUICK
    if not chosen.quick:
        plan = runs.Plan(
            sizes=tuple(sorted(chosen.sizes)),
            baseline=not chosen.skip_baseline,
            touched=200,
            changed=150,
        )
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
    options = arena.Options(
        policies=not chosen.without_policies,
        attended=not chosen.quick,
        profile=chosen.profile,
        folder=folder,
    )
    began = time.monotonic()
    found = list(runs.figures(runs.measure(plan, options)))
    document = report.document(found, seconds=time.monotonic() - began)
    file = chosen.json or folder / "bench-results.json"
    file.write_text(json.dumps(document, indent=2) + "\n")
    sys.stdout.write(f"\n{report.table(found)}\n\n{file}\n")
    if chosen.profile:
        _show_profiles(folder)
    return _check(found) if chosen.check else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--check", action="store_true", help="end with 1 if a goal is missed")
    parser.add_argument("--json", type=pathlib.Path, help="where to write the figures as JSON")
    parser.add_argument("--quick", action="store_true", help="few objects: does the bench itself work?")
    parser.add_argument(
        "--sizes", type=_sizes, default=(1000, 10_000), help="how many Credentials, such as 1000,10000"
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


def _check(found: list[goals.Figure]) -> int:
    missed = list(goals.missed(found))
    for line in missed:
        sys.stderr.write(f"missed: {line}\n")
    return 1 if missed else 0


def _show_profiles(folder: pathlib.Path) -> None:
    for file in sorted(folder.glob("samples-*.json")):
        sys.stdout.write(f"\n{file}\n")
        sys.stdout.writelines(f"{line}\n" for line in hotspots.lines(hotspots.read(file)))


if __name__ == "__main__":
    sys.exit(main())

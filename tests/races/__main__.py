"""`make races N=2000`: runs that many random interleavings; 1 if one of them breaks a promise."""

import argparse
import random
import signal
import sys
import time
from collections.abc import Sequence

from races import programs, run, stage, variants

NORMAL = 200
"""Interleavings of the normal run of all tests."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the interleavings; gives the exit status."""
    chosen = _parser().parse_args(arguments)
    # Everything that was started is ended with this process, also when it is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    seed = random.SystemRandom().randrange(1_000_000) if chosen.seed is None else chosen.seed
    number = chosen.number or (NORMAL if chosen.seed is None else run.TOGETHER)
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:5.0f} s  {text}\n")
        sys.stdout.flush()

    failures = run.run(
        number, seed=seed, say=say, policies=chosen.policies, fault=chosen.fault, theme=chosen.theme
    )
    say(f"{number} interleavings from seed {seed} on: {len(failures)} failed")
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="races", description=__doc__)
    parser.add_argument("--number", "-n", type=int, help=f"how many; {NORMAL}, or one round of a seed")
    parser.add_argument("--seed", type=int, help="of the first round")
    parser.add_argument(
        "--policies", choices=stage.POLICIES, default="all", help="which of the chart's policies are on"
    )
    parser.add_argument("--fault", choices=sorted(variants.FAULTS), default="", help="run a faulty operator")
    parser.add_argument("--theme", choices=sorted(programs.THEMES), default="", help="what all are about")
    return parser


if __name__ == "__main__":
    sys.exit(main())

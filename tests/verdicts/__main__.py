"""`make verdicts`: prints what is said of every credential type in every situation; 1 if a cell is wrong."""

import argparse
import json
import pathlib
import shutil
import signal
import sys
import time
from collections.abc import Sequence

from verdicts import report, run, scripts
from verdicts.script import Script

PAGE = pathlib.Path(__file__).resolve().parents[2] / "crds" / "verdicts.md"
WIDE = 110


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays all scripts, or writes the page; gives the exit status."""
    chosen = _parser().parse_args(arguments)
    if chosen.page:
        PAGE.write_text(report.page(scripts.find()))
        return 0
    if missing := scripts.missing(scripts.find()):
        sys.stderr.write(f"no script in tests/verdicts/scripts: {', '.join(missing)}\n")
        return 1
    # Everything that was started is ended with this process, also when it is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    cells = run.play(chosen.types, lambda text: _say(text, began))
    if chosen.output == "json":
        sys.stdout.write(f"{json.dumps(report.document(cells), indent=2)}\n")
    else:
        width = shutil.get_terminal_size((WIDE, 0)).columns
        sys.stdout.write(f"{report.table(cells, width=width)}\n")
    return 1 if any(cell.wrong for cell in cells) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="verdicts", description=__doc__)
    parser.add_argument("--output", "-o", choices=("table", "json"), default="table", help="how to print it")
    parser.add_argument("--types", type=_chosen, default="", help="only these, such as aws,s3")
    parser.add_argument("--page", action="store_true", help=f"play nothing, and write crds/{PAGE.name}")
    return parser


def _chosen(types: str) -> list[Script]:
    names = {name for name in types.split(",") if name}
    if unknown := names - {script.type for script in scripts.find()}:
        raise argparse.ArgumentTypeError(f"no such type: {', '.join(sorted(unknown))}")
    return [script for script in scripts.find() if not names or script.type in names]


def _say(text: str, began: float) -> None:
    sys.stderr.write(f"{time.monotonic() - began:4.0f} s  {text}\n")


if __name__ == "__main__":
    sys.exit(main())

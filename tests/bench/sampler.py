"""Runs the operator and notes every millisecond of CPU what its main thread is doing: `sampler.py FILE`.

An operator that is started again writes another file, with a number in its name.

A profiler that hooks every call makes short functions look dear; this one costs a few percent. What C
code does counts for the Python function that called it.
"""

import collections
import itertools
import json
import pathlib
import signal
import sys
import types

from credential_operator import __main__ as operator

EVERY = 0.001
"""Seconds of the process's CPU between samples; the kernel's clock may make it four times as long."""

stacks: collections.Counter[tuple[types.CodeType, ...]] = collections.Counter()


def note(_: int, frame: types.FrameType | None) -> None:
    """Counts the stack, innermost first."""
    codes = []
    while frame is not None:
        codes.append(frame.f_code)
        frame = frame.f_back
    stacks[tuple(codes)] += 1


def show(code: types.CodeType) -> str:
    """Names a function."""
    file = code.co_filename
    for before in ("site-packages/", "credential_operator/"):
        file = file.rpartition(before)[2]
    return f"{file}:{code.co_qualname}"


def unused(file: pathlib.Path) -> pathlib.Path:
    """Gives the file with the next number that no file has."""
    numbered = (file.with_stem(f"{file.stem}-{number}") for number in itertools.count(1))
    return next(one for one in numbered if not one.exists())


if __name__ == "__main__":
    signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        status = operator.main(["run"])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        unused(pathlib.Path(sys.argv[1])).write_text(
            json.dumps([[count, [show(code) for code in codes]] for codes, count in stacks.most_common()])
        )
    sys.exit(status)

"""A second try, alone and one after the other, for the few tests that failed while three ran side by side.

Most wait for other processes, and a machine may be busy with something else for longer than any limit allows
for. What fails twice is a defect; so is what random interleavings broke once, which is not tried again.
"""

import json
import pathlib
import sys

import pytest

LAST_FAILED = pathlib.Path(__file__).parents[1] / ".pytest_cache/v/cache/lastfailed"
"""Where pytest keeps the names of tests that failed."""
RANDOM = "tests/races/test_races.py::test_no_interleaving_breaks_a_promise"
"""The test whose interleavings nobody sees again."""
MOST = 8
"""More failures than a busy machine causes."""


def worth_it(failed: list[str]) -> bool:
    """Tell whether a machine that was busy may be the reason for all of these failures."""
    return 0 < len(failed) <= MOST and RANDOM not in failed


def main() -> int:
    """Try them again, and return pytest's exit status."""
    failed = [*json.loads(LAST_FAILED.read_text())] if LAST_FAILED.exists() else []
    if not worth_it(failed):
        return 1
    sys.stderr.write("\n".join(["These failed beside others, and are tried once more alone:", *failed, ""]))
    return pytest.main(failed)


if __name__ == "__main__":
    sys.exit(main())

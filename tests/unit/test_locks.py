"""What is installed beside the tests is what they were made with: the locks agree."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> set[tuple[str, str]]:
    """Return what a lock pins."""
    found = set(PIN.findall((ROOT / name).read_text()))
    assert found
    return found


@pytest.mark.parametrize("name", sorted(file.name for file in ROOT.glob("requirements*.lock")))
def test_every_lock_pins_what_the_tests_ran_with(name: str) -> None:
    assert pins(name) <= pins("requirements-dev.lock")

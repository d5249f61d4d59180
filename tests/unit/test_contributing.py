"""What CONTRIBUTING shows of files is in them."""

from pathlib import Path

import pytest

import pages

ROOT = Path(__file__).parents[2]
SHOWN = pages.files((ROOT / "CONTRIBUTING.md").read_text())


def test_it_shows_a_type_its_tests_and_a_package() -> None:
    assert [Path(name).name for name in SHOWN] == ["basic.py", "test_basic.py", "pyproject.toml"]


@pytest.mark.parametrize(("name", "text"), SHOWN.items())
def test_what_is_shown_of_a_file_is_in_it(name: str, text: str) -> None:
    rest = (ROOT / name).read_text()
    for part in text.split("…\n"):
        _, found, rest = rest.partition(part)
        assert found, part

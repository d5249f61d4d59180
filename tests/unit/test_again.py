"""The second try of what failed beside others: for a few, never for what random interleavings broke."""

import pathlib
import shutil
import subprocess
import sys

import pytest

import again

FLAKY = """
import pathlib

def test_that_fails_once():
    mark = pathlib.Path(__file__).with_name("mark")
    before = mark.exists()
    mark.touch()
    assert before
"""
BROKEN = "def test_that_fails(): assert False\n"


def tried(folder: pathlib.Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    """Run a test that fails at first, then try it again."""
    tests = folder / "tests"
    (tests / name).parent.mkdir(parents=True)
    (tests / name).write_text(text)
    shutil.copy(again.__file__, tests)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = (sys.executable, "-m", "pytest", "tests")
    assert subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 1
    return subprocess.run(
        (sys.executable, "tests/again.py"), cwd=folder, check=False, capture_output=True, text=True
    )


def test_what_passes_alone_is_named_and_passes(tmp_path: pathlib.Path) -> None:
    second = tried(tmp_path, "cluster/test_a.py", FLAKY)
    assert second.returncode == 0, second.stdout
    assert "tests/cluster/test_a.py::test_that_fails_once" in second.stderr


def test_what_fails_twice_fails(tmp_path: pathlib.Path) -> None:
    assert tried(tmp_path, "cluster/test_a.py", BROKEN).returncode == 1


def test_what_a_random_interleaving_broke_fails_at_once(tmp_path: pathlib.Path) -> None:
    file, _, name = again.RANDOM.removeprefix("tests/").partition("::")
    second = tried(tmp_path, file, FLAKY.replace("test_that_fails_once", name))
    assert (second.returncode, second.stdout) == (1, "")


def test_the_test_of_random_interleavings_has_that_name() -> None:
    file, _, name = again.RANDOM.partition("::")
    assert f"def {name}(" in (pathlib.Path(again.__file__).parents[1] / file).read_text()


@pytest.mark.parametrize(
    ("count", "worth"), [(0, False), (1, True), (again.MOST, True), (again.MOST + 1, False)]
)
def test_many_failures_are_no_accident(count: int, *, worth: bool) -> None:
    assert again.worth_it([f"tests/cluster/test_{number}.py::test" for number in range(count)]) is worth

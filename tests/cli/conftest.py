"""What the tests of the plugin share."""

import pathlib
import shutil
import sys

import pytest

from cli import world
from cli.desk import Desk


@pytest.fixture
def desk(tmp_path: pathlib.Path) -> Desk:
    """A desk with all of the world, in the namespace team-a."""
    shutil.copy(pathlib.Path(__file__).parent / "kubectl.py", tmp_path / "answers.py")
    program = tmp_path / "kubectl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{tmp_path}/answers.py" "$@"\n')
    program.chmod(0o755)
    found = Desk(tmp_path)
    found.lay(*world.CREDENTIALS, *world.REFERENCES, *world.WORKLOADS, *world.EVENTS)
    return found

"""What all rooms of tests share."""

import os
import pathlib
import signal
from collections.abc import Iterator

import hypothesis
import pytest

from controlplane import ControlPlane

# A shell's background jobs do not hear Ctrl-C, nor would the programs that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# API servers, kubectl and helm take a quarter less of the processor where they collect garbage less often, and an API
# server 570 MB in place of 390.
os.environ.setdefault("GOGC", "400")

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("patient", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the files begin first whose tests may take longest, so that no core waits for them at the end."""
    limits: dict[pathlib.Path, float] = {}
    for item in items:
        limits[item.path] = max(limits.get(item.path, 0.0), _limit(item))
    items.sort(key=lambda item: -limits[item.path])


def _limit(item: pytest.Item) -> float:
    """Return the seconds that a test may take by its own word; 0 if it has none."""
    marker = item.get_closest_marker("timeout")
    return 0.0 if marker is None else float(marker.args[0])


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """Give a control plane that all tests share; a test that breaks one starts its own."""
    with ControlPlane() as started:
        yield started

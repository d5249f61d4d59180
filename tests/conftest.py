"""What all rooms of tests share."""

from collections.abc import Iterator

import pytest

from controlplane import ControlPlane


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """Give a control plane that all tests share; a test that breaks one starts its own."""
    with ControlPlane() as started:
        yield started

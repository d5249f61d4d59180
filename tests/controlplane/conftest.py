"""One control plane for all tests of this folder that do not break theirs."""

from collections.abc import Iterator

import pytest

from controlplane import ControlPlane


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """Return a running control plane."""
    with ControlPlane(audit=True) as started:
        yield started

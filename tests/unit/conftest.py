"""What unit tests share."""

import pytest

from unit.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()

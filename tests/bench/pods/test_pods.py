"""Watching Pods costs the memory of a few names: of 50,000 at most 30 MB, which `make bench` measures as such."""

import pytest

from bench.pods import crowd

CROWDS = [crowd.Crowd(pods=10_000, rolled=100, using=using) for using in (True, False)]
pytestmark = pytest.mark.timeout(600)
PAGES = 10e6
"""Bytes that reading a list takes, however long it is."""
POD = 400
"""Bytes for each Pod that is kept: with those of the pages, 30 MB for 50,000."""


@pytest.mark.parametrize("given", CROWDS)
def test_a_pod_costs_the_few_names_that_are_kept(given: crowd.Crowd) -> None:
    price = crowd.watched(given)

    assert price.known == (given.pods if given.using else 0)
    assert max(price.listed, price.rolled, price.relisted) <= price.peak
    assert price.peak <= PAGES + POD * price.known

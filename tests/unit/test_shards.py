"""Which shard a namespace belongs to."""

import collections

import pytest

from credential_operator import shards


def test_a_namespace_belongs_to_the_same_shard_on_every_machine() -> None:
    assert [shards.of(name, 3) for name in ("team-a", "team-b", "kube-system")] == [1, 2, 1]


@pytest.mark.parametrize("count", [1, 2, 3, shards.MOST])
def test_namespaces_are_spread_evenly(count: int) -> None:
    names = [f"team-{number}" for number in range(2000)]
    found = collections.Counter(shards.of(name, count) for name in names)
    assert found.keys() == set(range(count))
    assert max(found.values()) < 1.5 * 2000 / count


def test_what_is_not_about_a_namespace_belongs_to_the_first_shard() -> None:
    assert shards.under_way() == 0
    with shards.working_on(2):
        assert shards.under_way() == 2
    assert shards.under_way() == 0

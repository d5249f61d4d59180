"""One node or cluster for all of these tests, with the operator in it.

They are run by `make e2e` and as a part of `make test`, not by pytest alone: a node needs namespaces of its own.
"""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import sites
from cluster.space import Space
from controlplane import Cluster
from e2e import doorway, guest
from e2e import rotation as rotations
from e2e.cloud import Cloud
from e2e.node import Node
from e2e.place import Place
from e2e.world import World
from emulators.distribution import Distribution

PLACE = Place.told()
if PLACE is None:
    collect_ignore_glob = ["test_*.py"]

MEASURED = pytest.StashKey[list[str]]()
_numbers = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MEASURED] = []
    config.addinivalue_line(
        "markers", "own_node: asks something of the node that only its administrator can give"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if PLACE is None or not PLACE.kubeconfig:
        return
    left = [item for item in items if item.get_closest_marker("own_node")]
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)
    config.stash[MEASURED] += [f"NOT RUN on a cluster that is not made here: {item.name}" for item in left]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash[MEASURED]:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def measured(pytestconfig: pytest.Config) -> list[str]:
    """What was measured, a line each: shown at the end."""
    return pytestconfig.stash[MEASURED]


@pytest.fixture(scope="session")
def place() -> Place:
    assert PLACE is not None
    return PLACE


@pytest.fixture(scope="session")
def node(place: Place, measured: list[str]) -> Iterator[Node]:
    """A node that is made for these tests."""
    began = time.monotonic()
    with Node(Path(place.archive)) as started:
        measured.append(f"the node was ready after {time.monotonic() - began:.1f} s")
        yield started


@pytest.fixture(scope="session")
def cluster(place: Place, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The node's cluster, or somebody's, which is left as it was."""
    if not place.kubeconfig:
        yield request.getfixturevalue("node")
        return
    with Cluster(Path(place.kubeconfig)) as found:
        guest.enter(found)
        yield found
        guest.leave(found)


@pytest.fixture(scope="session")
def aws(place: Place) -> Iterator[Cloud]:
    """The provider."""
    with Cloud(place.address) as emulator, doorway.opened(place.address, emulator.port):
        yield emulator


@pytest.fixture(scope="session")
def registry(place: Place) -> Iterator[Distribution]:
    """A registry that asks for a login, under an address that the operator and the node both reach."""
    with (
        Distribution([], hosts=[place.address]) as running,
        doorway.opened(place.address, running.port),
    ):
        yield running


@pytest.fixture(scope="session")
def world(place: Place, cluster: Cluster, aws: Cloud, registry: Distribution, measured: list[str]) -> World:
    """The cluster with the chart installed."""
    found = World(cluster=cluster, cloud=aws, image=place.image)
    began = time.monotonic()
    found.install(aws.ca_pem, registry.ca_pem)
    measured.append(f"the operator worked {time.monotonic() - began:.1f} s after it was installed")
    return found


@pytest.fixture(scope="session")
def rotation(world: World) -> rotations.Rotation:
    """A rotation that goes on while other tests run: it takes two minutes."""
    return rotations.begun(world)


@pytest.fixture
def space(world: World, request: pytest.FixtureRequest) -> Iterator[Space]:
    """A namespace of the test's own; afterwards nothing of any key may be in what the operator has said."""
    yield world.space(f"{sites.slug(request.node.name)}-{next(_numbers)}")
    logs = world.logs()
    assert [secret for secret in world.cloud.secrets if secret in logs] == []

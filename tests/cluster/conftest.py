"""What the tests of a running operator share: one installation, and a namespace of its own for each test.

The environment variable CREDENTIAL_OPERATOR_POLICIES says with which of the chart's policies: `all` (the
default), `no-mutation`, or `none`. Tests that are about policies skip themselves where those are off.
"""

import itertools
import os
from collections.abc import Iterator

import pytest

from cluster import sites
from cluster.desk import PEOPLE, Desk
from cluster.sites import Site
from cluster.space import Space
from controlplane import ControlPlane
from emulators.aws import AwsEmulator

MODE = os.environ.get("CREDENTIAL_OPERATOR_POLICIES", "all")
NEEDS = {"mutation": ("all",), "validation": ("all", "no-mutation")}

_numbers = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs_policies(kind): is about what policies of that kind do: validation or mutation"
    )


@pytest.fixture(autouse=True)
def _only_with_its_policies(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("needs_policies")
    if marker and MODE not in NEEDS[marker.args[0]]:
        pytest.skip(f"is about policies ({marker.args[0]}), and CREDENTIAL_OPERATOR_POLICIES is {MODE}")


@pytest.fixture(scope="session")
def aws() -> Iterator[AwsEmulator]:
    """The cloud that all tests share; one that breaks it starts its own."""
    with AwsEmulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def site(plane: ControlPlane, aws: AwsEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The installation that all tests share: cluster-wide, with one replica."""
    with sites.site(plane, aws, tmp_path_factory.mktemp("site"), mode=MODE) as started:
        yield started


@pytest.fixture
def space(site: Site, request: pytest.FixtureRequest) -> Space:
    """A namespace of the test's own. It stays, for whoever looks into what failed."""
    return site.space(f"{sites.slug(request.node.name)}-{next(_numbers)}")


@pytest.fixture
def desk(space: Space) -> Desk:
    """A namespace with a user in the cloud, and with people of each role."""
    for person, role in PEOPLE.items():
        space.kubectl("create", "rolebinding", person, f"--clusterrole={role}", f"--user={person}")
    space.new_user()
    return Desk(space)

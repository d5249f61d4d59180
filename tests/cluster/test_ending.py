"""The end of it all: the CustomResourceDefinitions go, or the operator does, and nothing is stuck."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster import sites
from cluster.sites import Site
from cluster.space import Space
from controlplane import ControlPlane
from emulators.aws import AwsEmulator

CRDS = Path(__file__).parents[2] / "crds"
CREDENTIALS, REFERENCES = (
    f"{kind}.credential-operator.io" for kind in ("credentials", "credentialreferences")
)
GONE = 20.0
"""Seconds: the API server looks every five whether all objects of a kind are gone."""

_numbers = itertools.count()


@pytest.fixture(scope="module")
def site(aws: AwsEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation of this file's own, whose definitions may go."""
    with (
        ControlPlane() as plane,
        sites.site(plane, aws, tmp_path_factory.mktemp("site")) as started,
    ):
        yield started


@pytest.fixture
def places(site: Site) -> Iterator[tuple[Space, Space]]:
    """The namespace of an owner, and that of a borrower; afterwards, both kinds are there again."""
    number = next(_numbers)
    yield site.space(f"ending-{number}"), site.space(f"borrowing-{number}")
    _define(site)


def _define(site: Site) -> None:
    site.plane.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={CRDS}")
    for name in (CREDENTIALS, REFERENCES):
        site.plane.kubectl("wait", "--for=condition=Established", f"crd/{name}")


def _in_use(owner: Space, borrower: Space, **fields: Any) -> None:
    """Make a Credential that is held by a lease, and lent to another namespace."""
    owner.published(allowedNamespaces={"names": [borrower.name]}, **fields)
    leased = owner.reference()
    leased["spec"]["leaseDurationSeconds"] = 3600
    owner.apply(leased)
    borrowed = borrower.reference("borrowed")
    borrowed["spec"]["credentialRef"]["namespace"] = owner.name
    borrowed["spec"]["target"] = {"name": "borrowed-env", "format": "env"}
    borrower.apply(borrowed)
    owner.becomes("nightly", "credentialreference", Bound="True Bound")
    borrower.becomes("borrowed", "credentialreference", Bound="True Bound", Synced="True Published")


def _undefine(site: Site, *names: str) -> None:
    for name in names:
        site.plane.kubectl("delete", "crd", name, f"--timeout={GONE:.0f}s")


def _works_again(site: Site, space: Space) -> None:
    """Bring both kinds back, and see that the same process serves them."""
    pid = site.operator.pid
    _define(site)

    def applied() -> bool:
        return (
            space.run("apply", "--filename=-", documents=(space.credential(),), check=False).returncode == 0
        )

    space.until(applied, "the API server takes Credentials again")
    space.becomes(Ready="True Available", seconds=30)
    assert site.operator.running
    assert site.operator.pid == pid


@pytest.mark.parametrize(
    "order",
    [(CREDENTIALS,), (CREDENTIALS, REFERENCES), (REFERENCES, CREDENTIALS)],
    ids=["credentials", "credentials-first", "references-first"],
)
def test_definitions_go_while_credentials_are_in_use(
    site: Site, places: tuple[Space, Space], order: tuple[str, ...]
) -> None:
    owner, borrower = places
    _in_use(owner, borrower)

    _undefine(site, *order)

    owner.until(owner.gone("secret", "backups-env"), "its target is gone")
    if order[0] == CREDENTIALS:
        assert ("Warning", "DefinitionDeleted") in owner.events()
    # The garbage collector may know no owner of a kind that is gone: the log has what may be left.
    told = [
        line for line in site.operator.lines() if f"{borrower.name}/borrowed-env" in line.get("borrowed", "")
    ]
    assert told[0]["definition"] == order[0]
    assert REFERENCES in order or borrower.key_in("borrowed-env")
    _works_again(site, owner)

"""The CustomResourceDefinitions go while the operator runs, and nothing is stuck."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import endings, sites
from cluster.sites import Site
from cluster.space import Json, Space
from controlplane import ControlPlane
from emulators.aws import AwsEmulator

CRDS = Path(__file__).parents[2] / "crds"
CREDENTIALS, REFERENCES = (
    f"{kind}.credential-operator.io" for kind in ("credentials", "credentialreferences")
)
GONE = 60.0
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
    space.becomes(Ready="True Available", seconds=120)
    assert site.operator.running
    assert site.operator.pid == pid


def _told(site: Site, borrower: Space) -> list[Json]:
    """Give what the log says of what is lent, as a definition goes."""
    lent = f"{borrower.name}/borrowed-env"
    return [line for line in site.operator.lines() if lent in line.get("borrowed", "")]


@pytest.mark.parametrize(
    "order",
    [(CREDENTIALS,), (CREDENTIALS, REFERENCES), (REFERENCES, CREDENTIALS)],
    ids=["credentials", "credentials-first", "references-first"],
)
def test_definitions_go_while_credentials_are_in_use(
    site: Site, places: tuple[Space, Space], order: tuple[str, ...]
) -> None:
    owner, borrower = places
    endings.in_use(owner, borrower)

    _undefine(site, *order)

    owner.until(owner.gone("secret", "backups-env"), "its target is gone")
    if order[0] == CREDENTIALS:
        assert ("Warning", "DefinitionDeleted") in owner.events()
    # The garbage collector may know no owner of a kind that is gone: the log has what may be left.
    assert _told(site, borrower)[0]["definition"] == order[0]
    assert REFERENCES in order or borrower.key_in("borrowed-env")
    _works_again(site, owner)


def test_without_references_a_deletion_goes_on_that_they_held_and_other_credentials_are_served(
    site: Site, places: tuple[Space, Space]
) -> None:
    owner, borrower = places
    endings.in_use(owner, borrower, whenReferenced="Hold")
    borrower.published()
    owner.kubectl("delete", "credential", "backups", "--wait=false")
    owner.becomes(DeletionBlocked="True InUse")

    _undefine(site, REFERENCES)

    owner.until(owner.gone("credential", "backups"), "nobody can claim it any more", seconds=120)
    owner.until(owner.gone("secret", "backups-env"), "its target is gone")
    (told,) = _told(site, borrower)
    assert told["definition"] == REFERENCES
    new = borrower.new_key()
    borrower.apply(borrower.source(new))
    borrower.until(lambda: borrower.key_in("backups-env") == new, "another Credential follows its key")
    _works_again(site, owner)


def test_a_deletion_that_a_reference_held_ends_with_its_definition(
    site: Site, places: tuple[Space, Space]
) -> None:
    owner, borrower = places
    endings.in_use(owner, borrower, whenReferenced="Hold")
    owner.kubectl("delete", "credential", "backups", "--wait=false")
    owner.becomes(DeletionBlocked="True InUse")

    _undefine(site, CREDENTIALS)

    owner.until(owner.gone("secret", "backups-env"), "its target is gone")
    assert ("Warning", "DefinitionDeleted") in owner.events()
    assert borrower.key_in("borrowed-env"), "what was lent is left"
    for space, name in ((owner, "nightly"), (borrower, "borrowed")):
        space.kubectl("delete", "credentialreference", name, "--timeout=120s")
    borrower.until(borrower.gone("secret", "borrowed-env"), "it goes with its reference")
    _works_again(site, owner)

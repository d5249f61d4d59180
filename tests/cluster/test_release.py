"""The operator is uninstalled: `credential-operator release` leaves nothing that waits for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import endings, sites
from cluster.sites import NAMESPACE, Site
from cluster.space import Space
from controlplane import ControlPlane
from controlplane.faults import FaultProxy
from credential_operator import inventory
from emulators.aws import AwsEmulator
from replica.install import CHART, RELEASE


@pytest.fixture
def fresh(aws: AwsEmulator, tmp_path: Path) -> Iterator[Site]:
    """An installation of the test's own, which it uninstalls."""
    with ControlPlane() as plane, sites.site(plane, aws, tmp_path) as started:
        yield started


@pytest.fixture
def proxy(fresh: Site) -> Iterator[FaultProxy]:
    """A way to the API server for what runs when the operator is gone."""
    with FaultProxy(fresh.plane.url, fresh.plane.authority) as started:
        yield started


@pytest.mark.parametrize("secrets", ["keep", "remove"])
def test_an_uninstalled_operator_leaves_nothing_that_waits_for_it(
    fresh: Site, tmp_path: Path, secrets: str
) -> None:
    site, owner, borrower = fresh, fresh.space(f"owner-{secrets}"), fresh.space(f"borrower-{secrets}")
    endings.in_use(owner, borrower)
    site.plane.helm(
        "upgrade",
        RELEASE,
        CHART,
        "--reuse-values",
        f"--namespace={NAMESPACE}",
        f"--set=release.secrets={secrets}",
    )

    with endings.uninstalling(site) as job:
        assert not endings.found(site, "mutatingadmissionpolicies")
        assert not endings.found(site, "deployments")
        first = endings.execute(site, job, tmp_path)
        # Once more, while the account is there.
        again = endings.execute(site, job, tmp_path)

    assert (first.returncode, again.returncode) == (0, 0)
    assert f"released Credential {owner.name}/backups" in first.stdout
    assert "released" not in again.stdout.split("Nothing")[0]
    assert not _held(owner)
    owner.kubectl("delete", "credential", "backups", "--timeout=120s")
    for space, name in ((owner, "nightly"), (borrower, "borrowed")):
        space.kubectl("delete", "credentialreference", name, "--timeout=120s")
    for space, target in ((owner, "backups-env"), (borrower, "borrowed-env")):
        kept = space.find("secret", target)
        assert (kept is not None) == (secrets == "keep")
        assert kept is None or not kept["metadata"].get("ownerReferences")
    assert not endings.found(site, "jobs")
    assert [one["metadata"]["name"] for one in endings.found(site, "secrets")] == [
        "credential-operator-installation-key"
    ]


def test_what_goes_wrong_on_the_way_is_tried_again(fresh: Site, proxy: FaultProxy, tmp_path: Path) -> None:
    owner, borrower = fresh.space("owner"), fresh.space("borrower")
    endings.in_use(owner, borrower)

    with endings.uninstalling(fresh) as job:
        proxy.fail(500, method="PATCH", path="/credentials/")
        refused = endings.execute(fresh, job, tmp_path, through=proxy)
        assert (refused.returncode, _held(owner)) == (1, True)
        assert "Not everything was released; run it again. The API server answers 500." in refused.stdout

        proxy.lift()
        proxy.fail(409, method="PATCH", times=2)
        proxy.fail(500, method="GET", path="/secrets", times=1)
        proxy.cut(method="GET", path="/credentials", times=1)
        proxy.cut(method="PATCH", path="/credentials/", applied=True, times=1)
        done = endings.execute(fresh, job, tmp_path, through=proxy)

    assert done.returncode == 0
    assert done.stdout.endswith("Nothing is left to be released.\n")
    assert not _held(owner)
    for space, target in ((owner, "backups-env"), (borrower, "borrowed-env")):
        assert not space.get("secret", target)["metadata"].get("ownerReferences")


def test_an_installation_for_a_list_of_namespaces_releases_these_alone(tmp_path: Path) -> None:
    with ControlPlane() as plane, AwsEmulator() as aws:
        for name in ("team-a", "team-b", "elsewhere"):
            plane.kubectl("create", "namespace", name)
        installed = sites.site(
            plane,
            aws,
            tmp_path,
            file="values-namespaces.yaml",
            used_in="team-a",
            settings={"namespaces": "team-a,team-b"},
        )
        with installed as site, FaultProxy(plane.url, plane.authority) as proxy:
            owner, borrower, other = map(site.space_of, ("team-a", "team-b", "elsewhere"))
            endings.in_use(owner, borrower)
            # Of another installation, which serves that namespace.
            theirs = other.credential()
            theirs["metadata"]["finalizers"] = [inventory.FINALIZER]
            other.apply(theirs)

            with endings.uninstalling(site) as job:
                done = endings.execute(site, job, tmp_path, through=proxy)

            assert done.returncode == 0
            assert [_held(space) for space in (owner, other)] == [False, True]
            assert not borrower.get("secret", "borrowed-env")["metadata"].get("ownerReferences")
            places = {seen.path.partition("/namespaces/")[2].partition("/")[0] for seen in proxy.requests}
            assert places <= {"", "team-a", "team-b"}
            assert not [seen for seen in proxy.requests if seen.status == 403]


def _held(space: Space) -> bool:
    """Tell whether a namespace's Credential has the operator's finalizer."""
    return inventory.FINALIZER in space.get("credential", "backups")["metadata"].get("finalizers", ())

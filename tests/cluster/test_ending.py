"""The end of it all: the CustomResourceDefinitions go, or the operator does, and nothing is stuck."""

import datetime
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import pytest

from cluster import sites
from cluster.sites import NAMESPACE, Site
from cluster.space import Space
from controlplane import ControlPlane
from emulators.aws import AwsEmulator
from replica.install import CHART, RELEASE

CRDS = Path(__file__).parents[2] / "crds"
CREDENTIALS, REFERENCES = (
    f"{kind}.credential-operator.io" for kind in ("credentials", "credentialreferences")
)
GONE = 20.0
"""Seconds: the API server looks every five whether all objects of a kind are gone."""

HOUR = datetime.timedelta(hours=1)

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


@pytest.fixture
def fresh(aws: AwsEmulator, tmp_path: Path) -> Iterator[Site]:
    """An installation of the test's own, which it uninstalls."""
    with ControlPlane() as plane, sites.site(plane, aws, tmp_path) as started:
        yield started


@pytest.mark.parametrize("secrets", ["keep", "remove"])
def test_an_uninstalled_operator_leaves_nothing_that_waits_for_it(
    fresh: Site, tmp_path: Path, secrets: str
) -> None:
    site, owner, borrower = fresh, fresh.space(f"owner-{secrets}"), fresh.space(f"borrower-{secrets}")
    _in_use(owner, borrower)
    site.plane.helm(
        "upgrade",
        RELEASE,
        CHART,
        "--reuse-values",
        f"--namespace={NAMESPACE}",
        f"--set=release.secrets={secrets}",
    )

    with futures.ThreadPoolExecutor() as pool:
        uninstalled = pool.submit(
            site.plane.helm, "uninstall", RELEASE, f"--namespace={NAMESPACE}", "--timeout=60s"
        )
        (job,) = _until_there(site, "jobs")
        # There is no kubelet: what the Job's Pod would run is run as a process.
        assert not _found(site, "mutatingadmissionpolicies")
        assert not _found(site, "deployments")
        said = _execute(site, job, tmp_path)
        # Once more, while the account is there.
        again = _execute(site, job, tmp_path)
        (pod,) = _until_there(site, "pods", "--selector=batch.kubernetes.io/job-name")
        done = ("--subresource=status", "--type=merge", '--patch={"status":{"phase":"Succeeded"}}')
        site.plane.kubectl("patch", "pod", pod["metadata"]["name"], f"--namespace={NAMESPACE}", *done)
        uninstalled.result(60)

    assert f"released Credential {owner.name}/backups" in said
    assert "finalizers" not in owner.get("credential", "backups")["metadata"]
    owner.kubectl("delete", "credential", "backups", "--timeout=5s")
    for space, name in ((owner, "nightly"), (borrower, "borrowed")):
        space.kubectl("delete", "credentialreference", name, "--timeout=5s")
    for space, target in ((owner, "backups-env"), (borrower, "borrowed-env")):
        kept = space.find("secret", target)
        assert (kept is not None) == (secrets == "keep")
        assert kept is None or not kept["metadata"].get("ownerReferences")
    assert "released" not in again.split("Nothing")[0]
    assert not _found(site, "jobs")
    assert [one["metadata"]["name"] for one in _found(site, "secrets")] == [
        "credential-operator-installation-key"
    ]


def _found(site: Site, kind: str, *options: str) -> list[dict[str, Any]]:
    text = site.plane.kubectl("get", kind, f"--namespace={NAMESPACE}", "--output=json", *options).stdout
    return list(json.loads(text)["items"])


def _until_there(site: Site, kind: str, *options: str) -> list[dict[str, Any]]:
    sites.wait(lambda: _found(site, kind, *options), f"there are {kind}")
    return _found(site, kind, *options)


def _execute(site: Site, job: dict[str, Any], folder: Path) -> str:
    """Run a Job's command line in its environment, under its own account."""
    spec = job["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    token = site.plane.token(job["metadata"]["namespace"], spec["serviceAccountName"], duration=HOUR)
    kubeconfig = site.plane.kubeconfig_for(spec["serviceAccountName"], token)
    assert container["command"] == ["credential-operator"]
    done = subprocess.run(
        [sys.executable, "-m", "credential_operator", *container["args"]],
        env={one["name"]: one.get("value", "") for one in container["env"]}
        | {"KUBECONFIG": str(kubeconfig), "HOME": str(folder), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

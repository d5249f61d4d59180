"""Credentials in use, and the uninstallation of the operator that serves them."""

import contextlib
import datetime
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

from cluster import sites
from cluster.sites import NAMESPACE, Site
from cluster.space import Json, Space
from controlplane.faults import FaultProxy
from replica.install import RELEASE

HOUR = datetime.timedelta(hours=1)


def in_use(owner: Space, borrower: Space, **fields: Any) -> None:
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


@contextlib.contextmanager
def uninstalling(site: Site) -> Iterator[Json]:
    """Have helm uninstall the chart; gives the Job that it waits for, and says after the block that this is done."""
    options = (f"--namespace={NAMESPACE}", "--timeout=120s")
    with waiting(site, lambda: site.plane.helm("uninstall", RELEASE, *options)) as job:
        yield job


@contextlib.contextmanager
def waiting(site: Site, uninstall: Callable[[], object]) -> Iterator[Json]:
    """Uninstall; gives the Job that this waits for, and says after the block that it is done.

    There is no kubelet: what the Job's Pod would run is run as a process (`execute`).
    """
    with futures.ThreadPoolExecutor() as pool:
        uninstalled = pool.submit(uninstall)
        (job,) = _until_there(site, "jobs")
        yield job
        (pod,) = _until_there(site, "pods", "--selector=batch.kubernetes.io/job-name")
        done = ("--subresource=status", "--type=merge", '--patch={"status":{"phase":"Succeeded"}}')
        site.plane.kubectl("patch", "pod", pod["metadata"]["name"], f"--namespace={NAMESPACE}", *done)
        uninstalled.result(60)


def execute(
    site: Site, job: Json, folder: Path, *, through: FaultProxy | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Job's command line in its environment, under its own account, its requests through a proxy or not."""
    spec = job["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    token = site.plane.token(job["metadata"]["namespace"], spec["serviceAccountName"], duration=HOUR)
    if through is None:
        kubeconfig = site.plane.kubeconfig_for(spec["serviceAccountName"], token)
    else:
        kubeconfig = through.kubeconfig(folder / "uninstall.kubeconfig", token=token)
    assert container["command"] == ["credential-operator"]
    return subprocess.run(
        [sys.executable, "-m", "credential_operator", *container["args"]],
        env={one["name"]: one.get("value", "") for one in container["env"]}
        | {"KUBECONFIG": str(kubeconfig), "HOME": str(folder), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def found(site: Site, kind: str, *options: str) -> list[Json]:
    """Give what there is of a kind in the operator's own namespace."""
    text = site.plane.kubectl("get", kind, f"--namespace={NAMESPACE}", "--output=json", *options).stdout
    return list(json.loads(text)["items"])


def _until_there(site: Site, kind: str, *options: str) -> list[Json]:
    sites.wait(lambda: found(site, kind, *options), f"there are {kind}")
    return found(site, kind, *options)

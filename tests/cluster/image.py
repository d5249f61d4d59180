"""The operator's image, built and run by buildah and podman, on a base made of Debian's packages."""

import contextlib
import dataclasses
import fcntl
import json
import pathlib
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any

from controlplane import cache, tools

ROOT = pathlib.Path(__file__).parents[2]
RELEASE = "bookworm"
"""The release of Debian that the base is made of: it has Python 3.11."""
PROGRAMS = {"buildah": "buildah", "podman": "podman", "runc": "runc", "debootstrap": "debootstrap"}
"""Programs, and the packages of Debian that have them."""
INCLUDED = "python3,python3-venv,ca-certificates"
NAME = "localhost/credential-operator:test"
AUTHORITIES = pathlib.Path("/etc/ssl/certs")
RESTRICTED = (
    *("--runtime=runc", "--cgroup-manager=cgroupfs", "--network=host", "--rm", "--read-only", "--tmpfs=/tmp"),
    *("--cap-drop=ALL", "--security-opt=no-new-privileges"),
    # Clusters' runtimes give a number that is nobody's no name.
    "--passwd=false",
    # More than root may give in a container of its own.
    *("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"),
)
"""What the chart's Deployment asks of a container's runtime."""


@dataclasses.dataclass(frozen=True)
class Image:
    """An image in a store of its own, which the next build takes its unchanged layers from."""

    store: pathlib.Path
    name: str = NAME

    def command(self, program: str, *words: str) -> list[str]:
        """Return a command of buildah or podman on this store."""
        return [program, f"--root={self.store}", f"--runroot={self.store}-run", *words]

    def run(self, program: str, *words: str) -> str:
        """Run such a command and return what it printed."""
        done = subprocess.run(self.command(program, *words), check=False, capture_output=True, text=True)
        assert done.returncode == 0, (
            f"{program} {' '.join(words)}:\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
        )
        return done.stdout

    def inspect(self) -> dict[str, Any]:
        """Return what is said of the image."""
        (found,) = json.loads(self.run("podman", "image", "inspect", self.name))
        return dict(found)

    def added(self) -> int:
        """Return how many bytes it adds to its base."""
        layers = json.loads(self.run("podman", "history", "--format=json", "--human=false", self.name))
        return sum(layer["size"] for layer in layers if "/opt/credential-operator" in layer["CreatedBy"])

    def container(self, *words: str) -> list[str]:
        """Return the command that runs a container as the chart has it run; `words`: options, image and arguments."""
        return self.command("podman", "run", *RESTRICTED, *words)


def build(
    directory: pathlib.Path,
    *,
    source: pathlib.Path = ROOT,
    name: str = NAME,
    base: str = "",
    options: Iterable[str] = ("--build-arg=VERSION=1.2.3",),
) -> Image:
    """Build the image of this checkout, or of a copy; raises AssertionError with what is missing, or what went wrong.

    Without a base it is made of Debian's packages, once.
    """
    folder = cache.folder() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    tools.install(PROGRAMS)
    image = Image(folder / "store", name)
    with _alone(folder):
        if not base:
            base = f"localhost/base:{RELEASE}"
            if image.run("buildah", "images", "--quiet", "--filter", f"reference={base}") == "":
                _make_base(image, base, directory / "base")
        # pip is to trust whom this machine trusts, and that is nothing that the image is to know.
        settings = directory / "pip.conf"
        settings.write_text(f"[global]\ncert = {AUTHORITIES}/ca-certificates.crt\n")
        image.run(
            *("buildah", "build", "--isolation=chroot", "--layers"),
            "--pull-never" if base.startswith("localhost/") else "--pull",
            *(f"--volume={AUTHORITIES}:{AUTHORITIES}:ro", f"--volume={settings}:/etc/pip.conf:ro"),
            *(f"--build-arg=BASE={base}", *options, f"--tag={image.name}", str(source)),
        )
        # Layers of stages are what the next build begins with, for a week.
        image.run("podman", "image", "prune", "--force", "--filter=until=168h")
    return image


def _make_base(image: Image, name: str, folder: pathlib.Path) -> None:
    """Make an image with Python out of Debian's packages."""
    command = ["debootstrap", "--variant=minbase", f"--include={INCLUDED}", RELEASE, str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"debootstrap:\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
    shutil.rmtree(folder / "var/cache/apt/archives")
    container = image.run("buildah", "from", "scratch").strip()
    image.run("buildah", "add", "--quiet", container, str(folder), "/")
    image.run("buildah", "commit", "--quiet", "--rm", container, name)
    shutil.rmtree(folder)


@contextlib.contextmanager
def _alone(folder: pathlib.Path) -> Iterator[None]:
    """Let one build at a time have the store."""
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield

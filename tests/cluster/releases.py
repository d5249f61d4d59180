"""A release as its users have it: built in a clone, its files in a folder, and a shell to type in."""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Mapping

from controlplane import ControlPlane, tools

ROOT = pathlib.Path(__file__).parents[2]
VERSION = "1.2.3"
REGISTRY, REPOSITORY = "registry.example.com", "registry.example.com/platform/credential-operator"
COMMITTED = (
    "git",
    "-c",
    "user.name=alice",
    "-c",
    "user.email=alice@example.com",
    "commit",
    "--quiet",
    "--all",
)


@dataclasses.dataclass(frozen=True)
class Release:
    """The files of a release, and what the build of it said."""

    folder: pathlib.Path
    said: str

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    @property
    def image(self) -> pathlib.Path:
        (found,) = self.folder.glob("*-image-*.tar")
        return found


@dataclasses.dataclass(frozen=True)
class Shell:
    """Where somebody types who has the release's files, kubectl and helm."""

    folder: pathlib.Path
    environment: Mapping[str, str]
    host: str = REGISTRY

    def type(self, commands: str) -> str:
        """Type commands until one fails; returns what they print."""
        done = subprocess.run(
            ["bash", "-e", "-u", "-o", "pipefail", "-c", commands.replace(REGISTRY, self.host)],
            cwd=self.folder,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{commands}{done.stdout}{done.stderr}"
        return done.stdout


def clone(to: pathlib.Path) -> pathlib.Path:
    """Make a repository with the files of this one, all committed, and a changelog that knows the version."""
    words = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    with (to / "CHANGELOG.md").open("a") as log:
        log.write(f"\n## [{VERSION}]\n\n- See [how](docs/installation.md).\n")
    for command in (("git", "init", "--quiet"), ("git", "add", "--all"), (*COMMITTED, "--message=All of it")):
        subprocess.run(command, cwd=to, check=True)
    return to


def build(
    clone: pathlib.Path, *options: str, what: str = "release", version: str = VERSION
) -> subprocess.CompletedProcess[str]:
    """Run what `make release` runs, or `make chart`."""
    return subprocess.run(
        [sys.executable, "-m", "delivery", what, f"--VERSION={version}", *options],
        cwd=clone,
        env=os.environ | {"PYTHONPATH": str(clone / "tests")},
        check=False,
        capture_output=True,
        text=True,
    )


def shell(plane: ControlPlane, folder: pathlib.Path) -> Shell:
    own = pathlib.Path(sys.executable).parent
    programs = (tools.path("kubectl").parent, tools.path("helm").parent, own)
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    return Shell(folder, plane.environment() | {"PATH": path})

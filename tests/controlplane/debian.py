"""Programs out of Debian's packages: unpacked without root, or installed where they need more than themselves."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from controlplane import processes, progress, recipes, wheels


def unpack(recipe: recipes.DebianRecipe, supervisor: processes.Supervisor, *, to: Path) -> None:
    """Write the recipe's programs into a folder; apt checks that they are Debian's."""
    programs = ", ".join(recipe.programs)
    if not shutil.which("apt-get"):
        raise wheels.FetchError(f"There is no apt-get: put {programs} on PATH.")
    status = progress.Progress(f"fetching {programs}, once")
    scratch = supervisor.folder / "debian"
    lists, archives = scratch / "lists", scratch / "cache" / "archives"
    for folder in (lists, archives):
        (folder / "partial").mkdir(parents=True)
    # Lists of its own: those of the machine may be old, or none, and only root may write them.
    own = [f"-oDir::State::lists={lists}", f"-oDir::Cache={scratch / 'cache'}", "-oAPT::Sandbox::User=root"]

    def run(*command: str | Path) -> None:
        supervisor.run(
            "apt",
            command,
            env=os.environ,
            cwd=scratch,
            meanwhile=lambda: status.show("from a package of Debian"),
        )

    run("apt-get", *own, "update")
    run("apt-get", *own, "download", recipe.package)
    (archive,) = scratch.glob("*.deb")
    run("dpkg", "--extract", archive, to / "debian")
    for name in recipe.programs:
        (to / name).symlink_to(Path("debian", "usr", recipe.folder, name))
    status.done("fetched")


def install(packages: Mapping[str, str], *, lock: Path) -> None:
    """Have programs on PATH that need libraries and settings of their own; `packages` says which package has each.

    Those that are missing are installed where this is root, one process at a time by the lock's file; raises
    wheels.FetchError that says what to install where they cannot be.
    """
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        missing = [program for program in packages if not shutil.which(program)]
        if not missing:
            return
        names = sorted({packages[program] for program in missing})
        told = f"{', '.join(missing)} is not on PATH: apt-get install {' '.join(names)}"
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise wheels.FetchError(told)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (("update",), ("install", "--yes", "--no-install-recommends", *names)):
            command = ["apt-get", "--quiet", *words]
            done = subprocess.run(command, check=False, capture_output=True, text=True, env=quiet)
            if done.returncode != 0:
                raise wheels.FetchError(f"{told}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")

"""Programs out of Debian's packages, unpacked without root beside everything else; nothing is installed."""

import os
import shutil
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
        (to / name).symlink_to(Path("debian", "usr", "bin", name))
    status.done("fetched")

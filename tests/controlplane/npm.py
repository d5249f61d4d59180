"""Installs a program from npm packages, as its lock says, with a Node that stays beside it."""

import json
import os
import shutil
from pathlib import Path

from controlplane import processes, progress, recipes, wheels

LOCK = "package-lock.json"
FOREIGN = {"NODE_OPTIONS", "NODE_PATH"}
"""Variables of the caller that would change what Node does."""
# Nothing of a package runs while it is installed.
OPTIONS = ("--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier")
PROGRAM = '#!/bin/sh\nhere=${{0%/*}}\nexec "$here/node" "$here/node_modules/{file}" "$@"\n'


def install(recipe: recipes.NodeRecipe, supervisor: processes.Supervisor, *, to: Path) -> None:
    """Write the recipe's program to a file, and what it needs beside it.

    The lock names no registry: npm's own configuration does, and each package's hash is checked.
    Raises processes.ProcessError with what npm said.
    """
    status = progress.Progress(f"installing {', '.join(recipe.programs)} {recipe.version}, once")
    status.show(f"fetching Node {recipe.node.version}")
    node, folder = wheels.node(recipe.node, supervisor), to.parent
    for name in ("package.json", LOCK):
        shutil.copy(recipe.module / name, folder)
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    wanted = _packages(recipe.module / LOCK)

    def show() -> None:
        status.show(
            f"{sum((folder / name / 'package.json').exists() for name in wanted)} of {len(wanted)} packages"
        )

    environment = _environment(supervisor.folder)
    supervisor.run("npm", [node, npm, "ci", *OPTIONS], env=environment, cwd=folder, meanwhile=show)
    node.rename(folder / "node")
    to.write_text(PROGRAM.format(file=recipe.package))
    to.chmod(0o755)
    status.done("installed")


def _packages(lock: Path) -> list[str]:
    """Return the folder of each package that a lock names."""
    return [name for name in json.loads(lock.read_text())["packages"] if name]


def _environment(scratch: Path) -> dict[str, str]:
    """Return the caller's environment (its registry counts) with the cache inside the scratch folder."""
    inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    # Node has authorities of its own; those of the machine are what every other tool here trusts.
    own = {"NODE_USE_SYSTEM_CA": "1", "npm_config_cache": str(scratch / "npm")}
    return {"HOME": str(scratch), **inherited, **own}

"""Where each program is: the folder of the envtest convention, the cache, or made on the spot."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from controlplane import cache, debian, recipes


def path(program: str) -> Path:
    """Return an executable file, building or fetching it first where it is nowhere yet.

    `KUBEBUILDER_ASSETS` may name a folder with etcd, kube-apiserver and kubectl; what it lacks is made.
    """
    recipe = recipes.BY_PROGRAM[program]
    return _asset(program) or _installed(program, recipe) or cache.ensure(recipe) / program


def install(packages: Mapping[str, str]) -> None:
    """Have programs on PATH that need libraries and settings of their own; `packages` says Debian's for each."""
    cache.folder().mkdir(parents=True, exist_ok=True)
    debian.install(packages, lock=cache.folder() / "apt.lock")


def installed(program: str) -> Path:
    """Return a program that is on PATH."""
    found = shutil.which(program)
    assert found, program
    return Path(found)


def _installed(program: str, recipe: recipes.Recipe) -> Path | None:
    """Return the program on PATH, where no version of its own is asked for."""
    found = shutil.which(program) if isinstance(recipe, recipes.DebianRecipe) else None
    return Path(found) if found else None


def _asset(program: str) -> Path | None:
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if not folder:
        return None
    found = Path(folder).absolute() / program
    return found if os.access(found, os.X_OK) else None

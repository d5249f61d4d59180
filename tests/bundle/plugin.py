"""The plugin as one file: a zipapp of the package and all that `requirements-cli.lock` names."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.executable).parent
NAME, COMPLETES = "kubectl-credential", "kubectl_complete-credential"
LOCAL = ("direct_url.json", "uv_cache.json", "INSTALLER", "REQUESTED", "RECORD")
"""Files of an installation that tell where and when it was made."""
ENTRY = "credential_operator.cli.__main__:main"
EPOCH = "315532800"
"""The time of all that is in it, in seconds: the earliest that a zip can say, so that two builds are the same."""

GUARD = """import sys

if sys.version_info[:2] != ({major}, {minor}):
    sys.exit(
        "Error: This file of kubectl credential is for Python {major}.{minor}, and python3 is another one: put that "
        "first on PATH, or install the package."
    )
"""
"""What it begins with: parts of it are compiled for one version of Python."""


def build(directory: pathlib.Path, *, source: pathlib.Path = ROOT) -> pathlib.Path:
    """Write the file into a directory, and return it; made of this repository, or of a copy."""
    directory.mkdir(parents=True, exist_ok=True)
    site, made, guard = (directory / name for name in ("site", NAME, "guard.py"))
    guard.write_text(GUARD.format(major=sys.version_info.major, minor=sys.version_info.minor))
    shutil.rmtree(site, ignore_errors=True)
    install(site, source, lock="requirements-cli.lock")
    _forget(site)
    words = ("--reproducible", "--compressed", "--python", "/usr/bin/env python3", "--entry-point", ENTRY)
    subprocess.run(
        [BIN / "shiv", "--site-packages", site, *words, "--preamble", guard, "--output-file", made],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
        check=True,
    )
    shutil.rmtree(site)
    guard.unlink()
    return made


def install(site: pathlib.Path, source: pathlib.Path, *, lock: str) -> None:
    """Install a copy of the repository into a folder, with all that one of its locks names."""
    _install(site, "--require-hashes", "--no-deps", "--requirements", str(source / lock))
    _install(site, "--no-deps", "--no-build-isolation", str(source))


def _install(site: pathlib.Path, *words: str) -> None:
    install = ("pip", "install", "--quiet", "--system-certs", "--no-compile-bytecode")
    python = ("--python", sys.executable)
    subprocess.run([BIN / "uv", *install, *python, "--target", site, *words], check=True)


def _forget(site: pathlib.Path) -> None:
    """Leave out what differs from machine to machine: nothing of it is read when the file runs."""
    shutil.rmtree(site / "bin", ignore_errors=True)
    for name in LOCAL:
        for file in site.glob(f"*.dist-info/{name}"):
            file.unlink()

"""What is released: a version, and a copy of the repository that says it everywhere."""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import tomllib

from delivery.refusals import Refused

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(alpha|beta|rc)\.(0|[1-9]\d*))?")
"""semver.org, of which Python's packages know three words for what comes before a release, and an image's tag no +."""
IMAGE = "credential-operator"
"""What the chart calls the image where nobody says where it will be."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Edition:
    """A version, and the folder in which everything says it."""

    version: str
    source: pathlib.Path
    revision: str = "unknown"
    epoch: int = 315532800
    """The time of all that is in archives, in seconds: the commit's."""
    repository: str = IMAGE
    """Where its image will be, without a tag."""
    url: str = ""
    """Where people find the project."""

    def environment(self) -> dict[str, str]:
        """Return the variables that keep the time of the build out of what is built."""
        return {"SOURCE_DATE_EPOCH": str(self.epoch)}


def check(version: str) -> str:
    """Return the version; raises Refused if it is none."""
    if not VERSION.fullmatch(version):
        raise Refused(
            f"VERSION={version} is no version: say 1.2.3, or 1.2.3-alpha.1, 1.2.3-beta.1, 1.2.3-rc.1 before it"
        )
    return version


def present(root: pathlib.Path) -> str:
    """Return the version that the repository has."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def clean(root: pathlib.Path) -> None:
    """Raise Refused where files of the repository differ from its last commit."""
    changed = _git(root, "status", "--porcelain").splitlines()
    if changed:
        files = "\n  ".join(changed[:10])
        raise Refused(
            f"{len(changed)} files are not as they were committed:\n  {files}\ncommit them, or build all the same "
            "with DIRTY=yes"
        )


def made(version: str, root: pathlib.Path, to: pathlib.Path, *, repository: str, url: str) -> Edition:
    """Copy the repository's files as they are, and have the copy say the version; no tracked file changes."""
    for name in _git(root, "ls-files", "-z").split("\0"):
        if name and (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)
    replace(to / "pyproject.toml", r'^version = ".*"$', f'version = "{version}"')
    chart = to / "deploy" / "chart"
    replace(chart / "Chart.yaml", r"^version: .*$", f"version: {version}")
    replace(chart / "Chart.yaml", r"^appVersion: .*$", f"appVersion: {version}")
    replace(chart / "values.yaml", rf"^  repository: {IMAGE}$", f"  repository: {repository}")
    revision, epoch = _git(root, "log", "-1", "--format=%H %ct").split()
    return Edition(
        version=version, source=to, revision=revision, epoch=int(epoch), repository=repository, url=url
    )


def replace(file: pathlib.Path, pattern: str, text: str) -> None:
    """Replace the one line of a file that matches."""
    changed, times = re.subn(pattern, lambda _: text, file.read_text(), flags=re.MULTILINE)
    assert times == 1, f"{file.name} has {times} lines that match {pattern}"
    file.write_text(changed)


def _git(root: pathlib.Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", root, *words], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(
            f"git {' '.join(words)}: {done.stderr.strip()}\na release is built from a clone of the repository"
        )
    return done.stdout

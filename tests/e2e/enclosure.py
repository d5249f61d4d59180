"""Namespaces and control groups of a run's own: all that lives in them ends with one process, however that ends."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from controlplane import processes, supervise

UNSHARE = (
    *("unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--propagation=private"),
    *("--fork", "--kill-child", "--mount-proc"),
)
FOLDER = "CREDENTIAL_OPERATOR_E2E_FOLDER"
"""The environment variable with the folder of the run, which is gone after it."""


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command as root of namespaces of its own, and return its exit status.

    Nothing of them is left when this returns, or soon after this process is killed.
    """
    with processes.Supervisor() as supervisor:
        for hierarchy in hierarchies():
            (hierarchy / supervisor.folder.name).mkdir()
        scratch = supervisor.folder / "tmp"
        scratch.mkdir()
        words = [*UNSHARE, sys.executable, "-m", "e2e.first", str(supervisor.folder), *command]
        own = {**environment, FOLDER: str(supervisor.folder), "TMPDIR": str(scratch)}
        with (
            subprocess.Popen(words, env=own) as process,
            supervisor.adopting(process.pid),
            _leaving_interrupts_to_the_command(),
        ):
            return process.wait()


def control_group() -> str:
    """Return the control group of this run, as seen from the top of each hierarchy."""
    return f"/{Path(os.environ[FOLDER]).name}"


def hierarchies() -> list[Path]:
    """Return where the control groups of this machine are: one place, or with version 1 one for each controller."""
    mounts = [line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    places = [Path(left.split()[4]) for left, right in mounts if right.split()[0] in {"cgroup", "cgroup2"}]
    top = supervise.CONTROL_GROUPS
    return [place for place in dict.fromkeys(places) if top in {place, place.parent}]


@contextlib.contextmanager
def _leaving_interrupts_to_the_command() -> Iterator[None]:
    """Let Ctrl-C, which reaches the command too, end that in its own way first."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

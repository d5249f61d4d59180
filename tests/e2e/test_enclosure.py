"""Nothing of an enclosure outlives the process that asked for it, however that process ends."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e import enclosure, first

pytestmark = pytest.mark.own_node
TESTS = Path(__file__).parents[1]
SECONDS = 30.0

OUTSIDE = """
    import os, sys
    from e2e import enclosure

    sys.exit(enclosure.run([sys.executable, "-c", sys.argv[1]], os.environ))
"""
INSIDE = """
    import os, pathlib, subprocess, sys, time
    from e2e import enclosure

    # As a container is: a session of its own, in control groups below those of the enclosure.
    program = subprocess.Popen(["sleep", "4711"], start_new_session=True)
    for hierarchy in enclosure.hierarchies():
        group = pathlib.Path(f"{hierarchy}{enclosure.control_group()}", "kubepods", "pod")
        group.mkdir(parents=True)
        if hierarchy.name in {"memory", "pids", "unified"}:
            (group / "cgroup.procs").write_text(str(program.pid))
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=True)
    print(os.environ[enclosure.FOLDER], os.readlink("/proc/self/ns/pid"), flush=True)
    if sys.argv[1:] == ["end"]:
        raise SystemExit(7)
    while True:
        time.sleep(1)
"""


def _start(inside: str) -> tuple[subprocess.Popen[str], Path, str]:
    """Start an enclosure as a shell does; returns its folder and the name of its processes' namespace, too."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OUTSIDE), textwrap.dedent(inside)],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    folder, namespace = process.stdout.readline().split()
    return process, Path(folder), namespace


def _left(folder: Path, namespace: str) -> list[str]:
    """Return what is left: processes, control groups, mounts and files."""
    pids = [place for place in Path("/proc").glob("[0-9]*") if _namespace(place) == namespace]
    groups = [hierarchy / folder.name for hierarchy in enclosure.hierarchies()]
    mounts = Path("/proc/self/mountinfo").read_text()
    found = [*pids, *(group for group in groups if group.exists()), *([folder] if folder.exists() else [])]
    return [*map(str, found), *(["a mount"] if folder.name in mounts else [])]


def _namespace(process: Path) -> str:
    try:
        return str((process / "ns" / "pid").readlink())
    except OSError:
        return ""


def _until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_an_enclosure_is_gone_with_who_asked_for_it(ending: signal.Signals) -> None:
    process, folder, namespace = _start(INSIDE)
    assert len(_left(folder, namespace)) > len(enclosure.hierarchies()) + 2

    process.send_signal(ending)  # not to the group: what is inside hears nothing of it
    process.communicate(timeout=SECONDS)
    assert _until(lambda: _left(folder, namespace) == []), _left(folder, namespace)


def test_an_enclosure_is_gone_after_an_interrupt_which_its_command_hears() -> None:
    process, folder, namespace = _start(INSIDE)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=SECONDS)
    assert process.returncode == first.KILLED + signal.SIGINT
    assert _left(folder, namespace) == []


def test_an_enclosure_ends_with_its_command_and_what_that_left_running() -> None:
    process, folder, namespace = _start(INSIDE.replace('sys.argv[1:] == ["end"]', "True"))
    process.communicate(timeout=SECONDS)
    assert process.returncode == 7
    assert _left(folder, namespace) == []

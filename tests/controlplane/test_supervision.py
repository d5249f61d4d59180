"""Nothing outlives the process that asked for it, however that process ends."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controlplane import processes

TESTS = Path(__file__).parents[1]
DEADLINE_SECONDS = 20.0

PLANE = """
    import json, os, sys, time
    from controlplane import ControlPlane

    with ControlPlane() as plane:
        pids = [*plane.pids().values(), plane.supervisor_pid]
        print(json.dumps({"pids": pids, "folder": str(plane.directory)}), flush=True)
        sys.stdin.readline()
        raise RuntimeError("a test failed")
"""

UNCLOSED = """
    import json, os, sys
    from controlplane import processes

    supervisor = processes.Supervisor()
    pids = [supervisor.start("sleep", ["sh", "-c", "sleep 600 & sleep 600"]), supervisor.pid]
    print(json.dumps({"pids": pids, "folder": str(supervisor.folder)}), flush=True)
    sys.stdin.readline()
    os._exit(1)
"""

FORKED = """
    import json, os, sys, time
    from controlplane import processes

    supervisor = processes.Supervisor()
    pids = [supervisor.start("sleep", ["sleep", "600"]), supervisor.pid]
    child = os.fork()
    if child == 0:
        time.sleep(600)
    print(json.dumps({"pids": pids, "folder": str(supervisor.folder), "fork": child}), flush=True)
    sys.stdin.readline()
"""

COMMAND = """
    import json, sys, threading, time
    from controlplane import ControlPlane

    with ControlPlane() as plane:
        command = ("wait", "--for=create", "--timeout=600s", "pod/never")
        threading.Thread(target=plane.kubectl, args=command).start()
        print(json.dumps({"pids": [plane.supervisor_pid], "folder": str(plane.directory)}), flush=True)
        sys.stdin.readline()
"""

Script = tuple[subprocess.Popen[str], dict[str, Any]]


@pytest.fixture
def run() -> Iterator[Callable[[str], Script]]:
    """Start a script in a process group of its own, and return it with the first line it printed."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str) -> Script:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            env=os.environ | {"PYTHONPATH": str(TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout
        return process, json.loads(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def runs(pid: int) -> bool:
    """Tell whether a process exists and is more than an exit code that waits to be read."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return bool(state.strip()) and not state.startswith("Z")


def members(group: str) -> list[str]:
    """Return the command lines of a group's processes that are more than an exit code."""
    command = ["ps", "-A", "-ww", "-o", "pgid=,stat=,args="]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if line.split()[0] == group and not line.split()[1].startswith("Z")]


def gone(told: dict[str, Any]) -> bool:
    return not any(map(runs, told["pids"])) and not Path(told["folder"]).exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_control_plane_is_gone_after_a_signal(run: Callable[[str], Script], ending: signal.Signals) -> None:
    process, told = run(PLANE)
    assert len(told["pids"]) == 4
    assert all(map(runs, told["pids"]))
    os.killpg(process.pid, ending)  # a terminal's Ctrl-C reaches the whole group too
    assert wait_until(lambda: gone(told))


def test_a_command_that_waits_is_gone_with_its_control_plane(run: Callable[[str], Script]) -> None:
    process, told = run(COMMAND)

    def waits() -> bool:
        return any("pod/never" in line for line in members(str(process.pid)))

    assert wait_until(waits)
    process.kill()
    assert wait_until(lambda: gone(told) and not waits())


def test_a_control_plane_is_gone_after_an_exception(run: Callable[[str], Script]) -> None:
    process, told = run(PLANE)
    process.communicate("\n")
    assert process.returncode == 1
    assert gone(told)


def test_children_of_children_are_gone_after_an_exit_that_closes_nothing(
    run: Callable[[str], Script],
) -> None:
    process, told = run(UNCLOSED)
    group = told["pids"][0]
    process.communicate("\n")
    assert wait_until(lambda: gone(told))
    assert members(str(group)) == []


def test_processes_are_gone_although_a_fork_of_the_parent_lives_on(run: Callable[[str], Script]) -> None:
    process, told = run(FORKED)
    try:
        process.kill()
        assert wait_until(lambda: gone(told))
        assert runs(told["fork"])
    finally:
        os.kill(told["fork"], signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a signal that only Linux has")
def test_processes_are_gone_when_their_supervisor_is_killed() -> None:
    with processes.Supervisor() as supervisor:
        pid = supervisor.start("sleep", ["sleep", "600"])
        os.kill(supervisor.pid, signal.SIGKILL)
        assert wait_until(lambda: not runs(pid))
        with pytest.raises(processes.ProcessError):
            supervisor.exit_code("sleep")
    assert not supervisor.folder.exists()


def test_a_program_that_is_not_there_is_an_error() -> None:
    with processes.Supervisor() as supervisor, pytest.raises(processes.ProcessError, match="no-such-program"):
        supervisor.start("it", ["/no-such-program"])


def test_a_log_and_an_exit_code_tell_how_a_process_ended() -> None:
    with processes.Supervisor() as supervisor:
        supervisor.start("it", ["sh", "-c", "echo one; echo two >&2; exit 7"])
        assert supervisor.wait("it", timeout=DEADLINE_SECONDS) == 7
        assert supervisor.tail("it", lines=1) == "two"


def test_an_answer_that_nobody_read_is_not_taken_for_the_next_one() -> None:
    with processes.Supervisor() as supervisor:
        supervisor.start("it", ["true"])
        supervisor.wait("it", timeout=DEADLINE_SECONDS)
        supervisor.send(do="poll", name="it")
        assert supervisor.start("other", ["sleep", "600"]) > 1
        assert supervisor.exit_code("other") is None

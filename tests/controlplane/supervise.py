"""Runs processes for a parent, and ends all of them and removes a folder when that parent is gone.

Control groups of the folder's name, in any of Linux's hierarchies, are removed with it.

Started as a program of its own, by path and with the standard library alone. It reads requests, one JSON
document a line, and answers each with one line. The end of its input means that the parent is gone: the
kernel closes a pipe however a process dies, which no handler in the parent could promise.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 10.0
PARENT_CHECK_SECONDS = 1.0
POLL_SECONDS = 0.02
PR_SET_PDEATHSIG = 1
CONTROL_GROUPS = Path("/sys/fs/cgroup")


def main() -> None:
    """Serve requests until the parent is gone, then clean up."""
    folder = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, _leave)
    children = Children()
    try:
        for line in _lines(os.getppid()):
            request = json.loads(line)
            _reply({"number": request["number"], **children.answer(request)})
    finally:
        children.end()
        _remove(folder)


class Children:
    """The processes that were started here, by name, and those that the parent started itself."""

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._adopted: set[int] = set()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked, and return what there is to say about it."""
        work = {
            "start": self._start,
            "poll": self._poll,
            "stop": self._stop,
            "adopt": self._adopt,
            "release": self._release,
        }[request["do"]]
        try:
            return work(request) or {}
        except (OSError, KeyError) as error:
            return {"error": str(error)}

    def end(self) -> None:
        """Kill them all."""
        for process in self._processes.values():
            _end(process)
        for pid in self._adopted:
            _kill(pid)

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        process = self._processes[request["name"]] = _started(request)
        return {"pid": process.pid}

    def _poll(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"code": self._processes[request["name"]].poll()}

    def _stop(self, request: dict[str, Any]) -> None:
        _end(self._processes[request["name"]])

    def _adopt(self, request: dict[str, Any]) -> None:
        self._adopted.add(request["pid"])

    def _release(self, request: dict[str, Any]) -> None:
        self._adopted.discard(request["pid"])


def _leave(_signal: int, _frame: object) -> None:
    sys.exit(0)


def _lines(parent: int) -> Iterator[bytes]:
    """Yield requests until the pipe ends, or until the parent is gone but a fork of it holds the pipe."""
    pending = b""
    while os.getppid() == parent:
        if not select.select([0], [], [], PARENT_CHECK_SECONDS)[0]:
            continue
        received = os.read(0, 65536)
        if not received:
            return
        *whole, pending = (pending + received).split(b"\n")
        yield from whole


def _reply(answer: dict[str, Any]) -> None:
    # A parent that died meanwhile is noticed by the next read.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(answer).encode() + b"\n")


def _started(request: dict[str, Any]) -> subprocess.Popen[bytes]:
    with Path(request["log"]).open("ab") as log:
        return subprocess.Popen(
            request["argv"],
            cwd=request["cwd"],
            env=request["env"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a group of its own: it is ended with all its children
            preexec_fn=_death_signal(),  # noqa: PLW1509 - safe: this program has one thread
        )


def _death_signal() -> Callable[[], None] | None:
    """Return what makes the kernel end a child when this program itself is killed; Linux only."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its children; what it leaves is thrown away, so nothing is lost by it."""
    if process.poll() is None:
        _kill(-process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)


def _kill(pid: int) -> None:
    """Kill a process, or a group of them, given as a negative number."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _remove(folder: Path) -> None:
    """Remove the folder, again where something that is about to die still writes into it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    groups = _groups(folder.name)
    while (folder.exists() or any(map(Path.exists, groups))) and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        for group in groups:
            _remove_group(group)
        time.sleep(POLL_SECONDS)


def _groups(name: str) -> list[Path]:
    """Return the control groups of a name: with version 1 of them there is one for each kind of limit."""
    return [*CONTROL_GROUPS.glob(name), *CONTROL_GROUPS.glob(f"*/{name}")]


def _remove_group(group: Path) -> None:
    """Remove a control group and those below it, as far as no process is left in them."""
    for folder, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


if __name__ == "__main__":
    main()

"""Processes that never outlive the Python process that asked for them."""

import contextlib
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SUPERVISOR = Path(__file__).with_name("supervise.py")
POLL_SECONDS = 0.02
SHOW_SECONDS = 0.2


class ProcessError(Exception):
    """A process could not be started, ended when it should run, or did not get ready in time."""


class Supervisor:
    """A folder and processes that are gone when it is closed, and also when this process is killed."""

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="credential-operator-"))
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            start_new_session=True,  # Ctrl-C in a terminal reaches a whole group; this one must survive it
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id of the supervising process."""
        return self._process.pid

    def start(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> int:
        """Start a process under a name and return its id; its output goes to `log(name)`."""
        answer = self._ask(
            do="start",
            name=name,
            argv=[str(word) for word in argv],
            env=dict(env) if env is not None else None,
            cwd=str(cwd) if cwd else None,
            log=str(self.log(name)),
        )
        return int(answer["pid"])

    def log(self, name: str) -> Path:
        """Return the file with everything the named process printed."""
        return self.folder / f"{name}.log"

    def tail(self, name: str, *, lines: int = 20) -> str:
        """Return the last lines the named process printed."""
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])

    def exit_code(self, name: str) -> int | None:
        """Return the named process's exit code, or None while it runs."""
        code = self._ask(do="poll", name=name)["code"]
        return None if code is None else int(code)

    def stop(self, name: str) -> None:
        """Kill the named process and its children, and wait until they are gone."""
        self._ask(do="stop", name=name)

    def wait(self, name: str, *, timeout: float) -> int:
        """Return the exit code of the named process; raises ProcessError after the timeout, in seconds."""
        deadline = time.monotonic() + timeout
        while (code := self.exit_code(name)) is None:
            if time.monotonic() > deadline:
                raise ProcessError(f"{name} still runs after {timeout:.0f} s")
            time.sleep(POLL_SECONDS)
        return code

    def run(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path,
        meanwhile: Callable[[], None],
    ) -> None:
        """Run a process to its end; raises ProcessError with what it printed where that is not 0.

        `meanwhile` is called again and again until then.
        """
        self.start(name, argv, env=env, cwd=cwd)
        while (code := self.exit_code(name)) is None:
            meanwhile()
            time.sleep(SHOW_SECONDS)
        if code != 0:
            raise ProcessError(f"{' '.join(map(str, argv))} ended with {code}:\n{self.tail(name)}")

    @contextlib.contextmanager
    def adopting(self, pid: int) -> Iterator[None]:
        """Have a child of this process killed too, if this process is killed before the end of the block."""
        self._ask(do="adopt", name="child", pid=pid)
        try:
            yield
        finally:
            self._ask(do="release", name="child", pid=pid)

    def close(self) -> None:
        """End every process and remove the folder; returns when both are gone."""
        with self._lock:
            if self._process.stdin:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.close()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)  # where the supervisor itself was killed

    def send(self, **request: Any) -> int:
        """Send a request and return its number; its answer is left unread."""
        if self._process.stdin is None or self._process.stdin.closed:
            raise ProcessError(f"closed before {request['do']} {request['name']}")
        number = next(self._numbers)
        # Without a reader there is no answer either, and that is reported.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"number": number, **request}).encode() + b"\n")
            self._process.stdin.flush()
        return number

    def _ask(self, **request: Any) -> dict[str, Any]:
        with self._lock:
            answer = self._answer(self.send(**request))
        if "error" in answer:
            raise ProcessError(f"cannot {request['do']} {request['name']}: {answer['error']}")
        return answer

    def _answer(self, number: int) -> dict[str, Any]:
        """Return the answer to a request; older ones belong to what a signal or a test's timeout cut off."""
        while self._process.stdout is not None:
            line = self._process.stdout.readline()
            if not line:
                break
            answer = dict(json.loads(line))
            if answer["number"] == number:
                return answer
        return {"error": "the supervisor is gone"}

"""Starts, stops and kills the operator, and reads what it says of itself."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from controlplane import ports

START = 90.0
"""Seconds until a replica must be ready."""
PREFIX = "CREDENTIAL_OPERATOR_"


class Replica:
    """A process of the operator.

    `settings` are its environment variables without their prefix, `packages` a folder of Python packages
    that it finds beside its own. It gets no other configuration of this machine: no home, no proxy, no AWS
    profile.
    """

    def __init__(
        self,
        kubeconfig: pathlib.Path,
        directory: pathlib.Path,
        *,
        name: str = "replica-1",
        namespace: str = "credential-operator",
        settings: Mapping[str, str] | None = None,
        packages: pathlib.Path | None = None,
        command: tuple[str, ...] = ("-m", "credential_operator", "run"),
    ) -> None:
        (self.port,) = ports.free(1)
        self.name = name
        self.log = directory / f"{name}.log"
        self._command = [sys.executable, *command]
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "KUBECONFIG": str(kubeconfig),
            **({"PYTHONPATH": str(packages)} if packages else {}),
            **{
                PREFIX + key.upper(): value
                for key, value in {
                    "own_namespace": namespace,
                    "identity": name,
                    "http_host": "127.0.0.1",
                    "http_port": str(self.port),
                    **(settings or {}),
                }.items()
            },
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            self.stop()

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """The process's id."""
        if self.process is None:
            raise RuntimeError("the replica was not started")
        return self.process.pid

    def start(self, *, wait: bool = True) -> None:
        """Starts the process and waits until it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Waits for /readyz; a process that ends instead is an error that shows its log."""
        until(self._is_ready, seconds=START, what=f"{self.name} is ready", hint=self.tail)

    def stop(self, *, seconds: float = 30.0) -> int:
        """Ends the process in order (SIGTERM); gives its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Ends the process at once (SIGKILL)."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def get(self, path: str) -> str:
        """Reads one of its HTTP endpoints."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def metric(self, name: str, **labels: str) -> float:
        """Sums the samples of a metric that have these labels."""
        return sum(value for found, value in self._samples(name) if labels.items() <= found.items())

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self, *, peak: bool = False) -> int:
        """Resident memory now, or the most so far."""
        field = "VmHWM:" if peak else "VmRSS:"
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

    def lines(self) -> list[dict[str, Any]]:
        """Gives its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def tail(self) -> str:
        """Gives the end of its log as it stands."""
        return self.log.read_text()[-4000:] if self.log.exists() else ""

    def _is_ready(self) -> bool:
        if not self.running:
            raise RuntimeError(f"{self.name} ended by itself:\n{self.tail()}")
        try:
            return self.get("/readyz").startswith("ok")
        except OSError:
            return False

    def _samples(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        for line in self.get("/metrics").splitlines():
            series, _, value = line.rpartition(" ")
            found, _, rest = series.partition("{")
            if found == name:
                pairs = (pair.partition("=") for pair in rest.rstrip("}").split('",') if pair)
                yield {key: text.strip('"') for key, _, text in pairs}, float(value)


def until(
    condition: Callable[[], bool], *, seconds: float, what: str, hint: Callable[[], str] | None = None
) -> None:
    """Waits for a condition, looked at every 50 ms; raises TimeoutError that says what was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}\n{hint() if hint else ''}")
        time.sleep(0.05)

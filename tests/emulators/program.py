"""A program that is the real thing, as a server on loopback: started, waited for, and gone with its block."""

from __future__ import annotations

import abc
import http.client
import pathlib
import time
import types
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from controlplane import ports, processes, tools
from emulators import certificates, versity_admin

ATTEMPTS = 5
POLL_SECONDS = 0.02

Argv = Sequence[str | pathlib.Path]


class Program(abc.ABC):
    """What such servers have in common; it is built or installed on first use unless `binary` names one."""

    name: ClassVar[str]
    """The program's name among `controlplane.tools`."""
    start_seconds: ClassVar[float] = 60.0

    def __init__(
        self, *, binary: str | pathlib.Path | None = None, tls: bool = True, hosts: Sequence[str] = ()
    ) -> None:
        self._binary = binary
        self._tls = tls
        self._hosts = hosts
        self._supervisor: processes.Supervisor | None = None
        self._authority: certificates.Authority | None = None
        self.port = 0

    @abc.abstractmethod
    def prepare(self, folder: pathlib.Path) -> None:
        """Lays out what it reads, before its first start; certificate.pem and key.pem are there, where it has TLS."""

    @abc.abstractmethod
    def command(self, binary: pathlib.Path, folder: pathlib.Path) -> tuple[Argv, Mapping[str, str]]:
        """Gives the arguments and the environment that have it serve on `self.port`."""

    @abc.abstractmethod
    def is_itself(self, status: int) -> bool:
        """Tells whether it is the program that answers `probe` with this status."""

    probe: ClassVar[str] = "/"
    """What it is asked for until it answers."""

    def __enter__(self) -> Self:
        """Starts serving."""
        program = pathlib.Path(self._binary or tools.path(self.name))
        self._supervisor = processes.Supervisor()
        try:
            self._start(program, self._supervisor)
        except BaseException:
            self._supervisor.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        """Stops serving; no process and no file is left behind."""
        if self._supervisor:
            self._supervisor.close()

    @property
    def url(self) -> str:
        """Where it serves, for example https://127.0.0.1:20001."""
        return f"{'https' if self._authority else 'http'}://{ports.ADDRESS}:{self.port}"

    @property
    def ca_pem(self) -> bytes:
        """The certificate of its authority; empty when it serves plain HTTP."""
        return self._authority.ca_pem.encode() if self._authority else b""

    @property
    def ca_path(self) -> str | None:
        """A file with `ca_pem` that lives as long as the server; None for plain HTTP."""
        return str(self._authority.ca_path) if self._authority else None

    def _start(self, program: pathlib.Path, supervisor: processes.Supervisor) -> None:
        """Starts it on a port nobody has; another process may take the port first, so it tries again."""
        folder = supervisor.folder
        if self._tls:
            self._authority = certificates.issue(folder, self._hosts)
            certificates.write(self._authority, folder)
        self.prepare(folder)
        for _ in range(ATTEMPTS):
            self.port = ports.free(1)[0]
            argv, environment = self.command(program, folder)
            supervisor.start(self.name, list(argv), env=dict(environment), cwd=folder)
            if self._serves(supervisor):
                return
            supervisor.stop(self.name)
        raise processes.ProcessError(f"{self.name} does not serve:\n{supervisor.tail(self.name)}")

    def _serves(self, supervisor: processes.Supervisor) -> bool:
        """Waits until it answers under our certificate; False when it ended or stays silent."""
        deadline = time.monotonic() + self.start_seconds
        while time.monotonic() < deadline and supervisor.exit_code(self.name) is None:
            try:
                status, _ = versity_admin.ask(self.url, self.ca_path, "GET", self.probe)
            except (OSError, http.client.HTTPException):
                status = 0
            # Asked again: whoever answered, it was not the program if that has ended.
            if status and self.is_itself(status) and supervisor.exit_code(self.name) is None:
                return True
            time.sleep(POLL_SECONDS)
        return False

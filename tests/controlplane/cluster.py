"""A cluster as its users see it: kubectl, helm, tokens and kubeconfigs."""

import datetime as dt
import functools
import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from controlplane import identities, processes, reading, tools

TIMEOUT_SECONDS = 180.0

Completed = subprocess.CompletedProcess[str]


class CommandError(subprocess.CalledProcessError):
    """A kubectl or helm that did not end with 0; its message includes what it printed."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.stdout}{self.stderr}"


class Cluster:
    """A cluster reached through a kubeconfig, and a folder for what belongs to this use of it."""

    def __init__(self, kubeconfig: Path | None = None) -> None:
        self._supervisor = processes.Supervisor()
        self.kubeconfig = kubeconfig or self.directory / "kubeconfig"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what was started and remove the folder."""
        self._supervisor.close()

    @property
    def directory(self) -> Path:
        """A folder that is removed at the end, also when this process is killed."""
        return self._supervisor.folder

    @property
    def url(self) -> str:
        """The address of the API server."""
        return str(self._entry()["server"])

    def read(self, path: str, **query: str) -> dict[str, Any] | None:
        """Read an object or a list as the kubeconfig's user, without a process for it; None if there is none."""
        return self._reader.read(path, query)

    @functools.cached_property
    def _reader(self) -> reading.Reader:
        return reading.Reader(self.kubeconfig)

    def kubectl(
        self,
        *args: str | Path,
        input: str | None = None,  # noqa: A002 - the name that subprocess.run gives it
        check: bool = True,
        impersonate: str | None = None,
        groups: tuple[str, ...] = (),
    ) -> Completed:
        """Run kubectl, as the kubeconfig's user or another; raises CommandError unless told not to check."""
        identity = [f"--as={impersonate}"] if impersonate else []
        identity += [f"--as-group={group}" for group in groups]
        return self._run([tools.path("kubectl"), *args, *identity], stdin=input, check=check)

    def helm(
        self,
        *args: str | Path,
        input: str | None = None,  # noqa: A002 - the same
        check: bool = True,
        impersonate: str | None = None,
        groups: tuple[str, ...] = (),
        program: str = "helm",
    ) -> Completed:
        """Run helm, as the kubeconfig's user or another; raises CommandError unless told not to check.

        The program is that of its present version, or `helm3`.
        """
        identity = [f"--kube-as-user={impersonate}"] if impersonate else []
        identity += [f"--kube-as-group={group}" for group in groups]
        return self._run([tools.path(program), *args, *identity], stdin=input, check=check)

    def token(self, namespace: str, service_account: str, *, duration: dt.timedelta) -> str:
        """Return a new token of a ServiceAccount; the API server grants no less than ten minutes."""
        options = [f"--namespace={namespace}", f"--duration={int(duration.total_seconds())}s"]
        return self.kubectl("create", "token", service_account, *options).stdout.strip()

    def kubeconfig_for(self, name: str, token: str) -> Path:
        """Return a kubeconfig, named as told, whose user shows the token."""
        content = identities.kubeconfig_of(self._entry(), {"token": token})
        return identities.write_kubeconfig(self.directory / f"{name}.kubeconfig", content)

    def metrics(self) -> str:
        """Return the API server's own metrics, in Prometheus's text format."""
        return self.kubectl("get", "--raw", "/metrics").stdout

    def environment(self) -> dict[str, str]:
        """Return this process's environment, with this cluster's kubeconfig and caches of their own."""
        return os.environ | {
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.directory / "kubectl"),
            "HELM_CACHE_HOME": str(self.directory / "helm" / "cache"),
            "HELM_CONFIG_HOME": str(self.directory / "helm" / "config"),
            "HELM_DATA_HOME": str(self.directory / "helm" / "data"),
        }

    def _entry(self) -> dict[str, Any]:
        """Return the cluster entry of the kubeconfig's current context, with its files read in."""
        view = self.kubectl("config", "view", "--minify", "--flatten", "--raw", "--output=json").stdout
        return dict(json.loads(view)["clusters"][0]["cluster"])

    def _run(self, command: list[str | Path], *, stdin: str | None, check: bool) -> Completed:
        words = [str(word) for word in command]
        with subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
        ) as process:
            try:
                with self._supervisor.adopting(process.pid):
                    stdout, stderr = process.communicate(stdin, timeout=TIMEOUT_SECONDS)
            except BaseException:
                process.kill()
                raise
        if check and process.returncode != 0:
            raise CommandError(process.returncode, words, stdout, stderr)
        return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)

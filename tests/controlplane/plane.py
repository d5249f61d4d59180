"""A control plane of one's own: etcd, kube-apiserver and kube-controller-manager on the loopback address."""

import contextlib
import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from controlplane import cluster, flags, identities, ports, processes, store, tools, usage

ATTEMPTS = 5
START_SECONDS = 90.0
POLL_SECONDS = 0.03
PROBE_SECONDS = 5.0
TAKEN = "address already in use"


class ControlPlane(cluster.Cluster):
    """A real control plane, started on entry and gone without a trace on exit; several run side by side."""

    def __init__(
        self,
        *,
        durable: bool = False,
        audit: bool = False,
        runtime_config: tuple[str, ...] = (),
        feature_gates: tuple[str, ...] = (),
        extra_flags: tuple[str, ...] = (),
        address: str = "",
    ) -> None:
        for name in (flags.ETCD, flags.API_SERVER, flags.CONTROLLER_MANAGER, "kubectl"):
            tools.path(name)  # made before anything is started: it may take minutes
        super().__init__()
        self._options = flags.Options(
            durable, audit, tuple(runtime_config), tuple(feature_gates), tuple(extra_flags), address
        )
        self._layout = flags.Layout(self.directory, *ports.free(4))
        self._pids: dict[str, int] = {}

    @classmethod
    def existing(cls, kubeconfig: str | Path) -> cluster.Cluster:
        """Return the same surface for a cluster of the user's own, of which nothing is started or ended."""
        return cluster.Cluster(Path(kubeconfig).expanduser().absolute())

    def __enter__(self) -> Self:
        try:
            self._write_files()
            self._start_on_free_ports()
        except BaseException:
            self.close()
            raise
        return self

    @property
    def url(self) -> str:
        """The address of the API server."""
        return self._layout.url

    @property
    def authority(self) -> Path:
        """The certificate that the API server's own is signed with."""
        return self._layout.identities.authority

    @property
    def identities(self) -> identities.Identities:
        """The certificates and keys of everything that belongs to it."""
        return self._layout.identities

    def kill_apiserver(self) -> None:
        """End the API server at once, as a crash does."""
        self._stop(flags.API_SERVER)

    def start_apiserver(self) -> None:
        """Start the API server on its old port and wait until it is ready."""
        self._start(flags.API_SERVER, flags.api_server(self._layout, self._options))
        self._wait(flags.API_SERVER, lambda: self._answers("/readyz"))

    def kill_etcd(self) -> None:
        """End etcd at once, as a crash does; what it had not synced survives only if the plane is durable."""
        self._stop(flags.ETCD)

    def start_etcd(self) -> None:
        """Start etcd on its old port and data and wait until it, and a running API server, is ready."""
        self._start(flags.ETCD, flags.etcd(self._layout, self._options))
        self._wait(flags.ETCD, lambda: store.healthy(self._layout.client_port))
        if flags.API_SERVER in self._pids:
            self._wait(flags.API_SERVER, lambda: self._answers("/readyz"))

    def etcd_dump(self) -> Iterator[tuple[str, bytes]]:
        """Yield every key of etcd with its stored bytes."""
        return store.dump(self._layout.client_port)

    def audit_events(self) -> Iterator[dict[str, Any]]:
        """Yield what every finished request was, by whom, and its answer's code; needs `audit=True`."""
        with self._layout.audit_log.open() as log:
            for line in log:
                with contextlib.suppress(json.JSONDecodeError):  # the last line may be half written
                    yield json.loads(line)

    def log(self, name: str) -> str:
        """Return everything that etcd, kube-apiserver or kube-controller-manager printed."""
        return self._supervisor.log(name).read_text(errors="replace")

    def pids(self) -> dict[str, int]:
        """Return the process ids of what runs, by program."""
        return dict(self._pids)

    @property
    def supervisor_pid(self) -> int:
        """The id of the process that ends all others when this one is gone."""
        return self._supervisor.pid

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor seconds used so far by what runs, by program; Linux only."""
        return {name: usage.cpu_seconds(pid) for name, pid in self._pids.items()}

    def resident_bytes(self) -> dict[str, int]:
        """Return the memory of what runs, by program; Linux only."""
        return {name: usage.resident_bytes(pid) for name, pid in self._pids.items()}

    def _write_files(self) -> None:
        files = self._layout.identities
        files.write(self._options.address)
        self._layout.audit_policy.write_text(flags.AUDIT_POLICY)

    def _write_kubeconfigs(self) -> None:
        files = self._layout.identities
        for target, pem in (
            (self.kubeconfig, files.admin),
            (self._layout.controller_kubeconfig, files.controller_manager),
        ):
            user = identities.certificate_user(pem)
            identities.write_kubeconfig(
                target, identities.kubeconfig(self.url, files.authority.read_bytes(), user)
            )

    def _start_on_free_ports(self) -> None:
        """Start everything, again on other ports where another program was faster to take one."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._write_kubeconfigs()
                self.start_etcd()
                self.start_apiserver()
                self._start_controller_manager()
            except processes.ProcessError as error:
                if TAKEN not in str(error) or attempt == ATTEMPTS:
                    raise
                for name in list(self._pids):
                    self._stop(name)
                self._layout = flags.Layout(self.directory, *ports.free(4))
            else:
                return

    def _start_controller_manager(self) -> None:
        name = flags.CONTROLLER_MANAGER
        self._start(name, flags.controller_manager(self._layout, self._options))
        self._wait(name, lambda: self._answers("/healthz", port=self._layout.controller_port))
        self._wait(name, lambda: self._answers("/api/v1/namespaces/default/serviceaccounts/default"))

    def _start(self, name: str, options: list[str]) -> None:
        # Only what this start prints counts when it fails.
        self._supervisor.log(name).unlink(missing_ok=True)
        self._pids[name] = self._supervisor.start(name, [tools.path(name), *options])

    def _stop(self, name: str) -> None:
        self._pids.pop(name, None)
        self._supervisor.stop(name)

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        """Wait until the program is ready; raises ProcessError with the end of its log."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._supervisor.exit_code(name) is not None or time.monotonic() > deadline:
                raise processes.ProcessError(f"{name} did not get ready:\n{self._supervisor.tail(name)}")
            time.sleep(POLL_SECONDS)

    def _answers(self, path: str, *, port: int | None = None) -> bool:
        """Tell whether a GET as the admin ends with 200."""
        files = self._layout.identities
        context = ssl.create_default_context(cafile=files.authority)
        context.load_cert_chain(files.admin)
        connection = http.client.HTTPSConnection(
            ports.ADDRESS, port or self._layout.api_port, timeout=PROBE_SECONDS, context=context
        )
        with contextlib.closing(connection):
            try:
                connection.request("GET", path)
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False

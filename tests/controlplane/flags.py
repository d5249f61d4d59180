"""The command lines of a control plane's three programs, as values."""

import dataclasses
from pathlib import Path

from controlplane import identities, ports

ETCD, API_SERVER, CONTROLLER_MANAGER = "etcd", "kube-apiserver", "kube-controller-manager"

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""


@dataclasses.dataclass(frozen=True)
class Options:
    """What a test may ask of a control plane."""

    durable: bool = False
    audit: bool = False
    runtime_config: tuple[str, ...] = ()
    feature_gates: tuple[str, ...] = ()
    extra_flags: tuple[str, ...] = ()
    address: str = ""
    """Where nodes and their Pods reach the API server; where there are none, only loopback does."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the parts of one control plane find each other: files below a folder, ports on loopback."""

    folder: Path
    client_port: int
    peer_port: int
    api_port: int
    controller_port: int

    @property
    def identities(self) -> identities.Identities:
        """The certificates and keys."""
        return identities.Identities(self.folder / "pki")

    @property
    def etcd_url(self) -> str:
        """Where etcd serves its clients."""
        return f"http://{ports.ADDRESS}:{self.client_port}"

    @property
    def url(self) -> str:
        """Where the API server serves."""
        return f"https://{ports.ADDRESS}:{self.api_port}"

    @property
    def etcd_data(self) -> Path:
        """The folder etcd writes to."""
        return self.folder / "etcd"

    @property
    def audit_log(self) -> Path:
        """One JSON document a line for every finished request, where auditing is on."""
        return self.folder / "audit.log"

    @property
    def audit_policy(self) -> Path:
        """The file that says what is audited."""
        return self.folder / "audit-policy.yaml"

    @property
    def controller_kubeconfig(self) -> Path:
        """The kubeconfig of kube-controller-manager."""
        return self.folder / "controller-manager.kubeconfig"


def etcd(layout: Layout, options: Options) -> list[str]:
    """Return etcd's flags: a cluster of one, which elects itself in 100 ms."""
    peer = f"http://{ports.ADDRESS}:{layout.peer_port}"
    return [
        f"--data-dir={layout.etcd_data}",
        f"--listen-client-urls={layout.etcd_url}",
        f"--advertise-client-urls={layout.etcd_url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--heartbeat-interval=20",
        "--election-timeout=100",
        "--log-level=warn",
        *([] if options.durable else ["--unsafe-no-fsync"]),
    ]


def api_server(layout: Layout, options: Options) -> list[str]:
    """Return kube-apiserver's flags: RBAC and the admission plugins of a default cluster."""
    files = layout.identities
    return [
        f"--etcd-servers={layout.etcd_url}",
        f"--secure-port={layout.api_port}",
        f"--tls-cert-file={files.server}",
        f"--tls-private-key-file={files.server}",
        f"--client-ca-file={files.authority}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={files.service_account_key}",
        f"--service-account-signing-key-file={files.service_account_key}",
        f"--service-cluster-ip-range={identities.SERVICES}",
        *(_with_nodes(layout, options.address) if options.address else _alone()),
        *_joined("--runtime-config", options.runtime_config),
        *_joined("--feature-gates", options.feature_gates),
        *(_audit(layout) if options.audit else []),
        *options.extra_flags,
    ]


def controller_manager(layout: Layout, options: Options) -> list[str]:
    """Return kube-controller-manager's flags: each controller has the identity it has in real clusters."""
    files = layout.identities
    return [
        f"--kubeconfig={layout.controller_kubeconfig}",
        f"--bind-address={ports.ADDRESS}",
        f"--secure-port={layout.controller_port}",
        f"--tls-cert-file={files.server}",
        f"--tls-private-key-file={files.server}",
        f"--service-account-private-key-file={files.service_account_key}",
        f"--root-ca-file={files.authority}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        # Its own limit of 20 requests a second would make the start five seconds longer.
        "--kube-api-qps=1000",
        "--kube-api-burst=1000",
        *_joined("--feature-gates", options.feature_gates),
    ]


def _joined(flag: str, values: tuple[str, ...]) -> list[str]:
    return [f"{flag}={','.join(values)}"] if values else []


def _alone() -> list[str]:
    """Return the flags of an API server that nothing reaches through a Service."""
    return [f"--bind-address={ports.ADDRESS}", "--endpoint-reconciler-type=none"]


def _with_nodes(layout: Layout, address: str) -> list[str]:
    """Return the flags of an API server that nodes register with, and that Pods reach as a Service."""
    files = layout.identities
    return [
        "--bind-address=0.0.0.0",
        f"--advertise-address={address}",
        "--authorization-mode=Node",
        "--enable-admission-plugins=NodeRestriction",
        f"--kubelet-certificate-authority={files.authority}",
        f"--kubelet-client-certificate={files.admin}",
        f"--kubelet-client-key={files.admin}",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def _audit(layout: Layout) -> list[str]:
    return [f"--audit-policy-file={layout.audit_policy}", f"--audit-log-path={layout.audit_log}"]

"""What the programs of a node read: their configuration, as values."""

import json
from pathlib import Path
from typing import Any

from controlplane import identities
from e2e import first, images

Json = dict[str, Any]

PODS = "10.244.0.0/16"
RUNTIME = "/run/containerd/containerd.sock"
NETWORK = {
    "cniVersion": "0.4.0",
    "name": "pods",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "pods",
            "isDefaultGateway": True,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]]},
        }
    ],
}


def containerd(folder: Path, plugins: Path) -> str:
    """Return containerd's configuration."""
    runtime = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""\
version = 2
root = "{folder / "containerd"}"
state = "/run/containerd"
[grpc]
address = "{RUNTIME}"
[{runtime}]
sandbox_image = "{images.PAUSE}"
disable_apparmor = true
# Not every root may lower what the kernel kills last.
restrict_oom_score_adj = true
[{runtime}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[{runtime}.containerd.runtimes.runc.options]
SystemdCgroup = false
[{runtime}.cni]
bin_dir = "{plugins}"
conf_dir = "{folder / "network"}"
[{runtime}.registry]
config_path = "{folder / "registries"}"
"""


def kubelet(folder: Path, files: identities.Identities, *, control_group: str) -> Json:
    """Return kubelet's configuration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": first.ADDRESS,
        "authentication": {"anonymous": {"enabled": False}, "x509": {"clientCAFile": str(files.authority)}},
        "tlsCertFile": str(files.server),
        "tlsPrivateKeyFile": str(files.server),
        "containerRuntimeEndpoint": f"unix://{RUNTIME}",
        "podLogsDir": str(folder / "pods"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": control_group,
        "failCgroupV1": False,
        "failSwapOn": False,
        # Mounted Secrets follow in seconds in place of a minute.
        "syncFrequency": "10s",
        "makeIPTablesUtilChains": False,
        "imageGCHighThresholdPercent": 100,
        # The disk is the machine's, and what is on it not the tests' business.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    }


def proxy(kubeconfig: Path) -> Json:
    """Return kube-proxy's configuration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": identities.NODE_NAME,
        "clusterCIDR": PODS,
        # 0: the machine's own limits stay.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def write(folder: Path, name: str, content: Json) -> Path:
    """Write a configuration as JSON, which is YAML too."""
    file = folder / name
    file.write_text(json.dumps(content, indent=2))
    return file

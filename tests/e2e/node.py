"""A control plane with a node: scheduler, kubelet, kube-proxy and containerd, inside of an enclosure."""

import os
from pathlib import Path
from typing import Self

import controlplane
from controlplane import cache, identities, processes, recipes
from e2e import enclosure, first, layout

IMPORT_SECONDS = 300.0


class Node(controlplane.ControlPlane):
    """A cluster of one node, which is there with its images on entry; its Pods end with the enclosure."""

    def __init__(self, archive: Path) -> None:
        super().__init__(address=first.ADDRESS)
        self._archive = archive
        self._programs = cache.ensure(recipes.CONTAINERD)

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._configure()
            self._start_containerd()
            self._start_kubernetes()
        except BaseException:
            self.close()
            raise
        return self

    @property
    def folder(self) -> Path:
        """Where the programs of the node have their files."""
        return Path(os.environ[enclosure.FOLDER]) / "node"

    def trust(self, registry: str, authority: Path) -> None:
        """Have images pulled from a registry whose certificate is signed by this authority."""
        folder = self.folder / "registries" / registry
        folder.mkdir(parents=True)
        (folder / "hosts.toml").write_text(
            f'server = "https://{registry}"\n[host."https://{registry}"]\nca = "{authority}"\n'
        )

    def _configure(self) -> None:
        for name in ("network", "registries"):
            (self.folder / name).mkdir(parents=True)
        plugins = cache.ensure(recipes.PLUGINS)
        (self.folder / "containerd.toml").write_text(layout.containerd(self.folder, plugins))
        layout.write(self.folder / "network", "pods.conflist", layout.NETWORK)

    def _start_containerd(self) -> None:
        path = os.pathsep.join([str(self._programs), os.environ["PATH"]])
        command: list[str | Path] = [
            self._programs / "containerd",
            f"--config={self.folder / 'containerd.toml'}",
        ]
        self._supervisor.start("containerd", command, env={**os.environ, "PATH": path})
        self._wait("containerd", Path(layout.RUNTIME).is_socket)
        ctr: list[str | Path] = [self._programs / "ctr", f"--address={layout.RUNTIME}", "--namespace=k8s.io"]
        self._supervisor.start("import", [*ctr, "images", "import", self._archive])
        if self._supervisor.wait("import", timeout=IMPORT_SECONDS) != 0:
            raise processes.ProcessError(f"containerd does not take the images:\n{self.log('import')}")

    def _start_kubernetes(self) -> None:
        user = {
            name: self._kubeconfig(name) for name in (identities.NODE, identities.SCHEDULER, identities.PROXY)
        }
        group, programs = enclosure.control_group(), cache.ensure(recipes.KUBELET)
        kubelet = layout.write(
            self.folder, "kubelet.yaml", layout.kubelet(self.folder, self.identities, control_group=group)
        )
        proxy = layout.write(self.folder, "proxy.yaml", layout.proxy(user[identities.PROXY]))
        for name, options in (
            ("kube-scheduler", [f"--kubeconfig={user[identities.SCHEDULER]}", "--leader-elect=false"]),
            ("kube-proxy", [f"--config={proxy}"]),
            (
                "kubelet",
                [
                    f"--config={kubelet}",
                    f"--kubeconfig={user[identities.NODE]}",
                    f"--root-dir={self.folder / 'kubelet'}",
                    f"--hostname-override={identities.NODE_NAME}",
                    f"--node-ip={first.ADDRESS}",
                ],
            ),
        ):
            self._supervisor.start(name, [programs / name, *options])
        self._wait("kubelet", self._ready)

    def _kubeconfig(self, name: str) -> Path:
        files = self.identities
        user = identities.certificate_user(files.of_node(name))
        content = identities.kubeconfig(self.url, files.authority.read_bytes(), user)
        return identities.write_kubeconfig(self.folder / f"{name}.kubeconfig", content)

    def _ready(self) -> bool:
        node = self.read(f"/api/v1/nodes/{identities.NODE_NAME}") or {"status": {}}
        conditions = node["status"].get("conditions", ())
        return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)

"""What Krew installs the plugin from: an archive for each platform, and a manifest that names them by their sums.

krew.sigs.k8s.io/docs/developer-guide/plugin-manifest
"""

import hashlib
import pathlib
import platform
import re
from collections.abc import Iterable
from typing import Any

import yaml

from bundle import archives, plugin

TEMPLATE = plugin.ROOT / "deploy" / "krew" / "credential.yaml"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
NAMED = re.compile(rf"{plugin.NAME}-(?P<os>[a-z]+)-(?P<arch>[a-z0-9]+)\.tar\.gz")
LICENSE = "LICENSE"


class Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Give the node of a text."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Dumper.add_representer(str, Dumper.represent_text)


def archive(made: pathlib.Path) -> pathlib.Path:
    """Pack the plugin for the platform of this machine, beside it; two times the same is the same to the bit."""
    machine = platform.machine().lower()
    name = f"{made.name}-{platform.system().lower()}-{ARCHITECTURES.get(machine, machine)}.tar.gz"
    files = {source.name: source for source in (made, plugin.ROOT / LICENSE)}
    return archives.squeeze(made.with_name(name), files, level=1)


def manifest(version: str, releases: str, packages: Iterable[pathlib.Path]) -> dict[str, Any]:
    """Return the manifest of a version, whose archives will be at an address."""
    document: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text())
    document["spec"] |= {
        "version": f"v{version}",
        "homepage": releases,
        "platforms": [_platform(packed, releases) for packed in sorted(packages)],
    }
    return document


def written(document: dict[str, Any]) -> str:
    """Return a manifest as its file has it."""
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, width=110)


def _platform(packed: pathlib.Path, releases: str) -> dict[str, Any]:
    named = NAMED.fullmatch(packed.name)
    assert named is not None, packed
    return {
        "selector": {"matchLabels": named.groupdict()},
        "uri": f"{releases}/{packed.name}",
        "sha256": hashlib.sha256(packed.read_bytes()).hexdigest(),
        "bin": plugin.NAME,
        "files": [{"from": name, "to": "."} for name in (plugin.NAME, LICENSE)],
    }

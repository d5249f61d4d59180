"""What the chart renders, document by document, as text: its comments are for readers of manifests, too."""

import dataclasses
import pathlib
import re
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from controlplane import tools

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "credential-operator"
"""The release, and the namespace that it is installed in."""
START = re.compile(r"^---\n# Source: [^/\n]+/templates/(\S+)\n", re.MULTILINE)
KIND = re.compile(r"^kind: (\S+)$", re.MULTILINE)
HELM = re.compile(
    r"^ +(app\.kubernetes\.io/managed-by|helm\.sh/[a-z-]+): .*\n|^  annotations:\n(?=(?: +helm\.sh/.*\n)+(?! {4}))",
    re.MULTILINE,
)
"""What tells that Helm made an object, and annotations that have nothing else."""


@dataclasses.dataclass(frozen=True)
class Manifest:
    """One document of a template."""

    template: str
    text: str

    @property
    def document(self) -> dict[str, Any]:
        """What it says."""
        return dict(yaml.safe_load(self.text))

    @property
    def kind(self) -> str:
        """What it makes, read without the rest: a definition is long."""
        (kind,) = KIND.findall(self.text)
        return str(kind)

    def plain(self) -> "Manifest":
        """Return it without what is for Helm alone."""
        return dataclasses.replace(self, text=HELM.sub("", self.text))


@dataclasses.dataclass(frozen=True)
class Rendering:
    """All documents: those of the installation, and the hooks of its end."""

    installed: tuple[Manifest, ...]
    hooks: tuple[Manifest, ...]

    def of(self, kind: str) -> Iterator[Manifest]:
        """Give the documents of a kind that are installed."""
        return (one for one in self.installed if one.kind == kind)


def render(chart: pathlib.Path, *options: str, namespace: str = NAME) -> Rendering:
    """Return what helm makes of the chart without a cluster; raises what it says if it does not."""
    command = [str(tools.path("helm")), "template", NAME, str(chart), f"--namespace={namespace}", *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"helm template: {done.stderr}")
    documents = tuple(_split(done.stdout))
    hooks = tuple(one for one in documents if "helm.sh/hook:" in one.text)
    return Rendering(tuple(one.plain() for one in documents if one not in hooks), _plain(hooks))


def join(manifests: Iterable[Manifest]) -> str:
    """Return documents as one file."""
    return "---\n".join(f"{one.text.strip()}\n" for one in manifests)


def _plain(manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    return tuple(one.plain() for one in manifests)


def _split(text: str) -> Iterator[Manifest]:
    _, *parts = START.split(text)
    for template, content in zip(parts[::2], parts[1::2], strict=True):
        yield Manifest(template, content)

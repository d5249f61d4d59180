"""The files of a release but for the image, each written from the copy that says the version."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

from packageurl import PackageURL

from bundle import archives, krew, plugin
from controlplane import tools
from delivery import changelog, inventory, kustomize, rendering, sbom
from delivery.edition import Edition
from delivery.rendering import NAME

SUMS = "SHA256SUMS"
NOTES = "release-notes.md"


def packages(edition: Edition, folder: pathlib.Path, work: pathlib.Path) -> None:
    """Write the wheel and the sources that it is made of."""
    out = work / "packages"
    words = ("--quiet", "--wheel", "--sdist", "--no-build-isolation", "--offline", "--python", sys.executable)
    _run(edition, plugin.BIN / "uv", "build", *words, "--out-dir", out, edition.source)
    for built in (*out.glob("*.whl"), *out.glob("*.tar.gz")):
        shutil.copy(built, folder)


def chart(edition: Edition, folder: pathlib.Path, work: pathlib.Path) -> None:
    """Write the chart as helm packs it, but for the times of its files."""
    _run(edition, tools.path("helm"), "package", edition.source / kustomize.CHART, f"--destination={work}")
    (packed,) = work.glob(f"{NAME}-*.tgz")
    with tarfile.open(packed) as tar:
        tar.extractall(work / "chart", filter="data")
    archives.squeeze(folder / packed.name, archives.below(work / "chart"), time=edition.epoch)


def manifests(edition: Edition, folder: pathlib.Path, work: pathlib.Path) -> None:
    """Write the definitions, the cluster-wide installation and its end as one file each, and what kustomize reads."""
    found = rendering.render(edition.source / kustomize.CHART)
    crds = [one for one in found.installed if one.kind == "CustomResourceDefinition"]
    rest = [one for one in found.installed if one.kind != "CustomResourceDefinition"]
    (folder / "crds.yaml").write_text(rendering.join(crds))
    space = rendering.Manifest("", kustomize.NAMESPACE)
    (folder / "install.yaml").write_text(rendering.join([space, *crds, *rest]))
    (folder / "uninstall.yaml").write_text(rendering.join(found.hooks))
    written = kustomize.files(kustomize.read(edition.source))
    kustomize.write(kustomize.stale(edition.source, written))
    below = work / "kustomize"
    shutil.copytree(edition.source / kustomize.FOLDER, below / kustomize.FOLDER)
    shutil.copytree(edition.source / "crds", below / "crds", ignore=shutil.ignore_patterns("*.md", "types"))
    files = archives.below(below)
    archives.squeeze(folder / f"{NAME}-kustomize-{edition.version}.tar.gz", files, time=edition.epoch)


def cli(edition: Edition, folder: pathlib.Path, work: pathlib.Path, *, releases: str) -> None:
    """Write the plugin's archive for this platform, and Krew's manifest of it."""
    packed = krew.archive(plugin.build(work / "plugin", source=edition.source))
    shutil.copy(packed, folder)
    document = krew.manifest(edition.version, releases, [folder / packed.name])
    (folder / krew.TEMPLATE.name).write_text(krew.written(document))


def bills(edition: Edition, folder: pathlib.Path, work: pathlib.Path) -> None:
    """Write what the operator and the plugin are made of, on this platform."""
    for name, lock in ((NAME, "requirements.lock"), (plugin.NAME, "requirements-cli.lock")):
        site = work / name
        plugin.install(site, edition.source, lock=lock)
        found = {one.name: one for one in inventory.python(site)}
        own = found.pop(NAME)
        url = PackageURL("pypi", None, own.name, own.version)
        needs = own.needs if name == NAME else ()
        text = sbom.bill(url, found.values(), version=edition.version, epoch=edition.epoch, needs=needs)
        (folder / f"{name}-{edition.version}.cdx.json").write_text(text)


def notes(edition: Edition, folder: pathlib.Path, *, image: str) -> None:
    """Write what changes for users, and where the image is told from others."""
    said = changelog.notes((edition.source / "CHANGELOG.md").read_text(), edition.version)
    (folder / NOTES).write_text(f"# {NAME} {edition.version}\n\n{image}\n\n{said}\n")


def sums(folder: pathlib.Path) -> None:
    """Write the checksum of every file, as `sha256sum --check` reads them."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.iterdir())
    ]
    (folder / SUMS).write_text("".join(lines))


def _run(edition: Edition, *command: str | pathlib.Path) -> None:
    environment = os.environ | edition.environment()
    subprocess.run(command, check=True, capture_output=True, text=True, env=environment)

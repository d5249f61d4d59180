"""The image as one file, an OCI layout that every registry takes, and what is in it."""

import json
import pathlib
import platform
import re
import shutil

from packageurl import PackageURL

from bundle import archives, krew
from cluster import image as images
from cluster.image import Image
from delivery import inventory, sbom
from delivery.edition import Edition
from delivery.inventory import Package
from delivery.refusals import Refused

DEBIAN = "debian"
"""In place of a base's name: one is made of Debian's packages, without an image registry."""


def architecture() -> str:
    """Return this machine's, in the words of images."""
    machine = platform.machine().lower()
    return krew.ARCHITECTURES.get(machine, machine)


def check() -> None:
    """Raise Refused where a program is missing."""
    missing = [program for program in images.PROGRAMS if not shutil.which(program)]
    if missing:
        packages = " ".join(sorted(images.PROGRAMS[program] for program in missing))
        raise Refused(
            f"{', '.join(missing)}: not on PATH, and the image is built by them: apt-get install {packages}, or leave "
            "the image out with IMAGE=no"
        )


def build(edition: Edition, folder: pathlib.Path, work: pathlib.Path, *, base: str) -> str:
    """Write the image and its bill of materials; returns its digest."""
    try:
        image = images.build(
            work,
            source=edition.source,
            name=f"localhost/{edition.repository.rpartition('/')[2]}:{edition.version}",
            base="" if base == DEBIAN else base or _usual_base(edition),
            options=_options(edition),
        )
    except AssertionError as error:
        raise Refused(
            f"{error}\nthe image was not built. BASE=… names another base, which has Python 3.11 or later; "
            f"BASE={DEBIAN} makes one of Debian's packages, without an image registry; IMAGE=no leaves it out"
        ) from error
    stem = f"credential-operator-image-{edition.version}-linux-{architecture()}"
    layout = work / "layout"
    image.run("buildah", "push", "--quiet", "--format=oci", image.name, f"oci:{layout}:{edition.version}")
    archives.pack(folder / f"{stem}.tar", archives.below(layout), time=edition.epoch)
    (manifest,) = json.loads((layout / "index.json").read_text())["manifests"]
    digest = str(manifest["digest"])
    (folder / f"{stem}.cdx.json").write_text(_bill(edition, image, digest))
    return digest


def _usual_base(edition: Edition) -> str:
    (name,) = re.findall(r"^ARG BASE=(.+)$", (edition.source / "Dockerfile").read_text(), re.MULTILINE)
    return str(name)


def _options(edition: Edition) -> list[str]:
    said = [f"--build-arg=VERSION={edition.version}", f"--build-arg=REVISION={edition.revision}"]
    said += [f"--label=org.opencontainers.image.source={edition.url}"] if edition.url else []
    # A layer of an earlier build has that build's time.
    return [*said, f"--timestamp={edition.epoch}", "--no-cache"]


def contents(root: pathlib.Path) -> list[Package]:
    """Return what is in the image's root: Debian's packages, the operator's, and a Python that is none of these."""
    of_base = inventory.debian(root)
    if not of_base:
        raise Refused(
            "the image's base is not of Debian's family: its packages are not known. Take another BASE"
        )
    sites = [*root.glob("opt/credential-operator/lib/python3.*/site-packages")]
    own = "python3" not in {one.name for one in of_base}
    sites += [*root.glob("usr/local/lib/python3.*/site-packages")] if own else []
    found = [*of_base, *(one for site in sites for one in inventory.python(site))]
    return [*found, inventory.interpreter(root / "opt/credential-operator")] if own else found


def _bill(edition: Edition, image: Image, digest: str) -> str:
    container = image.run("buildah", "from", "--pull-never", image.name).strip()
    try:
        root = pathlib.Path(image.run("buildah", "mount", container).strip())
        packages = contents(root)
    finally:
        image.run("buildah", "rm", container)
    qualifiers = {"arch": architecture(), "tag": edition.version, "repository_url": edition.repository}
    url = PackageURL("oci", None, edition.repository.rpartition("/")[2], digest, qualifiers)
    return sbom.bill(url, packages, version=edition.version, epoch=edition.epoch)

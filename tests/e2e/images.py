"""The images that the node has before anything is pulled: the operator's, and what holds a Pod together."""

import subprocess
from pathlib import Path

from cluster import image as operator_image
from controlplane import cache

OPERATOR = operator_image.NAME
PAUSE = "localhost/pause:1"
"""The container that keeps a Pod's namespaces; of the operator's image, so that it adds nothing."""


def archive(folder: Path) -> Path:
    """Build what has changed of the images, and return a file with both, as `ctr image import` reads them."""
    image = operator_image.build(folder)
    recipe = folder / "pause"
    recipe.write_text(f'FROM {OPERATOR}\nENTRYPOINT ["sleep", "infinity"]\nCMD []\n')
    image.run(
        *("buildah", "build", "--isolation=chroot", "--layers", "--pull-never"),
        *(f"--tag={PAUSE}", f"--file={recipe}", str(folder)),
    )
    file = folder / "images.tar"
    # Docker's own form of archive: its layers are not compressed, which only takes time on one machine.
    image.run("podman", "save", "--quiet", "--multi-image-archive", f"--output={file}", OPERATOR, PAUSE)
    return file


def push(program: Path, name: str, *, folder: Path, login: tuple[str, str], authority: Path) -> None:
    """Push an image that is one program, and nothing else, to a registry."""
    image = operator_image.Image(cache.folder() / "images" / "store", name)
    certificates = folder / "certificates"
    certificates.mkdir()
    (certificates / "ca.crt").write_bytes(authority.read_bytes())
    recipe = folder / "program"
    recipe.write_text(f'FROM scratch\nCOPY {program.name} /program\nENTRYPOINT ["/program"]\n')
    image.run(
        *("buildah", "build", "--isolation=chroot", "--layers", f"--tag={name}"),
        *(f"--file={recipe}", str(program.resolve().parent)),
    )
    accounts = folder / "accounts.json"
    command = ["buildah", "login", f"--authfile={accounts}", f"--cert-dir={certificates}"]
    host, user, password = name.partition("/")[0], *login
    subprocess.run(
        [*command, f"--username={user}", "--password-stdin", host], input=password, text=True, check=True
    )
    image.run(
        *("buildah", "push", "--quiet", f"--authfile={accounts}", f"--cert-dir={certificates}"),
        *(name, f"docker://{name}"),
    )
    image.run("buildah", "rmi", name)

"""`make release`, `make image`, `make chart`: what users install, as files in dist/, and nothing published."""

import argparse
import contextlib
import functools
import pathlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

from controlplane import progress, wheels
from delivery import changelog, edition, parts, picture
from delivery.edition import Edition
from delivery.refusals import Refused
from delivery.rendering import ROOT

DIST = ROOT / "dist"
RELEASES = "https://example.com/credential-operator/releases"
"""Where archives will be, as long as nobody says."""


def main() -> int:
    """Build what is asked for; what went wrong is said, and leaves nothing behind."""
    chosen = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        built = {"release": _release, "image": _image, "chart": _chart}[chosen.what](chosen)
    except (Refused, wheels.FetchError) as error:
        sys.stderr.write(f"make {chosen.what}: {error}\n")
        return 1
    except subprocess.CalledProcessError as error:
        said = f"{error.stdout or ''}{error.stderr or ''}"
        sys.stderr.write(f"make {chosen.what}: {' '.join(map(str, error.cmd))}\n{said}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"\nmake {chosen.what}: interrupted; nothing was left in {DIST.name}/\n")
        return 130
    for file in built:
        sys.stdout.write(f"{file.relative_to(ROOT)}  {file.stat().st_size / 1e3:,.0f} kB\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make", description=__doc__)
    parser.add_argument("what", choices=["release", "image", "chart"])
    parser.add_argument(
        "--VERSION",
        dest="version",
        default="",
        help="such as 1.2.3; default for image and chart: the present one",
    )
    parser.add_argument(
        "--IMAGE", dest="image", default="yes", choices=["yes", "no"], help="no: a release without the image"
    )
    parser.add_argument(
        "--DIRTY", dest="dirty", default="no", choices=["yes", "no"], help="yes: files need not be committed"
    )
    parser.add_argument(
        "--BASE", dest="base", default="", help=f"the image's base; {picture.DEBIAN}: made of its packages"
    )
    parser.add_argument(
        "--REPOSITORY",
        dest="repository",
        default=edition.IMAGE,
        help="where the image will be, without a tag",
    )
    parser.add_argument(
        "--RELEASES", dest="releases", default=RELEASES, help="the address at which archives will be"
    )
    parser.add_argument(
        "--HOMEPAGE", dest="url", default="", help="the address at which people find the project"
    )
    return parser.parse_args()


def _release(chosen: argparse.Namespace) -> list[pathlib.Path]:
    version = edition.check(chosen.version)
    if chosen.dirty == "no":
        edition.clean(ROOT)
    changelog.notes((ROOT / "CHANGELOG.md").read_text(), version)
    if chosen.image == "yes":
        picture.check()
    with _building(DIST / version) as (folder, work):
        copy = _copied(chosen, version, work)
        told = functools.partial(_told, folder, work)
        told("wheel and sources", functools.partial(parts.packages, copy))
        told("chart", functools.partial(parts.chart, copy))
        told("manifests", functools.partial(parts.manifests, copy))
        told("kubectl credential", functools.partial(parts.cli, copy, releases=chosen.releases.rstrip("/")))
        told("bills of materials", functools.partial(parts.bills, copy))
        parts.notes(copy, folder, image=_imaged(chosen, copy, folder, work))
        parts.sums(folder)
    return sorted((DIST / version).iterdir())


def _imaged(chosen: argparse.Namespace, copy: Edition, folder: pathlib.Path, work: pathlib.Path) -> str:
    """Build the image, unless told not to; returns what the notes say of it."""
    if chosen.image == "no":
        sys.stderr.write("IMAGE=no: THE IMAGE IS LEFT OUT, and its bill of materials\n")
        return "No image is part of this release."
    digests = []

    def build(folder: pathlib.Path, work: pathlib.Path) -> None:
        digests.append(picture.build(copy, folder, work, base=chosen.base))

    _told(folder, work, "image", build)
    return f"Image: `{copy.repository}:{copy.version}`, on {picture.architecture()} `{digests[0]}`"


def _image(chosen: argparse.Namespace) -> list[pathlib.Path]:
    picture.check()
    version = edition.check(chosen.version or edition.present(ROOT))
    with _building(DIST / f"image-{version}") as (folder, work):
        copy = _copied(chosen, version, work)
        _imaged(chosen, copy, folder, work)
    return sorted((DIST / f"image-{version}").iterdir())


def _chart(chosen: argparse.Namespace) -> list[pathlib.Path]:
    version = edition.check(chosen.version or edition.present(ROOT))
    with _building(DIST / f"chart-{version}") as (folder, work):
        copy = _copied(chosen, version, work)
        _told(folder, work, "chart", functools.partial(parts.chart, copy))
    return sorted((DIST / f"chart-{version}").iterdir())


def _copied(chosen: argparse.Namespace, version: str, work: pathlib.Path) -> Edition:
    return edition.made(version, ROOT, work / "source", repository=chosen.repository, url=chosen.url)


def _told(
    folder: pathlib.Path, work: pathlib.Path, what: str, build: Callable[[pathlib.Path, pathlib.Path], None]
) -> None:
    """Build a part, and say how long it took."""
    status = progress.Progress(what)
    status.show("is built")
    own = work / what.replace(" ", "-")
    own.mkdir()
    build(folder, own)
    status.done("built")


@contextlib.contextmanager
def _building(target: pathlib.Path) -> Iterator[tuple[pathlib.Path, pathlib.Path]]:
    """Give a folder for files and one for work; the first takes its place when it is whole, and else goes, too."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    folder, work = partial / "files", partial / "work"
    for one in (folder, work):
        one.mkdir(parents=True)
    try:
        yield folder, work
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

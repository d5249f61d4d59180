"""What is in a folder of Python packages or a root of Debian's, read from what each says of itself."""

import dataclasses
import importlib.metadata
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping

import packaging.requirements
import packaging.utils
from packageurl import PackageURL

SHORT = 60
"""The most characters of a licence's name: some write the whole text there."""
CLASSIFIER = "License :: OSI Approved :: "
ALTERNATIVE = re.compile(r"\s*[|,]\s*")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Package:
    """A package, and the names of those that it needs."""

    name: str
    version: str
    url: PackageURL
    needs: tuple[str, ...] = ()
    license: str = ""
    summary: str = ""


def python(site: pathlib.Path) -> list[Package]:
    """Return the packages of a site-packages folder."""
    found = importlib.metadata.distributions(path=[str(site)])
    return sorted(map(_distribution, found), key=lambda one: one.name)


def interpreter(environment: pathlib.Path) -> Package:
    """Return the Python that a virtual environment was made with."""
    version = _fields((environment / "pyvenv.cfg").read_text(), " = ")["version"]
    return Package(name="python", version=version, url=PackageURL("generic", None, "python", version))


def debian(root: pathlib.Path) -> list[Package]:
    """Return the packages that a root filesystem says are installed; none where it is not of Debian's family."""
    status = root / "var/lib/dpkg/status"
    if not status.is_file():
        return []
    release = _fields((root / "usr/lib/os-release").read_text(), "=")
    distro = f"{release['ID']}-{release['VERSION_ID']}"
    paragraphs = (_fields(text, ": ") for text in status.read_text().split("\n\n") if text.strip())
    installed = (one for one in paragraphs if one["Status"] == "install ok installed")
    return sorted((_deb(one, release["ID"], distro) for one in installed), key=lambda one: one.name)


def _distribution(found: importlib.metadata.Distribution) -> Package:
    name, said = packaging.utils.canonicalize_name(found.name), found.metadata.json
    return Package(
        name=name,
        version=found.version,
        url=PackageURL("pypi", None, name, found.version),
        needs=tuple(sorted(set(_needed(found.requires or ())))),
        license=_license(said),
        summary=str(said.get("summary", "")),
    )


def _needed(requirements: Iterable[str]) -> Iterator[str]:
    for text in requirements:
        requirement = packaging.requirements.Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield packaging.utils.canonicalize_name(requirement.name)


def _license(said: Mapping[str, str | list[str]]) -> str:
    """Return what a package says of its licence: an expression, else a name, else its classifiers."""
    name = str(said.get("license_expression") or said.get("license") or "")
    if name and len(name) <= SHORT and "\n" not in name and name != "UNKNOWN":
        return name
    named = (one.removeprefix(CLASSIFIER) for one in said.get("classifier", ()) if one.startswith(CLASSIFIER))
    return ", ".join(named)


def _deb(fields: dict[str, str], vendor: str, distro: str) -> Package:
    name, version = fields["Package"], fields["Version"]
    qualifiers = {"arch": fields["Architecture"], "distro": distro}
    needed = ",".join(fields.get(field, "") for field in ("Pre-Depends", "Depends"))
    words = (one.split() for one in ALTERNATIVE.split(needed))
    return Package(
        name=name,
        version=version,
        url=PackageURL("deb", vendor, name, version, qualifiers),
        needs=tuple(sorted({one[0].partition(":")[0] for one in words if one})),
        summary=fields.get("Description", ""),
    )


def _fields(text: str, separator: str) -> dict[str, str]:
    """Return the fields of a paragraph; of those with more lines, the first."""
    pairs = (line.partition(separator) for line in text.splitlines() if not line.startswith(" "))
    return {name: value.strip('" ') for name, _, value in pairs}

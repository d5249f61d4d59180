"""What a release is called, what its notes say, what is listed of it, and that archives tell no time."""

import json
import os
import pathlib
import tarfile
from collections.abc import Mapping

import pytest
from packageurl import PackageURL

from bundle import archives
from delivery import changelog, edition, inventory, picture, sbom
from delivery.inventory import Package
from delivery.refusals import Refused

LOG = """# Changelog

## [Unreleased]

### Added

- A thing ([how](docs/thing.md), [why](https://example.com/why)).

## [1.1.0] - 2026-01-02

- An older thing.

## [1.0.0]
"""
STATUS = """Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.17-1~deb12u2
Depends: libc6 (>= 2.34)
Description: Secure Sockets Layer toolkit
 A second line: with a colon.

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9
Pre-Depends: libgcc-s1:any | other

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


BASE = {"var/lib/dpkg/status": STATUS, "usr/lib/os-release": 'ID=debian\nVERSION_ID="12"\n'}
OWN = "opt/credential-operator"


def write(root: pathlib.Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize("version", ["0.1.0", "1.2.3", "10.20.30", "1.0.0-alpha.0", "2.0.0-rc.12"])
def test_a_version_is_taken_as_it_is(version: str) -> None:
    assert edition.check(version) == version


@pytest.mark.parametrize(
    "version",
    [
        "",
        "1",
        "1.2",
        "v1.2.3",
        "01.2.3",
        "1.2.3.4",
        "1.2.3-",
        "1.2.3-next",
        "1.2.3-rc1",
        "1.2.3+build",
        "1.2.3\n",
    ],
)
def test_what_is_no_version_is_refused_with_examples(version: str) -> None:
    with pytest.raises(Refused, match=r"1\.2\.3"):
        edition.check(version)


def test_notes_are_the_versions_own_and_else_what_is_not_released_yet() -> None:
    assert changelog.notes(LOG, "1.1.0") == "- An older thing."
    assert changelog.notes(LOG, "1.2.0").startswith(
        "### Added\n\n- A thing (how (`docs/thing.md`), [why](https:"
    )


def test_a_changelog_that_says_nothing_is_refused() -> None:
    for empty in ("# Changelog\n", "## [Unreleased]\n\n### Added\n", LOG.partition("### Added")[0]):
        with pytest.raises(Refused, match="CHANGELOG"):
            changelog.notes(empty, "1.2.0")


def test_debians_packages_are_those_that_are_installed(tmp_path: pathlib.Path) -> None:
    assert inventory.debian(tmp_path) == []
    write(tmp_path, BASE)

    libc, ssl = inventory.debian(tmp_path)

    assert ssl.url.to_string() == "pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64&distro=debian-12"
    assert (ssl.needs, ssl.summary) == (("libc6",), "Secure Sockets Layer toolkit")
    assert (libc.name, libc.needs) == ("libc6", ("libgcc-s1", "other"))


def test_an_image_has_its_bases_packages_ours_and_a_python_that_is_of_neither(tmp_path: pathlib.Path) -> None:
    def package(folder: str) -> str:
        return f"{folder}/lib/python3.13/site-packages/thing-1.dist-info/METADATA"

    with pytest.raises(Refused, match="BASE"):
        picture.contents(tmp_path)
    write(tmp_path, BASE)
    write(
        tmp_path,
        {
            f"{OWN}/pyvenv.cfg": "version = 3.13.1\n",
            package(OWN): "Name: ours\nVersion: 1.0\n",
            package("usr/local"): "Name: pip\nVersion: 26.0\n",
        },
    )

    found = [one.url.to_string().partition("?")[0] for one in picture.contents(tmp_path)]

    assert found == [
        *("pkg:deb/debian/libc6@2.36-9", "pkg:deb/debian/libssl3@3.0.17-1~deb12u2"),
        *("pkg:pypi/ours@1.0", "pkg:pypi/pip@26.0", "pkg:generic/python@3.13.1"),
    ]


@pytest.mark.parametrize(
    ("said", "license_name"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: no", "MIT OR Apache-2.0"),
        ("License: BSD", "BSD"),
        (f"License: {'all of it ' * 9}\nClassifier: License :: OSI Approved :: MIT License", "MIT License"),
        ("License: UNKNOWN", ""),
        ("Summary: none", ""),
    ],
)
def test_a_python_package_says_its_licence_in_one_of_three_places(
    tmp_path: pathlib.Path, said: str, license_name: str
) -> None:
    folder = tmp_path / "The_Thing-1.0.dist-info"
    folder.mkdir()
    needs = 'Requires-Dist: Other_One>=2\nRequires-Dist: extra-only; extra == "more"\n'
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: The_Thing\nVersion: 1.0\n{said}\n{needs}")

    (found,) = inventory.python(tmp_path)

    assert found.license == license_name
    assert found.url.to_string() == "pkg:pypi/the-thing@1.0"
    assert found.needs == ("other-one",)


def test_a_bill_says_who_needs_whom_and_the_same_each_time() -> None:
    def package(name: str, *needs: str) -> Package:
        url = PackageURL("pypi", None, name, "1")
        return Package(name=name, version="1", url=url, needs=needs, license="MIT")

    packages = [package("top", "middle"), package("middle", "low", "not-here"), package("low")]
    url = PackageURL("oci", None, "operator", "sha256:7")

    text = sbom.bill(url, packages, version="1.2.3", epoch=0)

    found = json.loads(text)
    edges = {one["ref"]: one.get("dependsOn", []) for one in found["dependencies"]}
    assert edges[url.to_string()] == ["pkg:pypi/top@1"]
    assert edges["pkg:pypi/middle@1"] == ["pkg:pypi/low@1"]
    assert {one["licenses"][0]["license"]["id"] for one in found["components"]} == {"MIT"}
    assert found["metadata"]["component"]["type"] == "container"
    assert sbom.bill(url, packages, version="1.2.3", epoch=0) == text
    with pytest.raises(ValueError, match="bill"):
        sbom.check(text.replace('"container"', '"box"'))


def test_archives_tell_neither_when_nor_by_whom_they_were_made(tmp_path: pathlib.Path) -> None:
    made = []
    for number, name in enumerate(("one", "two")):
        folder = tmp_path / name
        (folder / "sub").mkdir(parents=True)
        for file in ("b", "a", "sub/c"):
            (folder / file).write_text(file)
            os.utime(folder / file, (number * 1000, number * 1000))
        (folder / "a").chmod(0o700 + number)
        files = archives.below(folder)
        made.append(
            (
                archives.squeeze(folder / "x.tgz", files).read_bytes(),
                archives.pack(folder / "x.tar", files).read_bytes(),
            )
        )
    assert made[0] == made[1]
    with tarfile.open(tmp_path / "one" / "x.tgz") as tar:
        entries = [(entry.name, entry.mode, entry.mtime, entry.uid, entry.uname) for entry in tar]
    assert entries == [("a", 0o755, 0, 0, ""), ("b", 0o644, 0, 0, ""), ("sub/c", 0o644, 0, 0, "")]

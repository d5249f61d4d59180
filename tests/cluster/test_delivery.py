"""A release, built once, and installed in each way that docs/installation.md shows, by what it has people type."""

import dataclasses
import email
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import pages
import replica
from cluster import endings, releases, sites
from cluster import image as images
from cluster.releases import REGISTRY, REPOSITORY, VERSION, Release, Shell, build, shell
from cluster.sites import NAMESPACE
from controlplane import ControlPlane, tools
from delivery import edition, sbom
from emulators.aws import AwsEmulator
from emulators.distribution import PASSWORD, USERNAME, Distribution

pytestmark = pytest.mark.timeout(900)
ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "installation.md").read_text()
TYPED = {
    heading: pages.blocks(text, "sh")
    for heading, text in re.findall(r"^##+ ([^\n]+)\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)
}
"""What the page has people type, by its headings."""

Json = dict[str, Any]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A repository with the files of this one, all committed."""
    return releases.clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def released(clone: pathlib.Path) -> Release:
    tools.install(images.PROGRAMS)
    done = build(clone, "--BASE=debian", f"--REPOSITORY={REPOSITORY}", "--HOMEPAGE=https://example.com/ours")
    assert done.returncode == 0, done.stdout + done.stderr
    return Release(clone / "dist" / VERSION, done.stderr)


@pytest.fixture(scope="module")
def digest(released: Release) -> Iterator[tuple[str, str]]:
    """A registry that the image was copied to as the page says: its host, and the image's digest there."""
    tools.install({"skopeo": "skopeo"})
    with Distribution([]) as registry:
        (copy,) = TYPED["The image"]
        login = released.folder.parent / "auth.json"
        shell = Shell(
            released.folder,
            os.environ | {"REGISTRY_AUTH_FILE": str(login), "SSL_CERT_FILE": str(registry.ca_path)},
            registry.host,
        )
        shell.type(f"skopeo login --username {USERNAME} --password-stdin {REGISTRY} <<<{PASSWORD}")
        yield registry.host, shell.type(copy).split()[-1]


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    """A control plane of the test's own, which has nothing of the operator."""
    with ControlPlane() as started:
        yield started


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEmulator]:
    """A cloud of these tests' own: users are named after namespaces, and the pages give those their names."""
    with AwsEmulator() as emulator:
        yield emulator


# What is built


def test_make_has_a_word_for_each() -> None:
    for what, words in (
        ("release", ("VERSION=1.2.3", "IMAGE=no", "DIRTY=yes")),
        ("image", ("BASE=debian",)),
        ("chart", ("REPOSITORY=a/b",)),
    ):
        shown = subprocess.run(
            ["make", "--dry-run", "--no-print-directory", what, *words],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        given = [f'--{name} "{value}"' for name, value in (word.split("=") for word in words)]
        assert re.search(rf"-m delivery {what} +{' +'.join(given)}\s*$", shown), shown


@pytest.mark.parametrize(
    ("version", "options", "said"),
    [
        (VERSION, (), "with DIRTY=yes"),
        ("9.9.9", ("--DIRTY=yes",), "CHANGELOG.md says nothing of 9.9.9"),
    ],
)
def test_what_must_not_be_released_is_refused_and_leaves_nothing(
    clone: pathlib.Path, version: str, options: tuple[str, ...], said: str
) -> None:
    log = (clone / "CHANGELOG.md").read_text()
    there = set((clone / "dist").rglob("*"))
    (clone / "CHANGELOG.md").write_text(log.replace("\n- ", "\n* "))
    try:
        done = build(clone, *options, version=version)
    finally:
        (clone / "CHANGELOG.md").write_text(log)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert set((clone / "dist").rglob("*")) == there


def test_the_chart_alone_is_packed_in_the_present_version(clone: pathlib.Path) -> None:
    done = build(clone, what="chart", version="")
    assert done.returncode == 0, done.stderr
    packed = clone / done.stdout.split()[0]
    with tarfile.open(packed) as tar:
        chart = yaml.safe_load(tar.extractfile("credential-operator/Chart.yaml") or "")
    present = edition.present(ROOT)
    assert (chart["version"], packed.name) == (present, f"credential-operator-{present}.tgz")
    shutil.rmtree(packed.parent)


def test_a_step_that_fails_says_why_and_leaves_nothing(clone: pathlib.Path) -> None:
    about = clone / "deploy" / "chart" / "Chart.yaml"
    text = about.read_text()
    about.write_text(text.replace("name: credential-operator", "name: ''"))
    try:
        done = build(clone, what="chart")
    finally:
        about.write_text(text)
    assert (done.returncode, done.stdout) == (1, "")
    assert "helm package" in done.stderr
    assert "chart.metadata.name is required" in done.stderr
    assert not [
        path for path in (clone / "dist").iterdir() if VERSION not in path.name or "chart" in path.name
    ]


def test_without_the_programs_for_the_image_it_says_which_and_how_to_do_without(
    clone: pathlib.Path, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(tmp_path))
    done = build(clone)
    assert done.returncode == 1
    assert re.search(r"buildah.* not on PATH.*apt-get install.*IMAGE=no", done.stderr)


def test_everything_is_there_and_has_its_checksum(released: Release) -> None:
    folder = released.folder
    there = {path.name for path in folder.iterdir()}
    listed = {line.split()[1] for line in released.text("SHA256SUMS").splitlines()}
    assert listed == there - {"SHA256SUMS"}
    assert re.findall(r"^(.+): built, ", released.said, re.MULTILINE) == [
        *("wheel and sources", "chart", "manifests", "kubectl credential", "bills of materials", "image")
    ]
    (check,) = re.findall(r"^sha256sum .*$", PAGE, re.MULTILINE)
    Shell(folder, os.environ).type(check)
    cells = re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE)
    patterns = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    assert there == {name for pattern in patterns for name in fnmatch.filter(there, pattern)}
    assert all(fnmatch.filter(there, pattern) for pattern in patterns)


def test_no_file_of_the_repository_changed(released: Release) -> None:
    clone = released.folder.parents[1]
    shown = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, check=True, capture_output=True, text=True
    )
    assert shown.stdout == ""
    assert sorted(path.name for path in (clone / "dist").iterdir() if path.is_dir()) == [VERSION]


def test_all_of_it_says_the_same_version(released: Release, tmp_path: pathlib.Path) -> None:
    folder = released.folder
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (one for one in opened.namelist() if one.endswith(".dist-info/METADATA"))
        assert email.message_from_bytes(opened.read(name))["Version"] == VERSION
    with tarfile.open(folder / f"credential-operator-{VERSION}.tgz") as tar:
        tar.extractall(tmp_path, filter="data")
    chart = yaml.safe_load((tmp_path / "credential-operator" / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)
    assert set(re.findall(r"image: (\S+)", released.text("install.yaml"))) == {f"{REPOSITORY}:{VERSION}"}
    assert set(re.findall(r"kubernetes.io/version: (\S+)", released.text("install.yaml"))) == {f'"{VERSION}"'}
    assert yaml.safe_load(released.text("credential.yaml"))["spec"]["version"] == f"v{VERSION}"
    assert "\n- See how (`docs/installation.md`).\n" in released.text("release-notes.md")
    bills = [json.loads(path.read_text()) for path in sorted(folder.glob("*.cdx.json"))]
    assert [one["metadata"]["component"]["version"] for one in bills] == [VERSION] * 3
    with tarfile.open(next(folder.glob("kubectl-credential-*.tar.gz"))) as tar:
        tar.extractall(tmp_path, filter="data")
    with zipfile.ZipFile(tmp_path / "kubectl-credential") as opened:
        assert f"site-packages/credential_operator-{VERSION}.dist-info/METADATA" in opened.namelist()


def test_the_bills_say_what_is_in_it_in_words_that_the_schema_knows(released: Release) -> None:
    kinds = {}
    for path in released.folder.glob("*.cdx.json"):
        sbom.check(path.read_text())
        components = json.loads(path.read_text())["components"]
        kinds[path.name] = {re.sub(r"@.*", "", one["purl"]) for one in components}
    of_image = kinds[f"{released.image.stem}.cdx.json"]
    of_operator, of_plugin = (
        kinds[f"{name}-{VERSION}.cdx.json"] for name in ("credential-operator", "kubectl-credential")
    )
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert {"pkg:deb/debian/libc6", "pkg:deb/debian/python3-venv", "pkg:pypi/credential-operator"} <= of_image
    assert of_operator < of_image
    assert of_operator <= {f"pkg:pypi/{name}" for name in locked}
    assert len(of_operator) > len(locked) - 4, "but for what other systems need"
    assert "pkg:pypi/rich" in of_plugin - of_operator


def test_the_image_says_what_it_is_and_where_from(released: Release, digest: tuple[str, str]) -> None:
    shown = Shell(released.folder, os.environ).type(f"skopeo inspect oci-archive:{released.image}")
    found = json.loads(shown)
    prefix = "org.opencontainers.image."
    labels = {
        name.removeprefix(prefix): text for name, text in found["Labels"].items() if name.startswith(prefix)
    }
    head = ["git", "rev-parse", "HEAD"]
    revision = subprocess.run(
        head, cwd=released.folder, check=True, capture_output=True, text=True
    ).stdout.strip()
    assert labels.pop("description")
    assert labels == {
        "title": "credential-operator",
        "licenses": "Apache-2.0",
        "version": VERSION,
        "revision": revision,
        "source": "https://example.com/ours",
        "base.name": "localhost/base:bookworm",
    }
    assert found["Digest"] == digest[1]
    assert f"`{REPOSITORY}:{VERSION}`" in released.text("release-notes.md")
    assert digest[1] in released.text("release-notes.md")


def test_a_second_build_without_the_image_says_so_and_has_the_same_files(
    released: Release, clone: pathlib.Path
) -> None:
    first = dict(line.split()[::-1] for line in released.text("SHA256SUMS").splitlines())
    kept = clone / "kept"
    shutil.copytree(released.folder, kept)
    try:
        done = build(clone, "--IMAGE=no", "--DIRTY=yes", f"--REPOSITORY={REPOSITORY}")
        assert done.returncode == 0, done.stderr
        assert "THE IMAGE IS LEFT OUT" in done.stderr
        second = dict(line.split()[::-1] for line in released.text("SHA256SUMS").splitlines())
    finally:
        shutil.rmtree(released.folder)
        kept.rename(released.folder)
    assert first.keys() - second.keys() == {released.image.name, f"{released.image.stem}.cdx.json"}
    assert {name for name in second if first[name] != second[name]} == {"release-notes.md"}


# How it is installed


def lived(typing: Shell, plane: ControlPlane, aws: AwsEmulator, folder: pathlib.Path, uninstall: str) -> None:
    """Have an installed operator serve a Credential, then uninstall it, and delete what it held."""
    with sites.running(plane, aws, folder, replica.identify(plane)) as site:
        space = site.space(sites.slug(folder.name))
        space.published()
        with endings.waiting(site, lambda: typing.type(uninstall)) as job:
            assert not endings.found(site, "deployments")
            done = endings.execute(site, job, folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"released Credential {space.name}/backups" in done.stdout
    space.kubectl("delete", "credential", "backups", "--timeout=60s")


def test_helm_installs_the_mirrored_image_then_serves_a_list_and_goes(
    released: Release, digest: tuple[str, str], plane: ControlPlane, aws: AwsEmulator, tmp_path: pathlib.Path
) -> None:
    host, found = digest
    typing = dataclasses.replace(shell(plane, released.folder), host=host)
    install, listed, definitions, uninstall = TYPED["Helm"]
    for name in ("team-a", "team-b"):
        plane.kubectl("create", "namespace", name)

    typing.type(install)
    assert container(plane)["image"] == f"{host}/platform/credential-operator@{found}"
    typing.type(listed)
    assert {"name": "CREDENTIAL_OPERATOR_NAMESPACES", "value": "team-a,team-b"} in container(plane)["env"]
    typing.type(definitions)
    typing.type(f"{install.rstrip()} --set crds.install=false")
    replica.wait_until_in_force(plane, namespace="default")
    lived(typing, plane, aws, tmp_path, uninstall)


def test_one_file_installs_and_another_ends_it(
    released: Release, plane: ControlPlane, aws: AwsEmulator, tmp_path: pathlib.Path
) -> None:
    typing = shell(plane, released.folder)
    install, uninstall = TYPED["One file"]
    typing.type(install)
    typing.type(install)
    assert container(plane)["image"] == f"{REPOSITORY}:{VERSION}"
    replica.wait_until_in_force(plane, namespace="default", manifest=released.text("install.yaml"))
    lived(typing, plane, aws, tmp_path, uninstall)
    assert plane.kubectl("get", "namespace", NAMESPACE, "--output=name").stdout


def test_kustomize_installs_an_overlay_and_another_ends_it(
    released: Release, plane: ControlPlane, aws: AwsEmulator, tmp_path: pathlib.Path
) -> None:
    typing = shell(plane, unpacked(released, tmp_path))
    _, install, uninstall = TYPED["kustomize"]
    (typing.folder / "kustomization.yaml").write_text(pages.files(PAGE)["kustomization.yaml"])
    typing.type(install)
    manifest = typing.type("kubectl kustomize .")
    replica.wait_until_in_force(plane, namespace="default", manifest=manifest)
    assert container(plane)["image"] == f"{REPOSITORY}:{VERSION}"
    lived(typing, plane, aws, tmp_path, uninstall)


def test_kustomize_installs_for_another_list_of_namespaces(
    released: Release, plane: ControlPlane, aws: AwsEmulator, tmp_path: pathlib.Path
) -> None:
    typing = shell(plane, unpacked(released, tmp_path))
    for name in ("team-a", "team-c", "elsewhere"):
        plane.kubectl("create", "namespace", name)
    change, uninstall = TYPED["A list of namespaces"]
    typing.type(change)
    manifest = typing.type("kubectl kustomize deploy/kustomize/overlays/namespaces")
    assert "team-b" not in manifest
    served = {"namespaces": "team-a,team-c"}
    assert {"name": "CREDENTIAL_OPERATOR_NAMESPACES", "value": served["namespaces"]} in container(plane)[
        "env"
    ]
    for name in ("team-a", "team-c"):
        replica.wait_until_in_force(plane, namespace=name, manifest=manifest)
    with sites.running(plane, aws, tmp_path, replica.identify(plane), served) as site:
        spaces = [site.space_of(name) for name in ("team-a", "team-c")]
        for space in spaces:
            space.published()
    assert not reads_secrets(plane, "elsewhere")
    assert reads_secrets(plane, "team-c")

    typing.type(uninstall)
    assert not reads_secrets(plane, "team-c")
    for space in spaces:
        assert "finalizers" not in space.get("credential", "backups")["metadata"]
        space.kubectl("delete", "credential", "backups", "--timeout=60s")
        assert "ownerReferences" not in space.get("secret", "backups-env")["metadata"]


def unpacked(released: Release, folder: pathlib.Path) -> pathlib.Path:
    """Give a folder in which what kustomize reads was unpacked as the page says."""
    to = folder / "unpacked"
    to.mkdir()
    shutil.copy(released.folder / f"credential-operator-kustomize-{VERSION}.tar.gz", to)
    Shell(to, os.environ).type(TYPED["kustomize"][0])
    return to


def container(plane: ControlPlane) -> Json:
    shown = plane.kubectl("get", "deployment", NAMESPACE, f"--namespace={NAMESPACE}", "--output=json").stdout
    (found,) = json.loads(shown)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def reads_secrets(plane: ControlPlane, namespace: str) -> bool:
    account = f"system:serviceaccount:{NAMESPACE}:credential-operator"
    asked = ("auth", "can-i", "get", "secrets", f"--namespace={namespace}")
    return plane.kubectl(*asked, impersonate=account, check=False).stdout.strip() == "yes"

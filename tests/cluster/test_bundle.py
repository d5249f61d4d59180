"""The plugin as one file: built twice the same, run by kubectl without the package, packed for Krew."""

import dataclasses
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest
import yaml

from bundle import krew, plugin
from cluster.desk import Desk
from controlplane import tools

LOADS = """
import sys
import click
from credential_operator.cli import app, completion, held

for name in app.COMMANDS:
    app.credential.get_command(click.Context(app.credential), name)
own = (module for name, module in sys.modules.items() if name.startswith("credential_operator"))
print("\\n".join(module.__file__ or "" for module in own))
"""


@dataclasses.dataclass(frozen=True)
class File(Desk):
    """Where somebody types who has the file, and nothing else of the project."""

    folder: pathlib.Path

    def environment(self, **more: str) -> dict[str, str]:
        """Return an environment in which kubectl finds the file alone."""
        path = os.pathsep.join(
            [
                *map(str, (self.folder, self.folder / "python", tools.path("kubectl").parent)),
                *("/usr/bin", "/bin"),
            ]
        )
        own = {"PATH": path, "SHIV_ROOT": str(self.folder / "unpacked"), "HOME": str(self.folder)}
        return self.space.cluster.environment() | own | more


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The file, in a folder with the Python that it is for."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "python").mkdir()
    (folder / "python" / "python3").symlink_to(pathlib.Path(sys.base_prefix) / "bin" / "python3")
    return plugin.build(folder)


@pytest.fixture
def file(desk: Desk, made: pathlib.Path) -> File:
    return File(desk.space, made.parent)


def test_kubectl_runs_the_file_alone(file: File) -> None:
    file.space.apply(file.space.source(file.space.new_key(), "backups-keys"))
    file.space.apply(file.space.credential(secretRef={"name": "backups-keys"}))

    assert re.match(r"Plugin +0\.1\.0\nOperator +0\.1\.0 ", file.shown("version"))
    assert "backups" in file.shown("list", user="vera")
    assert file.shown("report", "-o", "html", user="vera").startswith("<!doctype html>")
    text = yaml.safe_dump(file.space.credential())
    checked = file.run("check", "-f", "-", "--no-secret", stdin=text)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_same_file_completes_what_is_typed(file: File) -> None:
    link = file.folder / plugin.COMPLETES
    if not link.is_symlink():
        link.symlink_to(plugin.NAME)

    answer = subprocess.run(
        ["kubectl", "__completeNoDesc", "credential", "ver"],
        env=file.environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout.split()[0] == "version"


def test_another_python_is_told_which_one_it_is_for(made: pathlib.Path) -> None:
    with zipfile.ZipFile(made) as opened:
        (guard,) = [name for name in opened.namelist() if name.endswith("bin/guard.py")]
        text = opened.read(guard).decode()

    answer = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.version_info = (3, 9, 1)\n{text}"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 1
    assert f"is for Python {sys.version_info.major}.{sys.version_info.minor}" in answer.stderr


def test_every_command_loads_out_of_the_file(file: File, tmp_path: pathlib.Path) -> None:
    script = tmp_path / "loads.py"
    script.write_text(LOADS)

    answer = subprocess.run(
        [file.folder / plugin.NAME, script],
        env=file.environment(SHIV_INTERPRETER="1"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    assert all(place.startswith(str(file.folder / "unpacked")) for place in answer.stdout.split())


def test_two_builds_are_the_same_to_the_bit(made: pathlib.Path, tmp_path: pathlib.Path) -> None:
    again = plugin.build(tmp_path)

    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(made.read_bytes()).digest()
    assert krew.archive(again).read_bytes() == krew.archive(made).read_bytes()
    with zipfile.ZipFile(made) as opened:
        own = [name for name in opened.namelist() if ".dist-info/" in name or "/credential_operator/" in name]
        assert not [name for name in own if str(plugin.ROOT).encode() in opened.read(name)]


def test_krew_gets_what_it_asks_for(made: pathlib.Path) -> None:
    packed = krew.archive(made)

    document = yaml.safe_load(krew.written(krew.manifest("0.1.0", "https://example.com/releases", [packed])))

    # github.com/kubernetes-sigs/krew, pkg/index/validation/validate.go: what it refuses a manifest without
    assert document["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert (document["kind"], document["metadata"]["name"]) == ("Plugin", krew.TEMPLATE.stem)
    spec = document["spec"]
    assert re.fullmatch(r"v[0-9]+\.[0-9]+\.[0-9]+", spec["version"])
    assert 0 < len(spec["shortDescription"]) <= 50
    (platform,) = spec["platforms"]
    assert platform["selector"]["matchLabels"].keys() == {"os", "arch"}
    assert platform["uri"] == f"https://example.com/releases/{packed.name}"
    assert platform["sha256"] == hashlib.sha256(packed.read_bytes()).hexdigest()
    with tarfile.open(packed) as tar:
        names = {entry.name: entry.mode for entry in tar}
    assert names.keys() == {file["from"] for file in platform["files"]}
    assert names[platform["bin"]] & 0o111

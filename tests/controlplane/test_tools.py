"""Programs are looked for in order, and made once, by one process, or not at all."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from controlplane import cache, npm, processes, recipes, tools, versions

TESTS = Path(__file__).parents[1]
DEADLINE_SECONDS = 60.0

MAKE = """
    import json, os, sys, time
    from pathlib import Path
    from controlplane import cache, recipes

    def make(recipe, supervisor, programs):
        with Path(os.environ["MADE"]).open("a") as made:
            made.write("once\\n")
        (programs / "half").touch()
        pid = supervisor.start("compiler", ["sleep", os.environ["SECONDS_TO_BUILD"]])
        print(json.dumps(pid), flush=True)
        supervisor.wait("compiler", timeout=60)

    print(cache.ensure(recipes.ETCD, make=make))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the root of a cache that is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path / "credential-operator"


def program(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def maker(tmp_path: Path, seconds: float) -> subprocess.Popen[str]:
    environment = {"PYTHONPATH": str(TESTS), "MADE": str(tmp_path / "made"), "SECONDS_TO_BUILD": str(seconds)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(MAKE)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_the_folder_of_the_envtest_convention_comes_first(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(home / recipes.ETCD.key / "etcd")
    asset = program(tmp_path / "assets" / "etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(asset.parent))
    assert tools.path("etcd") == asset


def test_what_that_folder_lacks_comes_from_the_cache(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = program(home / recipes.KUBERNETES.key / "kube-controller-manager")
    assets = program(tmp_path / "assets" / "kube-apiserver").parent
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert tools.path("kube-controller-manager") == cached


def test_the_cache_is_in_the_home_folder_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/some/home")
    for unset in ("", "relative/folder"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert cache.folder() == Path("/some/home/.cache/credential-operator")


def test_what_is_nowhere_is_made_and_found_again(home: Path) -> None:
    made: list[str] = []

    def make(recipe: recipes.Recipe, _supervisor: processes.Supervisor, programs: Path) -> None:
        made.append(recipe.name)
        program(programs / "etcd")

    for _ in range(2):
        assert cache.ensure(recipes.ETCD, make=make) == home / recipes.ETCD.key
    assert made == ["etcd"]
    assert tools.path("etcd") == home / recipes.ETCD.key / "etcd"


def test_two_processes_make_it_once(home: Path, tmp_path: Path) -> None:
    makers = [maker(tmp_path, 1.0) for _ in range(2)]
    answers = [process.communicate(timeout=DEADLINE_SECONDS) for process in makers]
    assert [process.returncode for process in makers] == [0, 0]
    assert {answer[0].splitlines()[-1] for answer in answers} == {str(home / recipes.ETCD.key)}
    assert (tmp_path / "made").read_text() == "once\n"
    assert any("waiting for etcd" in answer[1] for answer in answers)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_nothing_and_can_be_repeated(
    home: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    process = maker(tmp_path, 600)
    assert process.stdout
    compiler = json.loads(process.stdout.readline())
    assert [entry.name for entry in home.glob(".*.partial")]
    os.killpg(process.pid, ending)
    process.communicate()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while any(home.glob(".*.partial")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [entry.name for entry in home.iterdir() if not entry.name.endswith(".lock")] == []
    with pytest.raises(ProcessLookupError):
        os.kill(compiler, 0)
    assert (
        maker(tmp_path, 0).communicate(timeout=DEADLINE_SECONDS)[0].endswith(f"{home / recipes.ETCD.key}\n")
    )


def test_a_build_that_fails_leaves_nothing(home: Path) -> None:
    def make(_recipe: recipes.Recipe, _supervisor: processes.Supervisor, programs: Path) -> None:
        (programs / "half").touch()
        raise processes.ProcessError("does not compile")

    with pytest.raises(processes.ProcessError):
        cache.ensure(recipes.ETCD, make=make)
    assert [entry.name for entry in home.iterdir() if not entry.name.endswith(".lock")] == []


def test_what_a_lost_machine_left_is_not_taken_for_a_build(home: Path) -> None:
    program(home / f".{recipes.ETCD.key}.partial" / "programs" / "etcd")

    def make(_recipe: recipes.Recipe, _supervisor: processes.Supervisor, programs: Path) -> None:
        assert list(programs.iterdir()) == []

    cache.ensure(recipes.ETCD, make=make)


@pytest.mark.skipif(shutil.which("go") is None, reason="would fetch Go for this alone")
def test_a_program_is_built_without_a_trace(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "user").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    module = tmp_path / "hello"
    module.mkdir()
    (module / "go.mod").write_text("module hello\n\ngo 1.26.0\n")
    (module / "main.go").write_text(
        'package main\n\nvar name string\n\nfunc main() { println("hello", name) }\n'
    )
    monkeypatch.setattr(recipes, "SOURCES", tmp_path)
    recipe = recipes.Recipe("hello", "1.0", ".", ("hello", "bye"), {"main.name": "you"})
    made = cache.ensure(recipe)
    for name in recipe.programs:
        assert subprocess.run([made / name], capture_output=True, check=True).stderr == b"hello you\n"
    assert sorted(entry.name for entry in home.iterdir()) == sorted([recipe.key, f".{recipe.key}.lock"])
    assert list((tmp_path / "user").iterdir()) == []
    assert re.search(r"building hello, bye 1.0, once: built, \d+ s\n$", capfd.readouterr().err)


@pytest.mark.skipif(shutil.which("go") is None, reason="would fetch Go for this alone")
def test_a_compiler_s_error_is_shown_also_without_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.delenv("HOME")
    module = tmp_path / "broken"
    module.mkdir()
    (module / "go.mod").write_text("module broken\n\ngo 1.26.0\n")
    (module / "main.go").write_text('package main\n\nimport _ "no/such/package"\n')
    monkeypatch.setattr(recipes, "SOURCES", tmp_path)
    with pytest.raises(processes.ProcessError, match="no/such/package"):
        cache.ensure(recipes.Recipe("broken", "1.0", ".", ("broken",)))
    assert not any(home.glob("broken*"))


@pytest.mark.parametrize(
    ("recipe", "module"),
    [
        (recipes.KUBERNETES, "k8s.io/kubernetes"),
        (recipes.KUBELET, "k8s.io/kubernetes"),
        (recipes.ETCD, "go.etcd.io/etcd/server/v3"),
        (recipes.HELM, "helm.sh/helm/v4"),
        (recipes.HELM3, "helm.sh/helm/v3"),
        (recipes.VERSITYGW, "github.com/versity/versitygw"),
        (recipes.DISTRIBUTION, "github.com/distribution/distribution/v3"),
        (recipes.DEFINITIONS, "sigs.k8s.io/controller-tools"),
    ],
)
def test_the_modules_are_locked_to_the_pinned_versions(recipe: recipes.Recipe, module: str) -> None:
    assert re.search(
        rf"\b{re.escape(module)} v{re.escape(recipe.version)}\b", (recipe.module / "go.mod").read_text()
    )
    assert f"{module} v{recipe.version} h1:" in (recipe.module / "go.sum").read_text()


def test_npm_packages_are_locked_to_the_pinned_version_by_their_hashes() -> None:
    text = (recipes.AZURITE.module / npm.LOCK).read_text()
    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}
    assert packages["node_modules/azurite"]["version"] == recipes.AZURITE.version
    assert [name for name, package in packages.items() if "integrity" not in package] == []
    assert '"resolved"' not in text  # no registry is named: npm's configuration does


@pytest.mark.parametrize("recipe", [recipes.KUBERNETES, recipes.KUBELET], ids=lambda recipe: recipe.name)
def test_every_staging_module_is_replaced_by_its_published_version(recipe: recipes.Recipe) -> None:
    replaced = re.findall(r"=> (\S+) v(\S+)", (recipe.module / "go.mod").read_text())
    assert len(replaced) >= 33
    assert {version for _, version in replaced} == {versions.KUBERNETES.replace("1.", "0.", 1)}


def test_a_program_s_key_changes_with_its_version() -> None:
    made = (*recipes.ALL, *recipes.NODE)
    keys = {recipe.key for recipe in made}
    assert len(keys) == len(made)
    assert all(recipe.version in recipe.key for recipe in made)

"""A credential type of another package: found where it is installed, and left alone where it is not any more."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import replica
from cluster import crds, sites
from cluster.space import FINALIZER, Json, Space
from controlplane import ControlPlane
from controlplane.faults import FaultProxy
from emulators.aws import AwsEmulator
from emulators.cloudflare import Cloudflare

PACKAGE = Path(__file__).parents[1] / "plugin"
ALONE = "leaves an object of an unknown type alone"
FIRST, SECOND, THIRD = (f"canary-{name}".ljust(40, "x") for name in ("first", "second", "third"))

Running = Callable[[str, Path | None], contextlib.AbstractContextManager[replica.Replica]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with the package, built and installed as its own pyproject.toml says."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--offline", "--no-cache", "--no-deps", "--no-build-isolation"]
    where = ["--python", sys.executable, "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "uv", "pip", "install", *options, *where, PACKAGE], check=True)
    return folder


def printed(packages: Path | None) -> list[Json]:
    """Returns what `credential-operator crds` prints where these packages are installed too."""
    path = {"PYTHONPATH": str(packages)} if packages else {}
    done = subprocess.run(
        [sys.executable, "-m", "credential_operator", "crds"],
        env={"PATH": os.environ["PATH"], **path},
        capture_output=True,
        text=True,
        check=True,
    )
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def plane(installed: Path) -> Iterator[ControlPlane]:
    """A control plane of its own, whose CRDs are those that the command prints."""
    with ControlPlane() as started:
        crds.serve(started, *printed(installed))
        yield started


@pytest.fixture(scope="module")
def api() -> Iterator[Cloudflare]:
    with Cloudflare() as started:
        for token in (FIRST, SECOND, THIRD):
            started.set_token(token)
        yield started


@pytest.fixture
def proxy(plane: ControlPlane) -> Iterator[FaultProxy]:
    with FaultProxy(plane.url, plane.authority) as started:
        yield started


@pytest.fixture
def running(plane: ControlPlane, proxy: FaultProxy, aws: AwsEmulator, tmp_path: Path) -> Running:
    """Installs the chart without its CRDs; starts an operator with or without the package."""
    token = replica.install(plane, values={"crds.install": "false"}).token
    kubeconfig = proxy.kubeconfig(tmp_path / "operator.kubeconfig", token=token)

    def start(name: str, packages: Path | None) -> replica.Replica:
        settings = sites.chosen(aws)
        return replica.Replica(kubeconfig, tmp_path, name=name, settings=settings, packages=packages)

    return start


@pytest.fixture
def space(plane: ControlPlane, aws: AwsEmulator) -> Space:
    plane.kubectl("create", "namespace", "third-party")
    return Space(plane, aws, "third-party")


def credential(space: Space, api: Cloudflare, name: str) -> Json:
    """Returns a Credential of the package's type with one target."""
    spec = {
        "cloudflare": {"endpoint": api.url, "caBundle": api.ca_pem.decode()},
        "secretRef": {"name": f"{name}-keys"},
        "targets": [{"name": f"{name}-env", "format": "env"}],
    }
    return space.document("Credential", name, spec)


def source(space: Space, name: str, token: str) -> Json:
    return space.secret(f"{name}-keys", {"token": token})


def test_the_command_prints_the_type_where_its_package_is_installed(installed: Path) -> None:
    def types(crd: Json) -> Any:
        version = crd["spec"]["versions"][0]
        return version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]

    (own, reference), (extended, same) = printed(None), printed(installed)
    assert reference == same
    assert types(extended).keys() - types(own).keys() == {"cloudflare"}
    assert types(extended)["cloudflare"]["properties"].keys() == {"accountID", "endpoint", "caBundle"}


def test_the_api_server_enforces_the_rules_of_the_type(plane: ControlPlane) -> None:
    def of(**config: str) -> Json:
        return crds.document("dns", crds.spec(without="aws", cloudflare=config))

    assert "created" in crds.dry_run(plane, of(accountID="0" * 32)).accepted
    assert "an account's id" in crds.dry_run(plane, of(accountID="mine")).why("dns")
    both = crds.document("dns", crds.spec(cloudflare={}))
    assert "exactly one credential type" in crds.dry_run(plane, both).why("dns")
    unknown = crds.spec(without="aws", cloudflare={}, secretRef={"name": "keys", "keys": {"password": "a"}})
    assert "fields of cloudflare: token" in crds.dry_run(plane, crds.document("dns", unknown)).why("dns")


def test_objects_of_a_type_that_is_missing_for_a_while_are_left_alone_and_then_go_on(
    running: Running, proxy: FaultProxy, installed: Path, space: Space, api: Cloudflare
) -> None:
    """Two objects: one gets another key in the meantime, and one is deleted."""
    with running("with", installed):
        for name in ("dns", "old"):
            space.apply(source(space, name, FIRST), credential(space, api, name))
        for name in ("dns", "old"):
            space.becomes(name, Ready="True Available", Validated="True Accepted", Synced="True Published")
            assert _token(space, name) == FIRST
        space.apply(source(space, "dns", SECOND))
        space.until(lambda: _token(space, "dns") == SECOND, "it rotates")
    left = [_state(space, name) for name in ("dns", "old")]
    told = [space.events(name) for name in ("dns", "old")]

    proxy.forget()
    with running("without", None) as operator:
        space.apply(source(space, "dns", THIRD))
        space.published("backups")  # what it knows, it goes on with
        space.kubectl("delete", "credential", "old", "--wait=false")
        space.until(lambda: _left_alone(operator) >= {f"{space.name}/dns", f"{space.name}/old"}, "it says so")
        space.until(lambda: _said_of(operator, "old") > 1, "it has seen the deletion")
    assert [write for write in proxy.writes if "dns" in write.path or "old" in write.path] == []
    assert [space.events(name) for name in ("dns", "old")] == told
    assert _state(space, "dns") == left[0]
    assert space.find("secret", "old-env") == left[1][1]
    assert space.get("credential", "old")["metadata"]["finalizers"] == [FINALIZER]

    with running("again", installed):
        space.until(lambda: _token(space, "dns") == THIRD, "the new key is there")
        space.becomes("dns", Ready="True Available")
        space.until(space.gone("credential", "old"), "its deletion ends")


def _token(space: Space, name: str) -> str:
    return space.data(f"{name}-env")["CLOUDFLARE_API_TOKEN"]


def _state(space: Space, name: str) -> tuple[Json | None, Json | None]:
    """Returns an object and its target, as they are stored."""
    return space.find("credential", name), space.find("secret", f"{name}-env")


def _left_alone(operator: replica.Replica) -> set[str]:
    return {line["object"] for line in operator.lines() if line["message"] == ALONE}


def _said_of(operator: replica.Replica, name: str) -> int:
    lines = operator.lines()
    return sum(line["message"] == ALONE and line["object"].endswith(f"/{name}") for line in lines)

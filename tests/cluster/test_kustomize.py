"""The manifests for kustomize are those of the chart, and stay whole under another name and namespace."""

import json
import pathlib
import shutil
from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from cluster import users
from controlplane import ControlPlane
from delivery import kustomize, rendering
from delivery.kustomize import Chart

ROOT = pathlib.Path(__file__).parents[2]
OVERLAYS = ROOT / kustomize.FOLDER / "overlays"
FINALIZER = "../repository/deploy/kustomize/components/finalizer"
DIGEST = f"sha256:{'7' * 64}"
HELMS = ("app.kubernetes.io/managed-by", "helm.sh/chart", "helm.sh/resource-policy")
CRD = "CustomResourceDefinition"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def chart() -> Chart:
    return kustomize.read()


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of what kustomize reads, to write overlays beside it and into it."""
    for name in ("crds", "deploy/kustomize"):
        shutil.copytree(ROOT / name, tmp_path / "repository" / name)
    return tmp_path / "repository"


def built(plane: ControlPlane, folder: pathlib.Path) -> list[Json]:
    text = plane.kubectl("kustomize", folder).stdout
    return [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one]


def written(folder: pathlib.Path, **fields: Any) -> pathlib.Path:
    """Write a kustomization into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "kustomization.yaml").write_text(json.dumps({"kind": "Kustomization", **fields}))
    return folder


def by_name(documents: Iterable[Json]) -> dict[tuple[str, str, str], Json]:
    """Return documents by kind, namespace and name, without what tells of Helm."""
    found = {}
    for one in documents:
        metadata = one["metadata"]
        for part in ("labels", "annotations"):
            kept = {name: text for name, text in metadata.get(part, {}).items() if name not in HELMS}
            metadata.pop(part, None)
            metadata |= {part: kept} if kept else {}
        found[one["kind"], metadata.get("namespace", ""), metadata["name"]] = one
    return found


def of_helm(plane: ControlPlane, *options: str) -> dict[tuple[str, str, str], Json]:
    text = plane.helm("template", rendering.NAME, ROOT / "deploy" / "chart", "--no-hooks", *options).stdout
    return by_name(one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one)


def test_the_files_are_what_the_chart_renders(chart: Chart) -> None:
    assert kustomize.stale(ROOT, kustomize.files(chart)) == {}


def test_what_is_not_as_the_chart_renders_it_is_found(chart: Chart, repository: pathlib.Path) -> None:
    folder = repository / kustomize.FOLDER
    (folder / "base" / "deployment.yaml").write_text("replicas: 3")
    (folder / "base" / "left.yaml").write_text("")
    (folder / "base" / "serviceaccount.yaml").unlink()

    found = kustomize.stale(repository, kustomize.files(chart))

    assert {path.name: text is None for path, text in found.items()} == {
        "deployment.yaml": False,
        "left.yaml": True,
        "serviceaccount.yaml": False,
    }


def test_cluster_wide_is_the_chart_with_its_own_values(plane: ControlPlane) -> None:
    found = by_name(built(plane, OVERLAYS / "cluster-wide"))
    namespace = found.pop(("Namespace", "", rendering.NAME))

    assert namespace["metadata"] == {"name": rendering.NAME}
    assert found == of_helm(plane, f"--namespace={rendering.NAME}")


def test_namespaces_is_the_chart_for_the_same_list_but_for_names_that_tell_installations_apart(
    plane: ControlPlane,
) -> None:
    found = by_name(built(plane, OVERLAYS / "namespaces"))
    del found["Namespace", "", rendering.NAME]
    options = (f"--values={ROOT / kustomize.CHART / kustomize.LISTED}", f"--namespace={kustomize.HOME}")
    text = json.dumps([*of_helm(plane, *options).values()])
    for part, whole in (
        (f"{rendering.NAME}-{kustomize.HOME}", rendering.NAME),
        (kustomize.HOME, rendering.NAME),
    ):
        text = text.replace(part, whole)

    assert found == by_name(json.loads(text))


def test_the_component_is_the_charts_mutating_policy(plane: ControlPlane, repository: pathlib.Path) -> None:
    bases = ["../repository/deploy/kustomize/overlays/cluster-wide"]
    folder = written(repository.parent / "mine", resources=bases, components=[FINALIZER])
    found = by_name(built(plane, folder))
    del found["Namespace", "", rendering.NAME]

    assert found == of_helm(plane, f"--namespace={rendering.NAME}", "--set=policies.finalizer=true")


def renamed(repository: pathlib.Path, overlay: str) -> pathlib.Path:
    """Return an overlay of one's own that changes all that people change."""
    mine = {
        "namePrefix": "blue-",
        "images": [{"name": rendering.NAME, "newName": "registry.example.com/ours", "digest": DIGEST}],
        "replicas": [{"name": rendering.NAME, "count": 1}],
        "resources": [f"../repository/deploy/kustomize/overlays/{overlay}"],
        "components": [FINALIZER] if overlay == "cluster-wide" else [],
        "configurations": ["names.yaml"],
    }
    folder = written(repository.parent / "mine", **mine)
    (folder / "names.yaml").write_text(_shown_configuration())
    where = OVERLAYS.relative_to(ROOT) / overlay / ("operator" if overlay == "namespaces" else "")
    with (repository / where / "kustomization.yaml").open("a") as file:
        file.write("namespace: platform\n")
    return folder


@pytest.mark.parametrize("overlay", ["cluster-wide", "namespaces"])
def test_under_another_name_and_namespace_everything_finds_each_other(
    plane: ControlPlane, repository: pathlib.Path, overlay: str
) -> None:
    found = by_name(built(plane, renamed(repository, overlay)))

    account = {"kind": "ServiceAccount", "name": "blue-credential-operator", "namespace": "platform"}
    bindings = [one for (kind, *_), one in found.items() if kind in {"RoleBinding", "ClusterRoleBinding"}]
    assert len(bindings) == (2 if overlay == "cluster-wide" else 4)
    assert all(one["subjects"] == [account] for one in bindings)
    assert all(one["roleRef"]["name"].startswith("blue-") for one in bindings)
    assert all((one["roleRef"]["kind"], *_place(one)) in found for one in bindings)
    for (kind, *_), one in found.items():
        if kind.endswith("PolicyBinding"):
            named = (
                kind.removesuffix("Binding"),
                one["metadata"].get("namespace", ""),
                one["spec"]["policyName"],
            )
            assert named in found, named
    pod = found["Deployment", "platform", "blue-credential-operator"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account["name"]
    assert pod["containers"][0]["image"] == f"registry.example.com/ours@{DIGEST}"
    assert ("Namespace", "", "platform") in found
    metadata = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "platform"}}
    users.apply(plane, [metadata], "--force-conflicts")
    apart = [one for one in found.values() if one["metadata"].get("namespace") not in {"team-a", "team-b"}]
    users.apply(plane, apart, "--dry-run=server", "--validate=strict", "--force-conflicts")


def _place(binding: Json) -> tuple[str, str]:
    namespaced = binding["roleRef"]["kind"] == "Role"
    return binding["metadata"].get("namespace", "") if namespaced else "", binding["roleRef"]["name"]


def _shown_configuration() -> str:
    """Return what the component shows for a prefix."""
    lines = (ROOT / kustomize.FOLDER / "components/finalizer/kustomization.yaml").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.endswith("nameReference:"))
    return "\n".join(line.removeprefix("#   ") for line in lines[start : start + 3])

"""What comes later: a new release of the API, another format, and the objects of yesterday."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.crds import (
    GOLDEN,
    KINDS,
    ROOT,
    Json,
    another,
    definitions,
    document,
    dry_run,
    manifest,
    renamed,
    serve,
    serving,
    spec,
    stored_objects,
    target,
)
from controlplane import ControlPlane
from credential_operator import formats, providers
from credential_operator.api import installed, kinds


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with serving() as started:
        yield started


@pytest.fixture(scope="module")
def extended(plane: ControlPlane) -> Callable[[str, Json], str]:
    """Applies a Credential where a format has another Secret type, and only s3 has the fields for it."""
    env = formats.find()["env"]
    docker = another(
        env,
        name="docker",
        secret_type="kubernetes.io/dockerconfigjson",
        serves=lambda _, fields: "bucket" in fields,
    )
    crds = renamed(
        kinds.crds([*providers.find().values()], [*formats.find().values(), docker]), "extended.test"
    )
    serve(plane, *crds)

    def apply(name: str, spec: Json) -> str:
        whole = {**document(name, spec), "apiVersion": "extended.test/v1beta1"}
        done = plane.kubectl("apply", "-f", "-", input=manifest(whole), check=False)
        return done.stdout + done.stderr

    return apply


def test_a_format_that_cannot_serve_the_type_is_refused_with_those_that_can(
    extended: Callable[[str, Json], str],
) -> None:
    assert "created" in extended("serves", {**target(format="docker"), "aws": None, "s3": {}})
    can = ", ".join(installed.formats_of(providers.find()["aws"], formats.find().values()))
    assert extended("serves-not", target(format="docker")) == (
        'The Credential "serves-not" is invalid: spec.targets: Invalid value: '
        f"must have formats that can serve aws: {can}\n"
    )


def test_a_format_of_another_secret_type_needs_another_target(extended: Callable[[str, Json], str]) -> None:
    def with_target(name: str, layout: str) -> Json:
        return spec(without="aws", s3={}, targets=[{"name": name, "format": layout}])

    extended("changes", with_target("a", "env"))
    assert "configured" in extended("changes", with_target("a", "velero"))
    assert extended("changes", with_target("a", "docker")) == (
        'The Credential "changes" is invalid: spec.targets[0].format: Invalid value: the Secret of the new '
        "format has another type, which no existing Secret can take: give the target another name\n"
    )
    assert "configured" in extended("changes", with_target("b", "docker"))


def test_a_target_takes_a_format_of_another_secret_type_under_another_name_only(plane: ControlPlane) -> None:
    plane.kubectl("apply", "-f", "-", input=manifest(document("laid-out", target())))

    other = dry_run(plane, document("laid-out", target(format="velero")))
    docker = dry_run(plane, document("laid-out", target(format="docker-registry")))

    assert "configured" in other.accepted
    assert (
        "spec.targets[0].format: Invalid value: the Secret of the new format has another type, which no "
        "existing Secret can take: give the target another name" in _unfolded(docker.why("laid-out"))
    )


def test_a_borrowed_target_takes_a_format_of_another_secret_type_under_another_name_only(
    plane: ControlPlane,
) -> None:
    def claim(name: str, layout: str) -> Json:
        borrowed = {"credentialRef": {"name": "a"}, "target": {"name": name, "format": layout}}
        return document("borrowed", borrowed, "CredentialReference")

    plane.kubectl("apply", "-f", "-", input=manifest(claim("a", "env")))

    assert "configured" in dry_run(plane, claim("b", "docker-registry")).accepted
    refused = _unfolded(dry_run(plane, claim("a", "docker-registry")).why("borrowed"))
    assert "spec.target.format: Invalid value: the Secret of the new format has another type" in refused


def _unfolded(text: str) -> str:
    return " ".join(text.split())


def test_objects_of_the_last_release_survive_the_upgrade(plane: ControlPlane) -> None:
    group = "upgraded.test"
    old, new = (renamed(definitions(folder), group) for folder in (GOLDEN, ROOT / "crds"))
    objects = manifest(*stored_objects()).replace(kinds.GROUP, group)
    resources = ",".join(f"{name}.{group}" for name in KINDS.values())

    def stored() -> dict[str, Json]:
        items = json.loads(plane.kubectl("get", resources, "-o", "json").stdout)["items"]
        return {f"{item['kind']}/{item['metadata']['name']}": item["spec"] for item in items}

    serve(plane, *old)
    plane.kubectl("apply", "-f", "-", input=objects)
    before = stored()
    serve(plane, *new)

    assert len(before) == len(stored_objects())
    after = stored()
    assert {name: _common(after[name], whole) for name, whole in before.items()} == before
    plane.kubectl("annotate", resources, "--all", "touched=true")
    plane.kubectl("replace", "-f", "-", input=objects)
    plane.kubectl("delete", resources, "--all")
    plane.kubectl("create", "-f", "-", input=objects)


def test_an_object_whose_type_is_installed_no_more_can_be_let_go_and_becomes_no_other(
    plane: ControlPlane,
) -> None:
    group, types, layouts = "fewer.test", providers.find(), [*formats.find().values()]
    serve(plane, *renamed(kinds.crds([*types.values()], layouts), group))
    left = {**document("left", spec(aws=None, opaque={})), "apiVersion": f"{group}/v1beta1"}
    left["metadata"]["finalizers"] = ["example.com/held"]
    plane.kubectl("create", "-f", "-", input=manifest(left))
    serve(
        plane, *renamed(kinds.crds([one for one in types.values() if one.name != "opaque"], layouts), group)
    )

    name = f"credentials.{group}/left"
    assert "opaque" not in json.loads(plane.kubectl("get", name, "-o", "json").stdout)["spec"]
    plane.kubectl("annotate", name, "touched=true")
    becoming = plane.kubectl("patch", name, "--type=merge", '--patch={"spec":{"aws":{}}}', check=False)
    assert "the credential type cannot change" in becoming.stderr
    plane.kubectl("delete", name, "--wait=false")
    plane.kubectl("patch", name, "--type=merge", '--patch={"metadata":{"finalizers":null}}')
    assert plane.kubectl("get", name, "--ignore-not-found").stdout == ""


def _common(new: Any, old: Any) -> Any:
    """What a newer object has of an older one; new fields may have come with defaults."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {name: _common(value, old[name]) for name, value in new.items() if name in old}
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [_common(*pair) for pair in zip(new, old, strict=True)]
    return new

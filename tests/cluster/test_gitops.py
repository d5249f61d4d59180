"""What GitOps tools see: health by Argo CD's own language, applies that change nothing, and nobody to fight with."""

import json
import pathlib
import shlex
from typing import Any

import lupa.lua51
import pytest
import yaml

import pages
from cluster import space as spaces
from cluster.sites import Site
from cluster.space import FINALIZER, GROUP, Json, Space
from controlplane import ControlPlane, tools

ROOT = pathlib.Path(__file__).parents[2]
SCRIPTS = yaml.safe_load((ROOT / "deploy" / "argocd" / "argocd-cm.yaml").read_text())["data"]
PAGE = (ROOT / "docs" / "gitops.md").read_text()
COMMANDS = pages.blocks(PAGE, "sh")
"""What the page has people type."""
FLUX = pages.blocks(PAGE, "yaml")
"""What it has them write for Flux."""
UNKNOWN_KEY = ("AKIAIOSFODNN7EXAMPLE", "x" * 40)
TOOL = "--field-manager=argocd-controller"


def health(document: Json) -> tuple[str, str]:
    """Run the script as Argo CD does, on Lua 5.1 with `obj` alone; returns status and message."""
    lua = lupa.lua51.LuaRuntime(unpack_returned_tuples=True)
    lua.globals()["obj"] = _table(lua, document)
    found: Any = lua.execute(SCRIPTS[f"resource.customizations.health.{GROUP}_{document['kind']}"])
    return found["status"], found["message"]


def _table(lua: Any, value: Any) -> Any:
    """Give Lua a document as tables, lists counted from one."""
    if isinstance(value, dict):
        return lua.table_from({name: _table(lua, one) for name, one in value.items()})
    if isinstance(value, list):
        return lua.table_from([_table(lua, one) for one in value])
    return value


def test_health_follows_a_key_from_good_to_held_back_and_gone(space: Space) -> None:
    key = space.published(whenReferenced="Hold")
    good = space.get("credential", "backups")
    assert health(good)[0] == "Healthy"
    assert health({**good, "metadata": {**good["metadata"], "generation": 9}})[0] == "Progressing"

    space.apply(space.source((key[0], "")))
    held = space.becomes(Ready="True HeldBack", Stalled="True InvalidKeyMaterial")
    assert health(held) == ("Degraded", spaces.message(held, "Stalled"))

    space.apply(space.source(key), space.reference())
    space.becomes(Ready="True Available", Stalled=None)
    reference = space.becomes("nightly", "credentialreference", Ready="True Available")
    assert health(reference)[0] == "Healthy"

    space.kubectl("delete", "credential", "backups", "--wait=false")
    blocked = space.becomes(DeletionBlocked="True InUse")
    assert health(blocked) == ("Progressing", spaces.message(blocked, "DeletionBlocked"))
    assert "nightly" in health(blocked)[1]


def test_health_of_what_is_new_suspended_wrong_or_under_way(space: Space) -> None:
    assert health(space.credential())[0] == "Progressing"

    space.apply(space.credential(suspend=True))
    assert health(space.becomes(Suspended="True Suspended"))[0] == "Suspended"

    space.patch("credential", "backups", {"spec": {"suspend": False}})
    missing = space.becomes(Stalled="True SourceNotFound")
    assert health(missing) == ("Degraded", spaces.message(missing, "Stalled"))

    space.apply(space.source(UNKNOWN_KEY))
    unconfirmed = space.becomes(Reconciling="True Unconfirmed")
    assert health(unconfirmed) == ("Progressing", spaces.message(unconfirmed, "Reconciling"))


@pytest.mark.parametrize("manner", [("--server-side", TOOL), ()], ids=["server-side", "client-side"])
def test_what_is_applied_again_changes_nothing(space: Space, site: Site, manner: tuple[str, ...]) -> None:
    space.new_user()
    documents = (space.source(space.new_key()), space.credential(), space.reference())

    def apply() -> None:
        space.run("apply", "--filename=-", *manner, documents=documents)

    apply()
    space.becomes(Ready="True Available")
    space.becomes("nightly", "credentialreference", Ready="True Available")
    writes = site.settled(space.name)
    before = _versions(space)

    apply()
    assert _versions(space) == before
    assert FINALIZER in space.get("credential", "backups")["metadata"]["finalizers"]
    assert site.settled(space.name) == writes


def _versions(space: Space) -> list[str]:
    found = (space.get("credential", "backups"), space.get("credentialreference", "nightly"))
    return [one["metadata"]["resourceVersion"] for one in found]


def test_the_operator_owns_the_status_and_nothing_of_the_spec(space: Space) -> None:
    space.new_user()
    space.run(
        "apply",
        "--filename=-",
        "--server-side",
        TOOL,
        documents=(space.source(space.new_key()), space.credential()),
    )
    space.becomes(Ready="True Available")

    shown = space.kubectl("get", "credential", "backups", "--output=json", "--show-managed-fields")
    managed = json.loads(shown)["metadata"]["managedFields"]
    owned = {(one["manager"], one["operation"], *one["fieldsV1"]) for one in managed}
    assert owned == {("argocd-controller", "Apply", "f:spec"), ("credential-operator", "Update", "f:status")}


def test_what_the_page_has_people_type_works(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    patch, wait = COMMANDS
    space.published()
    for made in (
        ("create", "namespace", "argocd"),
        (
            "create",
            "configmap",
            "argocd-cm",
            "--namespace=argocd",
            "--from-literal=url=https://argocd.example.com",
        ),
    ):
        space.cluster.kubectl(*made)
    monkeypatch.chdir(ROOT)
    for command in (patch, wait):
        program, *words = shlex.split(command.replace("\\\n", " ").replace("NAMESPACE", space.name))
        assert program == "kubectl"
        space.cluster.kubectl(*words)

    found = json.loads(
        space.cluster.kubectl("get", "cm", "argocd-cm", "--namespace=argocd", "--output=json").stdout
    )
    assert found["data"] == {"url": "https://argocd.example.com", **SCRIPTS}


def test_flux_s_own_definition_accepts_what_the_page_has_for_it() -> None:
    (manifest,) = FLUX
    with ControlPlane() as plane:
        file = tools.path("definitions") / "kustomize.toolkit.fluxcd.io_kustomizations.yaml"
        plane.kubectl("apply", "--server-side", f"--filename={file}")
        plane.kubectl("wait", "--for=condition=Established", f"--filename={file}", "--timeout=60s")
        plane.kubectl("create", "namespace", "flux-system")
        plane.kubectl("create", "--filename=-", "--validate=strict", input=manifest)

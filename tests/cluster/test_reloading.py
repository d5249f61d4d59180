"""What reloaders see of a target, and the recipes of docs/reloading.md: Pods start again once for each new key."""

import json
import os
import pathlib
import subprocess

import pages
from cluster import holders, sites, workloads
from cluster.reloader import Reloader
from cluster.sites import Site
from cluster.space import GENERATION, Json, Key, Space
from controlplane import tools

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "reloading.md").read_text()
RECIPES = pages.files(PAGE)
"""Everything that the page shows, by the name in its first line."""
TARGET = "backups-env"
DIGEST = "credential-operator.io/digest"
CHECKSUM = f"checksum/{TARGET}"


def _rotate(space: Space, to: Key | None = None) -> None:
    key = to or space.new_key()
    space.apply(space.source(key))
    space.until(lambda: space.key_in(TARGET) == key, "the new key is published")


def _seen(secret: Json) -> tuple[str, str, str]:
    """Return what reloaders look at: the contents, their digest and how many there were."""
    annotations = secret["metadata"]["annotations"]
    return json.dumps(secret["data"], sort_keys=True), annotations[DIGEST], annotations[GENERATION]


def _changes(secrets: list[Json]) -> list[tuple[str, str, str]]:
    """Return what reloaders see, without what is as it was before."""
    seen = [_seen(secret) for secret in secrets]
    return [one for number, one in enumerate(seen) if number == 0 or one != seen[number - 1]]


def test_reloaders_see_one_change_for_each_new_key_and_none_else(space: Space, site: Site) -> None:
    key = space.published()
    first = space.get("secret", TARGET)
    _rotate(space)
    labelled = {"name": TARGET, "format": "env", "labels": {"tier": "backup"}}
    space.patch("credential", "backups", {"spec": {"targets": [labelled]}})
    space.until(lambda: "tier" in space.get("secret", TARGET)["metadata"]["labels"], "the label is there")
    space.kubectl("annotate", "secret", TARGET, "example.com/note=mine")
    space.kubectl("label", "secret", TARGET, "tier=other", "--overwrite")
    space.until(
        lambda: space.get("secret", TARGET)["metadata"]["labels"]["tier"] == "backup",
        "the label is as it was",
    )
    _restart(site)
    _rotate(space, to=key)

    history = [first, *space.watched("secrets", first)]
    changes = _changes(history)
    assert len(history) > len(changes)
    assert [generation for _, _, generation in changes] == ["1", "2", "3"]
    assert len(set(changes)) == 3
    contents = [(data, digest) for data, digest, _ in changes]
    assert contents[0] == contents[2] != contents[1]


def _restart(site: Site) -> None:
    """Restart the operator, and wait until it has looked at everything."""
    names = site.plane.kubectl("get", "credentials", "--all-namespaces", "--output=name").stdout.split()
    site.operator.kill()
    site.operator.start()
    sites.wait(
        lambda: site.operator.metric("credential_operator_reconcile_total", kind="Credential") >= len(names),
        "all are looked at",
    )


def test_a_target_that_holds_nothing_of_what_is_new_is_as_it_was(space: Space) -> None:
    target = {"name": TARGET, "format": "fields", "keys": {"licence": "licence"}}
    spec = {"opaque": {}, "secretRef": {"name": "keys"}, "targets": [target]}
    space.apply(
        space.secret("keys", {"licence": "one", "note": "old"}),
        space.document("Credential", "backups", spec),
    )
    space.becomes(Synced="True Published")
    first = space.get("secret", TARGET)

    space.apply(space.secret("keys", {"licence": "one", "note": "new"}))
    space.until(lambda: len(space.watched("secrets", first)) > 0, "it is looked at")
    space.apply(space.secret("keys", {"licence": "two", "note": "new"}))
    space.until(lambda: space.data(TARGET) == {"licence": "two"}, "the new licence is published")

    changes = _changes([first, *space.watched("secrets", first)])
    assert [generation for _, _, generation in changes] == ["1", "2"]


def _chart(folder: pathlib.Path) -> pathlib.Path:
    """Write a chart with the page's Deployment."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: api\nversion: 0.1.0\n")
    (folder / "templates" / "deployment.yaml").write_text(RECIPES["templates/deployment.yaml"])
    return folder


def _rollouts(space: Space, name: str) -> int:
    """Return how many Pod templates a Deployment has had, when its controller has seen the last one."""

    def settled() -> bool:
        found = space.get("deployment", name)
        return bool(found["status"].get("observedGeneration") == found["metadata"]["generation"])

    space.until(settled, "the Deployment's controller has seen it")
    return len(json.loads(space.kubectl("get", "replicasets", f"--selector=app={name}", "-o=json"))["items"])


def _checksum(space: Space) -> str:
    template = space.get("deployment", "api")["spec"]["template"]["metadata"]
    return str(template["annotations"][CHECKSUM])


def _digest(space: Space) -> str:
    return str(space.get("secret", TARGET)["metadata"]["annotations"][DIGEST])


def test_helm_starts_pods_again_with_a_new_key_and_only_then(
    space: Space, site: Site, tmp_path: pathlib.Path
) -> None:
    chart = _chart(tmp_path / "chart")

    def upgrade() -> int:
        site.plane.helm("upgrade", "--install", "api", chart, f"--namespace={space.name}")
        return _rollouts(space, "api")

    space.published()
    space.apply(workloads.deployment("other", TARGET))
    assert [upgrade(), upgrade()] == [1, 1]
    _rotate(space)
    assert [upgrade(), upgrade()] == [2, 2]
    assert _checksum(space) == _digest(space)
    assert _rollouts(space, "other") == 1


def test_helm_installs_a_workload_before_its_key_is_there(
    space: Space, site: Site, tmp_path: pathlib.Path
) -> None:
    chart = _chart(tmp_path / "chart")
    site.plane.helm("install", "api", chart, f"--namespace={space.name}")
    assert _checksum(space) == ""
    space.published()
    site.plane.helm("upgrade", "api", chart, f"--namespace={space.name}")
    assert _checksum(space) == _digest(space)


def test_a_step_of_a_pipeline_starts_pods_again_with_a_new_key_and_only_then(
    space: Space, site: Site, tmp_path: pathlib.Path
) -> None:
    kubeconfig = holders.settle(site.plane.kubeconfig, space, tmp_path / "kubeconfig")

    def step() -> int:
        environment = {"KUBECONFIG": str(kubeconfig), "PATH": _path()}
        command = ["sh", "-c", RECIPES["restart.sh"]]
        subprocess.run(command, env=site.plane.environment() | environment, check=True)
        return _rollouts(space, "api")

    space.published()
    space.apply(workloads.deployment("api", TARGET), workloads.deployment("other", TARGET))
    assert _rollouts(space, "api") == 1
    assert [step(), step()] == [2, 2]
    _rotate(space)
    assert [step(), step()] == [3, 3]
    assert _checksum(space) == _digest(space)
    assert _rollouts(space, "other") == 1


def test_reloader_starts_pods_again_with_a_new_key_and_only_then(space: Space, site: Site) -> None:
    key = space.published()
    reloader = Reloader(space, space.get("secret", TARGET))
    asked = {
        "named": {"secret.reloader.stakater.com/reload": TARGET},
        "automatic": {"reloader.stakater.com/auto": "true"},
        "unasked": {},
    }
    for name, annotations in asked.items():
        document = workloads.deployment(name, TARGET)
        document["metadata"]["annotations"] = annotations
        space.apply(document)

    _rotate(space)
    assert reloader.look() == 1
    assert [_rollouts(space, name) for name in asked] == [2, 2, 1]

    space.kubectl("annotate", "secret", TARGET, "example.com/note=mine")
    _restart(site)
    assert reloader.look() == 0
    _rotate(space, to=key)
    assert reloader.look() == 1
    assert [_rollouts(space, name) for name in asked] == [3, 3, 1]


def _path() -> str:
    return os.pathsep.join([str(tools.path("kubectl").parent), os.environ["PATH"]])

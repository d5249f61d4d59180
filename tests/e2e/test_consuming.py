"""Pods that get their keys from what the operator publishes, and what is said of them when the key changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.space import Json, Space
from controlplane import tools
from e2e import images, pods
from e2e.node import Node
from e2e.rotation import READERS, Rotation
from e2e.world import SECONDS, World
from emulators import distribution
from emulators.distribution import Distribution

APP = "team/app"


def test_a_rotation_names_the_workloads_that_have_to_start_again(
    rotation: Rotation, measured: list[str]
) -> None:
    everybody = ["Deployment env", "Pod part", "Pod whole"]
    took = rotation.space.until(lambda: rotation.stale() == everybody, "they are named")
    measured.append(f"the workloads with the previous key were named after {took:.1f} s")
    took = rotation.uses("whole", rotation.new)
    measured.append(f"a mounted Secret had the new key after {took:.1f} s")
    # These never follow, so that they are named for good reason.
    for name in ("deployment/env", "part"):
        assert rotation.told(name) == rotation.tells_now(name) == rotation.stands(rotation.old)


def test_workloads_that_have_started_again_are_named_no_more(rotation: Rotation) -> None:
    rotation.restart()
    for name in READERS:
        rotation.uses(name, rotation.new)
    rotation.space.until(
        lambda: set(rotation.stale()) <= {"Pod whole"}, "those that started again are not named"
    )


def _pulling(name: str, image: str, **fields: Any) -> Json:
    container = {"image": image, "args": ["--version"], "imagePullPolicy": "Always"}
    return pods.pod(name, pods.spec(container, restartPolicy="Never", **fields))


def _waits_for(space: Space, pod: str) -> str:
    """Return what a Pod's container waits for."""
    found = space.get("pod", pod).get("status", {}).get("containerStatuses", ())
    return str(found[0]["state"].get("waiting", {}).get("reason", "")) if found else ""


@pytest.mark.own_node
def test_a_published_login_pulls_images(
    space: Space, world: World, node: Node, registry: Distribution, tmp_path: Path
) -> None:
    login, host = (distribution.USERNAME, distribution.PASSWORD), f"{world.cloud.address}:{registry.port}"
    image = f"{host}/{APP}:1.0"
    assert registry.ca_path
    world.cloud.secrets.add(distribution.PASSWORD)
    node.trust(host, Path(registry.ca_path))
    images.push(tools.path("registry"), image, folder=tmp_path, login=login, authority=Path(registry.ca_path))

    space.apply(_pulling("refused", image))
    refused = {"ErrImagePull", "ImagePullBackOff"}
    space.until(lambda: _waits_for(space, "refused") in refused, "it needs a login", seconds=SECONDS)
    space.apply(
        space.secret("login", dict(zip(("username", "password"), login, strict=True))),
        space.document(
            "Credential",
            "images",
            {
                "registry": {"host": host, "repository": APP},
                "secretRef": {"name": "login"},
                "targets": [{"name": "regcred", "format": "docker-registry"}],
            },
        ),
    )
    space.becomes("images", Ready="True Available")
    space.apply(_pulling("pulls", image, imagePullSecrets=[{"name": "regcred"}]))
    ended = "--for=jsonpath={.status.phase}=Succeeded"
    space.kubectl("wait", "pod/pulls", ended, f"--timeout={SECONDS:.0f}s")
    assert "distribution" in space.kubectl("logs", "pulls")
    # Whoever may read the Pod knows the registry's name and none of its passwords.
    assert distribution.PASSWORD not in json.dumps(space.all("pods")) + space.kubectl(
        "get", "events", "--output=json"
    )

"""The operator's Pods are killed, rolled, upgraded and rolled back, and nobody who needs a key notices."""

from typing import Any

from cluster.space import Space
from e2e.world import HERE, SECONDS, World
from replica.install import RELEASE

NOWHERE = "--set=image.tag=there-is-no-such-image"
SHORT = "--timeout=15s"


def _version(space: Space) -> Any:
    """Return what changes with every write to the target."""
    return space.get("secret", "backups-env")["metadata"]["resourceVersion"]


def _rotates(space: Space) -> None:
    key = space.new_key()
    space.apply(space.source(key))
    space.until(lambda: space.key_in() == key, "the new key is published", seconds=SECONDS)


def _all_ready(world: World) -> None:
    world.cluster.kubectl("rollout", "status", f"deployment/{RELEASE}", HERE, f"--timeout={SECONDS:.0f}s")


def _levels(world: World) -> set[str]:
    """Return what the operator's Pods are told to log."""
    containers = (pod["spec"]["containers"][0] for pod in world.pods())
    variables = [one for container in containers for one in container["env"]]
    return {one["value"] for one in variables if one["name"] == "CREDENTIAL_OPERATOR_LOG_LEVEL"}


def test_another_pod_takes_over_where_the_leader_is_deleted_by_force(
    space: Space, world: World, measured: list[str]
) -> None:
    space.published()
    before = world.leader()
    world.cluster.kubectl("delete", "pod", before, HERE, "--grace-period=0", "--force")
    took = space.until(lambda: world.leader() not in {"", before}, "another one leads", seconds=SECONDS)
    measured.append(f"another Pod led {took:.1f} s after that of the leader was deleted by force")

    _rotates(space)
    _all_ready(world)
    assert len(world.pods()) == 2


def test_a_roll_changes_nothing_that_is_published(space: Space, world: World) -> None:
    space.published()
    before, pods = _version(space), {pod["metadata"]["name"] for pod in world.pods()}

    world.cluster.kubectl("rollout", "restart", f"deployment/{RELEASE}", HERE)
    _all_ready(world)
    space.until(lambda: world.leader() not in {"", *pods}, "a new Pod leads", seconds=SECONDS)

    assert _version(space) == before
    space.becomes(Ready="True Available", Synced="True Published")
    _rotates(space)


def test_an_upgrade_that_cannot_start_leaves_the_old_one_at_work_and_is_rolled_back(
    space: Space, world: World
) -> None:
    space.published()
    before = {pod["metadata"]["name"] for pod in world.pods()}

    assert not world.upgrade(NOWHERE, SHORT, check=False)
    ready = {
        pod["metadata"]["name"]
        for pod in world.pods()
        if any((one["type"], one["status"]) == ("Ready", "True") for one in pod["status"]["conditions"])
    }
    assert ready == before
    _rotates(space)

    world.cluster.helm("rollback", RELEASE, HERE, "--wait", f"--timeout={SECONDS:.0f}s")
    assert {pod["metadata"]["name"] for pod in world.pods()} == before
    assert world.leader() in before


def test_an_upgrade_and_its_rollback_replace_every_pod_in_order(space: Space, world: World) -> None:
    space.published()
    version = _version(space)
    assert _levels(world) == {"INFO"}
    world.upgrade("--set=logLevel=DEBUG")
    _all_ready(world)
    assert _levels(world) == {"DEBUG"}
    world.cluster.helm("rollback", RELEASE, HERE, "--wait", f"--timeout={SECONDS:.0f}s")
    _all_ready(world)
    assert _levels(world) == {"INFO"}

    names = {pod["metadata"]["name"] for pod in world.pods()}
    space.until(lambda: world.leader() in names, "one of the Pods leads", seconds=SECONDS)
    assert _version(space) == version
    _rotates(space)

"""The end of the rotation, two minutes after it began: the operator was killed, rolled and upgraded meanwhile."""

from e2e.rotation import READERS, Rotation

FOLLOWED = 180.0
"""A volume that is mounted whole counts for two minutes, whether it has followed or not."""


def test_when_nobody_runs_the_previous_key_it_can_go(rotation: Rotation) -> None:
    space = rotation.space
    rotation.restart()
    for name in READERS:
        rotation.uses(name, rotation.new)
    drained = "--for=jsonpath={.status.rotation.drained}=true"
    space.kubectl("wait", "credential/backups", drained, f"--timeout={FOLLOWED:.0f}s")
    assert space.get("credential", "backups")["status"]["rotation"]["previousKeyID"] == rotation.old[0]
    space.until(lambda: ("Normal", "Drained") in space.events(), "it is told")

    rotation.world.cloud.delete_key(rotation.old[0])
    for name in READERS:
        assert rotation.tells_now(name) == rotation.stands(rotation.new)

"""A rotation among Pods that read the key in each of the ways: who has which key, and what is said of it."""

import dataclasses
import json

from cluster.space import Json, Key, Space
from e2e import pods
from e2e.world import SECONDS, World

ENV = "backups-env"
READERS = {"deployment/env": "env", "part": "subPath", "whole": "volume"}
"""Who reads the key, and how."""


@dataclasses.dataclass(frozen=True)
class Rotation:
    """A namespace with consumers of one Credential, and its key before and after."""

    world: World
    space: Space
    old: Key
    new: Key

    def template(self, name: str) -> Json:
        """Return the spec of a consumer's Pods."""
        return pods.consumer(self.world.image, self.world.cloud.url, ENV, READERS[name])

    def told(self, name: str) -> Json:
        """Return what a consumer has told last."""
        printed = self.space.run("logs", name, check=False).stdout
        lines = [line for line in printed.splitlines() if line.startswith("{")]
        return dict(json.loads(lines[-1])) if lines else {}

    def tells_now(self, name: str) -> Json:
        """Return what a consumer tells if it is run once more, in the Pod as it is."""
        folder = () if READERS[name] == "env" else (pods.KEYS,)
        once = ("python", f"/{pods.PROGRAM}/consumer.py", "--once", *folder)
        return dict(json.loads(pods.execute(self.space, name, *once).stdout))

    def stands(self, key: Key) -> Json:
        """Return what a consumer tells that works with a key."""
        return {"key": key[0], "arn": self.space.arn}

    def uses(self, name: str, key: Key) -> float:
        """Wait until a consumer works with a key; returns how long it took."""
        working = self.stands(key)
        return self.space.until(lambda: self.told(name) == working, f"{name} uses {key[0]}", seconds=SECONDS)

    def stale(self) -> list[str]:
        """Return who runs the previous key, as the Credential says it."""
        status = self.space.get("credential", "backups")["status"].get("rotation", {})
        return [f"{one['kind']} {one['name']}" for one in status.get("stale", ())]

    def begin(self) -> None:
        """Start the consumers with the old key, and publish the new one."""
        self.space.apply(
            pods.deployment("env", self.template("deployment/env")),
            pods.pod("part", self.template("part")),
            pods.pod("whole", self.template("whole")),
        )
        for name in READERS:
            self.uses(name, self.old)
        self.space.apply(self.space.source(self.new))
        self.space.until(lambda: self.space.key_in() == self.new, "the new key is published")

    def restart(self) -> None:
        """Start those again that do not follow by themselves, unless that is done already."""
        if self.told("part") == self.stands(self.new):
            return
        self.space.kubectl("rollout", "restart", "deployment/env")
        self.space.kubectl("rollout", "status", "deployment/env", f"--timeout={SECONDS:.0f}s")
        self.space.kubectl("delete", "pod", "part")
        self.space.apply(pods.pod("part", self.template("part")))


def begun(world: World) -> Rotation:
    """Return a rotation of which the new key has just been published."""
    space = world.space("rotation")
    old = space.published()
    found = Rotation(world, space, old, space.new_key())
    found.begin()
    return found

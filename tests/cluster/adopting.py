"""Existing Secrets and those who adopt them, as the tests of adoption have them."""

from typing import Any

from cluster import space as spaces
from cluster.space import Key, Space

ENV, BACKUP = "backups-env", "backups-env-before-adoption"
ADOPTING = {"name": ENV, "format": "env", "adopt": True}
OLD = {"AWS_ACCESS_KEY_ID": "AKIAOLDOLDOLDOLDOLD1", "password": "theirs"}
NEWER = {**OLD, "password": "newer"}


def wanted(space: Space, **fields: Any) -> Key:
    """Ask for the key of a new user to be published by adoption; returns it."""
    space.new_user()
    key = space.new_key()
    space.apply(space.source(key), space.credential(targets=[ADOPTING], **fields))
    return key


def adopted(space: Space) -> Key:
    """Have a Secret of nobody's adopted; returns the key that it holds now."""
    space.apply(space.secret(ENV, OLD))
    key = wanted(space)
    space.becomes(Ready="True Available", Synced="True Published")
    return key


def says(space: Space, name: str = "backups") -> str:
    """Return what is said of a target that is somebody else's."""
    return spaces.message(space.becomes(name, Synced="False TargetConflict"), "Synced")

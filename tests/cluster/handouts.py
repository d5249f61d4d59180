"""Credentials that are distributed, and the namespaces that they are distributed to."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster import space as spaces
from cluster.sites import Site
from cluster.space import Json, Space

LABEL = "credential-operator.io/distributed"
ENV = {"name": "shared-env", "format": "env"}
FILE = {"name": "shared-file", "format": "aws-credentials-file"}
_numbers = itertools.count()


@pytest.fixture
def team(site: Site, space: Space) -> Iterator[Callable[[], Space]]:
    """Makes namespaces that the test's Credential is shared with by their label."""
    made: list[str] = []

    def make() -> Space:
        name = f"{space.name}-{next(_numbers)}"[-63:].strip("-")
        labels = {"shared": space.name}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        site.plane.kubectl("create", "--filename=-", input=json.dumps(namespace))
        made.append(name)
        return site.space_of(name)

    yield make
    if made:
        site.plane.kubectl("delete", "namespace", *made, "--wait=false")


def distributed(space: Space, **changes: Any) -> spaces.Key:
    """Publish a Credential that is distributed to the namespaces with the test's label; returns its key."""
    granted = {"selector": {"matchLabels": {"shared": space.name}}, "revocationGracePeriod": "1s"}
    fields = {"allowedNamespaces": granted, "distribute": {"target": ENV}, **changes}
    return space.published(**fields)


def got(team: Space, key: spaces.Key) -> None:
    """Wait until a namespace has the reference and its Secret."""
    team.until(lambda: team.find("credentialreference", "backups"), "it has the reference")
    team.becomes("backups", "credentialreference", Bound="True Bound", Synced="True Published")
    assert team.key_in("shared-env") == key


def counted(space: Space, **counts: int) -> Json:
    """Wait until the status says so many of a distribution; returns what it says."""

    def said() -> Json:
        found: Json = space.get("credential", "backups")["status"].get("distribution") or {}
        return found

    space.until(lambda: counts.items() <= said().items(), f"it counts {counts}")
    return said()

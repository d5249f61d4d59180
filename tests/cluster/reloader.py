"""A stand-in for Reloader: what its default strategy does with a changed Secret, as its source has it."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator

from cluster.space import Json, Space

NAMED = "secret.reloader.stakater.com/reload"
AUTOMATIC = ("reloader.stakater.com/auto", "secret.reloader.stakater.com/auto")


class Reloader:
    """Follow one Secret, and mark the Deployments that ask for it when its data changes.

    Source: stakater/Reloader, internal/pkg/handler/{update,upgrade}.go and internal/pkg/util/util.go.
    """

    def __init__(self, space: Space, secret: Json) -> None:
        """Begin with a Secret that is there: what is there at the beginning changes nothing."""
        self._space, self._last = space, secret
        self._name = secret["metadata"]["name"]

    def look(self) -> int:
        """Act upon every change since the last look, and return how many changes there were to the data."""
        changes = 0
        for secret in self._space.watched("secrets", self._last):
            if _checksum(secret) != _checksum(self._last):
                changes += 1
                self._mark(_checksum(secret))
            self._last = secret
        return changes

    def _mark(self, checksum: str) -> None:
        variable = f"STAKATER_{re.sub('[^A-Z0-9]+', '_', self._name.upper())}_SECRET"
        for name, container in self._asking():
            environment = [{"name": variable, "value": checksum}]
            template = {"spec": {"containers": [{"name": container, "env": environment}]}}
            self._space.kubectl(
                "patch", "deployment", name, f"--patch={json.dumps({'spec': {'template': template}})}"
            )

    def _asking(self) -> Iterator[tuple[str, str]]:
        """Yield the Deployments that ask for the Secret, each with the container that is to be marked."""
        found = json.loads(self._space.kubectl("get", "deployments", "--output=json"))["items"]
        for deployment in found:
            annotations = deployment["metadata"].get("annotations", {})
            containers = deployment["spec"]["template"]["spec"]["containers"]
            users = [one["name"] for one in containers if self._reads(one)]
            if any(annotations.get(word) == "true" for word in AUTOMATIC) and users:
                yield deployment["metadata"]["name"], users[0]
            elif self._name in re.split(r"\s*,\s*", annotations.get(NAMED, "")):
                yield deployment["metadata"]["name"], (users or [containers[0]["name"]])[0]

    def _reads(self, container: Json) -> bool:
        sources = [one.get("secretRef", {}).get("name") for one in container.get("envFrom", [])]
        return self._name in sources


def _checksum(secret: Json) -> str:
    """Return Reloader's checksum of a Secret's data."""
    plain = {key: base64.b64decode(value) for key, value in secret.get("data", {}).items()}
    joined = b";".join(sorted(key.encode() + b"=" + value for key, value in plain.items()))
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()

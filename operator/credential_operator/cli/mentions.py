"""What the templates of Pods say of the Secrets that they use: which keys, and under which names. Pure."""

import dataclasses
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from credential_operator import workloads

Json = Mapping[str, Any]
Place = tuple[str, str]
"""Namespace and name."""

PULL_KEY = ".dockerconfigjson"
"""The key of every Secret that images are pulled with."""
AWS_FOLDER, AWS_FILE = "/.aws", "credentials"
"""Where AWS's tools look for their file, in any home."""
CONTAINERS = ("containers", "initContainers")


@dataclasses.dataclass(slots=True)
class Mention:
    """A Secret, as far as Pods say what is in it."""

    namespace: str
    name: str
    keys: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    """Its keys -> the variables in which containers have them, and those that point to them as files."""
    beside: dict[str, set[str]] = dataclasses.field(default_factory=dict, repr=False)
    """Variables with a plain value in the same containers."""
    images: set[str] = dataclasses.field(default_factory=set)
    """What is pulled with it."""
    whole: bool = False
    """Whether something takes all of it, whatever its keys."""

    def take(self, key: str, *variables: str) -> None:
        """Notes that a key is used."""
        self.keys.setdefault(key, set()).update(variables)


@dataclasses.dataclass(frozen=True, slots=True)
class _Mount:
    """A Secret in a volume: the path of each file -> its key, where the volume says them."""

    secret: str
    paths: Mapping[str, str]


def mentions(found: Iterable[Json]) -> list[Mention]:
    """Gives the Secrets that workloads use, sorted; what has ended, or names none, says nothing."""
    kinds = {kind.name: kind for kind in workloads.KINDS}
    known: dict[Place, Mention] = {}
    for item in found:
        if kinds[item["kind"]].use(dict(item)) is not None and item["kind"] != "ServiceAccount":
            _Reader(item["metadata"]["namespace"], known).read(workloads.pod_spec(dict(item)))
    return [known[place] for place in sorted(known)]


class _Reader:
    """Reads pod specs of one namespace."""

    def __init__(self, namespace: str, known: dict[Place, Mention]) -> None:
        self._namespace = namespace
        self._known = known

    def _of(self, secret: str) -> Mention:
        return self._known.setdefault((self._namespace, secret), Mention(self._namespace, secret))

    def read(self, spec: Json) -> None:
        """Takes in a pod spec."""
        containers = [one for word in CONTAINERS for one in spec.get(word) or ()]
        for pull in spec.get("imagePullSecrets") or ():
            mention = self._of(pull["name"])
            mention.take(PULL_KEY)
            mention.images.update(one["image"] for one in containers if one.get("image"))
        volumes = {volume["name"]: [*_mounts(volume)] for volume in spec.get("volumes") or ()}
        for container in containers:
            self._read_container(container, volumes)

    def _read_container(self, container: Json, volumes: Mapping[str, list[_Mount]]) -> None:
        variables = container.get("env") or ()
        plain = {one["name"]: one["value"] for one in variables if one.get("value")}
        used = [*self._variables(variables), *self._whole(container)]
        for mount in container.get("volumeMounts") or ():
            for held in volumes.get(mount["name"], ()):
                used.append(self._of(held.secret))
                _read_mount(used[-1], held, mount, plain)
        for mention in used:
            for name, value in plain.items():
                mention.beside.setdefault(name, set()).add(value)

    def _variables(self, variables: Iterable[Json]) -> Iterator[Mention]:
        for one in variables:
            reference = (one.get("valueFrom") or {}).get("secretKeyRef") or {}
            if reference.get("name"):
                mention = self._of(reference["name"])
                mention.take(reference["key"], one["name"])
                yield mention

    def _whole(self, container: Json) -> Iterator[Mention]:
        for one in container.get("envFrom") or ():
            name = (one.get("secretRef") or {}).get("name")
            if name:
                mention = self._of(name)
                mention.whole = True
                yield mention


def _mounts(volume: Json) -> Iterator[_Mount]:
    """Yields the Secrets of a volume, which names them in one of two ways."""
    projected = [one.get("secret") or {} for one in (volume.get("projected") or {}).get("sources") or ()]
    own = volume.get("secret") or {}
    for name, source in ((own.get("secretName"), own), *((one.get("name"), one) for one in projected)):
        if name:
            yield _Mount(name, {one["path"]: one["key"] for one in source.get("items") or ()})


def _read_mount(mention: Mention, held: _Mount, mount: Json, plain: Mapping[str, str]) -> None:
    part = mount.get("subPath")
    if part:
        files = {mount["mountPath"]: held.paths.get(part, part)}
    else:
        files = {posixpath.join(mount["mountPath"], path): key for path, key in held.paths.items()}
    for key in files.values():
        mention.take(key)
    mention.whole = mention.whole or not files
    for name, value in plain.items():
        key = files.get(value) or ("" if files else _below(mount["mountPath"], value))
        if key:
            mention.take(key, name)
    if not files and mount["mountPath"].rstrip("/").endswith(AWS_FOLDER):
        mention.take(AWS_FILE, "AWS_SHARED_CREDENTIALS_FILE")


def _below(folder: str, path: str) -> str:
    """Gives the name of a file in a folder; nothing for what is not there."""
    parent, name = posixpath.split(path)
    return name if parent == folder.rstrip("/") else ""

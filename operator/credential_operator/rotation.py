"""Who runs the previous key still after a rotation: what the containers of Pods have read of Secrets. Pure.

A container reads its environment and its subPath mounts when it starts, and never again; a volume that is mounted
whole follows the Secret, which takes the kubelet up to a minute and the cache that it asks one more
(kubernetes.io, "Using Secrets as files from a Pod": mounted Secrets are updated automatically).
"""

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from credential_operator import findings
from credential_operator.findings import User
from credential_operator.objects import Key

Json = dict[str, Any]
Time = datetime.datetime

FOLLOWED = datetime.timedelta(minutes=2)
"""How long after a write a volume that is mounted whole is sure to have followed."""
SHOWN = 10
KUBELETS = ("secret", "projected")
"""Volumes that the kubelet keeps up with their Secrets; others are given a Secret once, when they are mounted."""
POD = ""
"""Stands for the Pod itself, where a container's name would stand."""


class Read(NamedTuple):
    """A container that reads a Secret; `follows`: it sees what is written later."""

    container: str
    secret: str
    follows: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Who runs the previous key; `until`: when the first of them is sure to have followed, without a restart."""

    users: frozenset[User] = frozenset()
    until: Time | None = None


def together(every: Iterable[Behind]) -> Behind:
    """Puts several together."""
    found = [*every]
    return Behind(
        users=frozenset().union(*(one.users for one in found)),
        until=min((one.until for one in found if one.until is not None), default=None),
    )


def behind(pod: Json, user: User, published: Mapping[Key, Time | None], now: Time) -> Behind:
    """Tells whether a Pod runs a previous key, for the Secrets and since when each holds the new one.

    None: it holds the previous one still.
    """
    started = dict(_started(pod))
    found = []
    for read in reads(pod["spec"]):
        secret, since = Key(user.namespace, read.secret), started.get(read.container)
        if secret not in published or since is None:
            continue
        written = published[secret]
        if written is None or (since <= written and not read.follows):
            found.append(Behind(users=frozenset((user,))))
        elif since <= written and now < written + FOLLOWED:
            found.append(Behind(users=frozenset((user,)), until=written + FOLLOWED))
    return together(found)


def _started(pod: Json) -> Iterator[tuple[str, Time]]:
    """Yields the containers that run, and since when."""
    status = pod.get("status") or {}
    for word in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for one in status.get(word) or ():
            since = findings.parse_time(((one.get("state") or {}).get("running") or {}).get("startedAt"))
            if since is not None:
                yield one["name"], since
                yield POD, findings.parse_time(status.get("startTime")) or since


def reads(spec: Json) -> Iterator[Read]:
    """Yields what each container reads of Secrets; what a Pod reads as a whole, when it starts."""
    volumes = {volume["name"]: volume for volume in spec.get("volumes") or ()}
    for volume in volumes.values():
        yield from (Read(POD, name, follows=False) for name in _given_once(volume))
    for word in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(word) or ():
            yield from (Read(container["name"], name, follows=False) for name in _variables(container))
            for mount in container.get("volumeMounts") or ():
                whole = not (mount.get("subPath") or mount.get("subPathExpr"))
                for name in _kept_up(volumes.get(mount["name"], {})):
                    yield Read(container["name"], name, follows=whole)


def _variables(container: Json) -> Iterator[str]:
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("secretKeyRef") or {}
        yield from filter(None, [reference.get("name")])
    for variables in container.get("envFrom") or ():
        yield from filter(None, [(variables.get("secretRef") or {}).get("name")])


def _kept_up(volume: Json) -> Iterator[str]:
    yield from filter(None, [(volume.get("secret") or {}).get("secretName")])
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield from filter(None, [(source.get("secret") or {}).get("name")])


def _given_once(volume: Json) -> Iterator[str]:
    for kind, source in volume.items():
        if kind in KUBELETS or not isinstance(source, dict):
            continue
        yield from filter(None, [source.get("secretName")])
        for word in ("secretRef", "nodePublishSecretRef"):
            yield from filter(None, [(source.get(word) or {}).get("name")])


# What is said of it


def begun(old: Mapping[str, Any], found: findings.Pass) -> str | None:
    """Gives the id of the previous key if this pass replaced it, empty where it has none; None if it did not."""
    previous = str(old.get("key", {}).get("id", ""))
    if any(target.written for target in found.targets) and found.new_key:
        return previous
    key_id = getattr(found.verdict, "key_id", None)
    moved = not found.wanted and bool(previous) and key_id not in {None, previous}
    return previous if moved else None


def told(rotation: Json, stale: Iterable[User], unknown: Iterable[User]) -> Json:
    """Gives `status.rotation` after a look: who runs the previous key, and who cannot be judged."""
    kept: Json = {name: rotation[name] for name in ("publishedAt", "previousKeyID") if name in rotation}
    listed = {"stale": sorted(stale), "unknown": sorted(unknown)}
    for name, users in listed.items():
        if users:
            kept |= {name: [user._asdict() for user in users[:SHOWN]], f"{name}Count": len(users)}
    return kept | {"drained": not listed["stale"]}

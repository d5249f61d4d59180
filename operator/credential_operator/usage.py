"""Who uses which Secrets, found in the cluster: workloads and custom resources. Pure memory.

What a watch shows of an object is projected onto a `Use`, and objects with the same one share it: ten
thousand Pods of one Deployment are one user, and nothing changes when they are replaced.
"""

import collections
import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from credential_operator import consumers
from credential_operator.findings import User
from credential_operator.objects import Key, Object

Json = dict[str, Any]


Follower = Key | Object
"""On whose behalf Secrets are followed: a Credential's rotation, or an object that has no target yet."""


class Use(NamedTuple):
    """A user, and the Secrets that it names."""

    user: User
    secrets: tuple[Key, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of object that uses Secrets: its resource, in the versions that it may be served in.

    `use` projects an object, None where it uses nothing; `finished` tells whether it has done its work, well
    or not. `namespaced` is False where its objects belong to no namespace, `custom` True where a rule describes it.
    """

    name: str
    resource: str
    api_versions: tuple[str, ...]
    use: Callable[[Json], Use | None]
    finished: Callable[[Json], bool] = lambda _: False
    namespaced: bool = True
    custom: bool = False


@dataclasses.dataclass(slots=True)
class _Shared:
    """A use, and in how many objects it is found."""

    use: Use
    objects: int = 0


def by_rule(rule: consumers.Rule) -> Kind:
    """Describes the custom resources of a rule."""

    def use(document: Json) -> Use | None:
        metadata = document["metadata"]
        secrets = sorted(Key(*named) for named in consumers.secrets(rule, document))
        user = User(rule.kind, metadata.get("namespace", ""), metadata["name"])
        return Use(user, tuple(secrets)) if secrets else None

    return Kind(
        name=rule.kind,
        resource=rule.resource,
        api_versions=tuple(f"{rule.group}/{version}" for version in rule.versions),
        use=use,
        namespaced=rule.scope == "namespaced",
        custom=True,
    )


class Usage:
    """All uses that are known, by object and by Secret."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[str, _Shared]] = {}
        """Kind and namespace -> name -> what it uses: fifty thousand Pods need no keys of their own."""
        self._shared: dict[Use, _Shared] = {}
        self._users: dict[Key, tuple[Use, ...]] = {}
        self._followed: dict[Follower, frozenset[Key]] = {}
        """On whose behalf -> the Secrets of which each coming and going is told, not only that of users."""
        self._followers: collections.Counter[Key] = collections.Counter()
        """Secret -> for how many: every Pod that comes or goes is looked up here."""

    def put(self, source: Object, use: Use | None) -> tuple[Key, ...]:
        """Takes in what an object uses (None: nothing); gives the Secrets whose users have changed."""
        place = source.kind, source.key.namespace
        found = self._found.get(place, {})
        known = found.get(source.key.name)
        before = None if known is None else known.use
        if before == use:
            return self._told(use)
        changed: tuple[Key, ...] = ()
        if use is not None:
            shared = self._shared.setdefault(use, _Shared(use))
            self._found.setdefault(place, found)[source.key.name] = shared
            changed = self._join(shared)
        else:
            del found[source.key.name]
            if not found:
                del self._found[place]
        changed = changed if known is None else (*changed, *self._leave(known))
        return (*changed, *self._told(before), *self._told(use))

    def follow(self, follower: Follower, secrets: Iterable[Key]) -> None:
        """Has everything told that happens to what uses these Secrets, on somebody's behalf; none: no more."""
        before, now = self._followed.pop(follower, frozenset()), frozenset(secrets)
        if now:
            self._followed[follower] = now
        self._followers.update(now)
        self._followers.subtract(before)
        for secret in before - now:
            if not self._followers[secret]:
                del self._followers[secret]

    def _told(self, use: Use | None) -> tuple[Key, ...]:
        """Gives the Secrets of a use that are followed."""
        if use is None or not self._followers:
            return ()
        return tuple(secret for secret in use.secrets if secret in self._followers)

    def sources(self, kind: str) -> Iterator[Key]:
        """Gives the objects of a kind that use any Secret."""
        for (of_kind, namespace), found in self._found.items():
            if of_kind == kind:
                yield from (Key(namespace, name) for name in found)

    def of_kinds(self, kinds: Collection[str], secrets: Iterable[Key]) -> set[User]:
        """Gives who of certain kinds of objects uses any of these Secrets."""
        wanted = frozenset(secrets)
        return {
            shared.use.user
            for (kind, _), found in self._found.items()
            if kind in kinds
            for shared in found.values()
            if not wanted.isdisjoint(shared.use.secrets)
        }

    def firsts(self, kind: str, secret: Key) -> dict[User, Key]:
        """Gives who uses a Secret by objects of a kind, and of each user the first of these objects by name."""
        first: dict[User, str] = {}
        if secret in self._users:
            for name, shared in self._found.get((kind, secret.namespace), {}).items():
                if secret in shared.use.secrets:
                    user = self.named(shared.use.user)
                    first[user] = min(name, first.get(user, name))
        return {user: Key(secret.namespace, name) for user, name in first.items()}

    def users(self, secrets: Iterable[Key]) -> set[User]:
        """Gives who uses any of these Secrets."""
        return {self.named(use.user) for secret in secrets for use in self._users.get(secret, ())}

    def named(self, user: User) -> User:
        """Names the CronJob in place of its Job, whose Pods know only that."""
        if user.kind != "Job":
            return user
        job = self._found.get(("Job", user.namespace), {}).get(user.name)
        return user if job is None else job.use.user

    def _join(self, shared: _Shared) -> tuple[Key, ...]:
        shared.objects += 1
        if shared.objects > 1:
            return ()
        for secret in shared.use.secrets:
            self._users[secret] = (*self._users.get(secret, ()), shared.use)
        return shared.use.secrets

    def _leave(self, shared: _Shared) -> tuple[Key, ...]:
        shared.objects -= 1
        if shared.objects:
            return ()
        del self._shared[shared.use]
        for secret in shared.use.secrets:
            rest = tuple(use for use in self._users[secret] if use is not shared.use)
            if rest:
                self._users[secret] = rest
            else:
                del self._users[secret]
        return shared.use.secrets


def gathered(uses: Iterable[tuple[Object, Use]]) -> Usage:
    """Gives the memory of uses that were listed."""
    usage = Usage()
    for source, use in uses:
        usage.put(source, use)
    return usage

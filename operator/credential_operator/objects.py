"""Objects by their names, and indexes over them."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self


class Key(NamedTuple):
    """A namespaced name."""

    namespace: str
    name: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Gives the key of an object."""
        return cls(document["metadata"].get("namespace", ""), document["metadata"]["name"])

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Object(NamedTuple):
    """An object of a kind."""

    kind: str
    key: Key


Wake = Callable[[Iterable[Object]], None]
"""Has objects looked at soon."""


class Index:
    """Which names stand behind a key, both ways; small tuples, since most keys have one name."""

    def __init__(self) -> None:
        self._names: dict[Key, tuple[str, ...]] = {}
        self._keys: dict[Key, tuple[str, ...]] = {}

    def put(self, owner: Key, names: Iterable[str]) -> None:
        """Says which names in its own namespace an owner stands behind, in place of what was said before."""
        new = tuple(sorted({sys.intern(name) for name in names}))
        old = self._keys.get(owner, ())
        if new == old:
            return
        for name in set(old) - set(new):
            self._drop(Key(owner.namespace, name), owner.name)
        alone = (owner.name,)
        for name in set(new) - set(old):
            key = Key(owner.namespace, name)
            others = self._names.get(key)
            self._names[key] = alone if others is None else (*others, owner.name)
        if new:
            self._keys[owner] = new
        else:
            self._keys.pop(owner, None)

    def owners(self, key: Key) -> Iterator[Key]:
        """Yields who stands behind a name."""
        return (Key(key.namespace, name) for name in self._names.get(key, ()))

    def named_by(self, owner: Key) -> Iterator[Key]:
        """Yields the names that an owner stands behind."""
        return (Key(owner.namespace, name) for name in self._keys.get(owner, ()))

    def keys(self) -> Iterator[Key]:
        """Gives the names that somebody stands behind."""
        return iter(tuple(self._names))

    def _drop(self, key: Key, name: str) -> None:
        rest = tuple(other for other in self._names[key] if other != name)
        if rest:
            self._names[key] = rest
        else:
            del self._names[key]


class Links:
    """Which object in any namespace each object points at."""

    def __init__(self) -> None:
        self._to: dict[Key, Key] = {}
        self._from: dict[Key, set[Key]] = {}

    def put(self, one: Key, at: Key | None) -> None:
        """Says what an object points at, in place of what was said before; None: at nothing."""
        old = self._to.pop(one, None)
        if old is not None:
            self._from[old].discard(one)
            if not self._from[old]:
                del self._from[old]
        if at is not None:
            self._to[one] = at
            self._from.setdefault(at, set()).add(one)

    def pointing_at(self, key: Key) -> list[Key]:
        """Gives the objects that point at one, sorted."""
        return sorted(self._from.get(key, ()))

    def target_of(self, one: Key) -> Key | None:
        """Gives what an object points at."""
        return self._to.get(one)

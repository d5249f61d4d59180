"""What an importer is: it reads a file of another system, and says of each credential what can be made of it."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

MASKED = re.compile(r"\s*|\*+|<[^<>\n]*>|your .*", re.IGNORECASE)
"""What stands for key material that is not shown, or that a document leaves to its reader."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A credential of another system, as far as it can be one of ours.

    `config` is what its spec says under its type, `fields` are secret, and `left` says in sentences what could not
    be taken over, why, and what to do. Without a type there is none for it.
    """

    name: str
    type: str = ""
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    description: str = ""
    left: Sequence[str] = ()


class Importer(Protocol):
    """One system. Pure: nothing but what is in the file counts."""

    name: ClassVar[str]
    """How it is called on the command line."""
    title: ClassVar[str]
    """What it reads, in a sentence."""

    def read(self, text: str, documents: Sequence[Any]) -> list[Entry]:
        """Gives the credentials of a file, none where it is another system's.

        `documents` are those that the text has as YAML or JSON; none where it is neither.
        """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one kind of credential is called there: its names -> ours; a dot leads into a part of the config."""

    type: str
    public: Mapping[str, str] = dataclasses.field(default_factory=dict)
    secret: Mapping[str, str] = dataclasses.field(default_factory=dict)
    fixed: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What the config says in any case."""
    ignored: frozenset[str] = frozenset()
    """Names that say nothing that is lost."""

    def entry(
        self,
        name: str,
        given: Mapping[str, Any],
        *,
        config: Mapping[str, Any] | None = None,
        description: str = "",
        left: Iterable[str] = (),
    ) -> Entry:
        """Gives the credential that is called so; `config` and `left` are added to what follows from the names."""
        public = {
            path: given[there] for there, path in self.public.items() if given.get(there) not in (None, "")
        }
        secret = {field: plain(given[there]) for there, field in self.secret.items() if there in given}
        said = {there for there, value in given.items() if value not in (None, "")}
        foreign = sorted(said - {*self.public, *self.secret, *self.ignored})
        return Entry(
            name=name,
            type=self.type,
            config=_nested({**self.fixed, **public, **(config or {})}),
            fields={field: value for field, value in secret.items() if not MASKED.fullmatch(value)},
            description=description,
            left=[*left, *(f"{one}: the type {self.type} has no field for it." for one in foreign)],
        )


def plain(value: Any) -> str:
    """Gives a value as text; of a value with its encoding beside it, the value."""
    if isinstance(value, Mapping):
        value = value.get("data")
    return "" if value is None else str(value)


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Puts values into the parts that their names lead to."""
    found: dict[str, Any] = {}
    for path, value in flat.items():
        *parts, last = path.split(".")
        into = found
        for part in parts:
            into = into.setdefault(part, {})
        into[last] = value
    return found

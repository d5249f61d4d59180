"""Short-lived keys in the schema: which kinds there are, what each needs to know, and who can have which."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import pydantic

from credential_operator.api import alternatives, joint, schema, values


class Kind(Protocol):
    """What the schema needs to know of a kind of short-lived key."""

    @property
    def name(self) -> str:
        """The value of `issue.kind`."""

    @property
    def title(self) -> str:
        """The kind in a sentence."""

    @property
    def options(self) -> type[pydantic.BaseModel]:
        """What it needs to know."""

    @property
    def variables(self) -> Mapping[str, tuple[str, ...]]:
        """Every field that a format can draw from, with its environment variables."""


class Named(Protocol):
    """A credential type; its kinds are its `issues`, where it has some."""

    @property
    def name(self) -> str:
        """The key under `spec`."""


class Layout(Protocol):
    """A format."""

    @property
    def name(self) -> str:
        """The value of `format`."""

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether what has these fields can be laid out this way."""


def kinds(each: Named) -> Mapping[str, Kind]:
    """Gives the kinds of short-lived keys of a type by name; none where it has none."""
    found: Sequence[Kind] = getattr(each, "issues", ())
    return {kind.name: kind for kind in found}


def formats_of(kind: Kind, formats: Iterable[Layout]) -> list[str]:
    """Names the formats that a kind can be laid out in."""
    return [layout.name for layout in formats if layout.serves(kind.variables)]


def node(described: schema.Schema, types: Sequence[Named]) -> schema.Schema | None:
    """Gives the schema of `issue` with the kinds of all types; None where there are none."""
    found = _kinds(types)
    if not found:
        return None
    options = {name: schema.of(next(iter(alike.values())).options) for name, alike in found.items()}
    together = schema.union(options, "kind")
    titles = "\n".join(f"* {name}: {_titles(alike)}" for name, alike in found.items())
    chosen = {"description": f"Which kind.\n\n{titles}", "type": "string", "enum": [*found]}
    rules = [rule.document() for rule in _option_rules(options, sorted(together))]
    return {
        "description": described["description"],
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": chosen, **together},
        **({schema.RULES: rules} if rules else {}),
    }


def rules(types: Sequence[Named]) -> Iterator[values.Rule]:
    """Gives the rules of `spec` that say which types can have short-lived keys at all."""
    if names := [each.name for each in types if kinds(each)]:
        able = f"type in {values.listed(names)}"
        message = f"short-lived keys can be issued for the types {', '.join(names)}: no other type's provider makes any"
        yield values.Rule(rule=f"!has(target.issue) || {able}", message=message, path=joint.TARGETS.path)
        yield values.Rule(rule=able, message=message, path=joint.SHARED.path)


def own_rules(
    each: Named, types: Sequence[Named], formats: Sequence[Layout]
) -> Iterator[alternatives.Worded]:
    """Gives the rules of `spec` that say which kinds one of the types has, and in which formats; in words for any."""
    own = kinds(each)
    every = {kind for other in types for kind in kinds(other)}
    if own and own.keys() != every:
        yield "issue must be a kind that the credential type has", _known(each.name, list(own))
        yield "as.issue must be a kind that the credential type has", _known_to_others(each.name, list(own))
    for kind in own.values():
        served = formats_of(kind, formats)
        if len(served) < len(formats):
            yield (
                "must have formats that can serve the short-lived key",
                _served(each.name, kind.name, served),
            )
        yield (
            "must take their keys from the fields of the short-lived key",
            _fields(each.name, kind.name, sorted(kind.variables)),
        )


def _kinds(types: Sequence[Named]) -> dict[str, dict[str, Kind]]:
    """Gives the kinds of all types by their name and the type's.

    Raises ValueError where two of a name want to know something else.
    """
    found: dict[str, dict[str, Kind]] = {}
    for each in types:
        for name, kind in kinds(each).items():
            alike = found.setdefault(name, {})
            if any(schema.of(other.options) != schema.of(kind.options) for other in alike.values()):
                raise ValueError(
                    f"kind {name} of {each.name} wants to know something else than another type's"
                )
            alike[each.name] = kind
    return dict(sorted(found.items()))


def _titles(alike: Mapping[str, Kind]) -> str:
    """Says what a kind is, for each type where it is something else."""
    titles = {kind.title for kind in alike.values()}
    if len(titles) == 1:
        return titles.pop()
    return " ".join(f"{name}: {kind.title}" for name, kind in alike.items())


def _option_rules(options: Mapping[str, schema.Schema], union: Sequence[str]) -> Iterator[values.Rule]:
    for name, document in options.items():
        known = sorted(document.get("properties", {}))
        foreign = " || ".join(f"has(self.{option})" for option in union if option not in known)
        if foreign:
            yield values.Rule(
                rule=f"self.kind != '{name}' || !({foreign})",
                message=f"kind {name} takes {', '.join(known) or 'nothing'} besides: remove the others",
            )
        for option in sorted(document.get("required", ())):
            yield values.Rule(
                rule=f"self.kind != '{name}' || has(self.{option})", message=f"kind {name} needs {option}"
            )


def _known(name: str, found: Sequence[str]) -> values.Rule:
    return values.Rule(
        rule=f"!has(target.issue) || target.issue.kind in {values.listed(found)}",
        message=f"issue must be a kind that {name} has: {', '.join(found)}",
        path=joint.TARGETS.path,
    )


def _known_to_others(name: str, found: Sequence[str]) -> values.Rule:
    return values.Rule(
        rule=f"{joint.FOR_OTHERS}.kind in {values.listed(found)}",
        message=f"as.issue must be a kind that {name} has: {', '.join(found)}",
        path=joint.SHARED.path,
    )


def _served(name: str, kind: str, formats: Sequence[str]) -> values.Rule:
    return values.Rule(
        rule=f"!has(target.issue) || target.issue.kind != '{kind}' || target.format in {values.listed(formats)}",
        message=f"must have formats that can serve the {kind} of {name}: {', '.join(formats)}",
        path=joint.TARGETS.path,
    )


def _fields(name: str, kind: str, fields: Sequence[str]) -> values.Rule:
    return values.Rule(
        rule=f"!has(target.issue) || target.issue.kind != '{kind}' || !has(target.keys) || "
        f"target.keys.all(key, target.keys[key] in {values.listed(fields)})",
        message=f"must take their keys from the fields of the {kind} of {name}: {', '.join(fields)}",
        path=joint.TARGETS.path,
    )

"""The reference page of a credential type: examples, its fields, its source Secret, what it costs and can do."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from credential_operator.api import abilities, installed, pages, schema, values


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What a page says of a kind of short-lived key."""

    name: str
    title: str
    cost: str
    formats: Sequence[str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a page says of keys that renew themselves; `most` is how many a principal may have."""

    cost: str
    needs: Sequence[str]
    most: int
    disables: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a page says of a type besides its fields.

    `rules` are those that it brings; `examples` are manifests; `formats` those that can lay it out, `sources`
    those that it can be read from; `sets` names of permissions that stand for several; `issued` its short-lived
    keys; `rotated` how its keys renew themselves, where they can.
    """

    cost: str
    rules: Sequence[values.Rule]
    issued: Sequence[Issued]
    examples: Sequence[str]
    formats: Sequence[str]
    sources: Sequence[str]
    sets: Mapping[str, Sequence[str]]
    rotated: Rotated | None


OFTEN = (
    "At the default interval of 1h a Credential is validated about 24 times a day, and whenever its key changes; "
    "`validation.interval` sets that. A key that is refused is asked about twice more within half a minute, and then "
    "at the interval. While the provider cannot be reached, a Credential asks 350 to 420 times a day, and all of one "
    "endpoint together at most once a minute."
)
ABILITIES = {
    "grants": "`validation.permissions`: its permissions can be asked for.",
    "reach": "`discoverReach`: what it sees is counted.",
    "history": "`status.key`: its provider tells of the key's life.",
    "workload_identity": "`workloadIdentity`: it can do without a stored key.",
    "rotation": "`rotation`: its keys renew themselves.",
}
"""What a type has that can do more than be validated -> what it can do."""


def page(each: installed.CredentialType, spec: schema.Schema, facts: Facts) -> str:
    """Writes the page of a type; `spec` is the schema of a Credential's spec."""
    node = spec["properties"][each.name]
    own = {**spec, schema.RULES: [rule.document() for rule in facts.rules]}
    blocks = [
        f"<!-- {pages.NOTICE} -->",
        f"# {each.name}",
        f"`spec.{each.name}`",
        *pages.objects(node, f"spec.{each.name}", headed=False),
        *pages.rules(own),
        "## Examples",
        *(f"```yaml\n{example.strip()}\n```" for example in facts.examples),
        "## The source Secret",
        *_source(each, facts),
        "## Targets",
        f"It can be published in the formats {_listed(facts.formats)}.",
        *_issued(facts.issued),
        *_rotated(facts.rotated),
        "## What a validation costs",
        f"{facts.cost} {OFTEN}",
        "## What it can do besides",
        *_abilities(each, facts),
        "What is said in every situation: [verdicts](../verdicts.md).",
    ]
    return "\n\n".join(blocks) + "\n"


def _source(each: installed.CredentialType, facts: Facts) -> Iterator[str]:
    if installed.takes_any(each):
        yield "It may hold any keys: each is a field of its own name."
        return
    yield (
        "Each field is read from the key of its own name, or of the provider's environment variable; "
        "`secretRef.keys` names others."
    )
    yield pages.table(("field", "read from", "meaning"), list(_fields(each)))
    yield f"With `secretRef.format` it is read from other layouts: {_listed(facts.sources)}."


def _fields(each: installed.CredentialType) -> Iterator[tuple[str, str, str]]:
    for name, field in each.keys.model_fields.items():
        public = field.alias or name
        spellings = (public, *each.variables.get(public, ()))
        yield (
            pages.field_name(public, [public] if field.is_required() else []),
            " or ".join(f"`{key}`" for key in spellings),
            schema.paragraphs(field.description or ""),
        )


def _issued(kinds: Sequence[Issued]) -> Iterator[str]:
    if kinds:
        yield "With `issue`, a target holds a short-lived key in place of the stored one:"
        rows = [(f"`{kind.name}`", kind.title, kind.cost, _listed(kind.formats)) for kind in kinds]
        yield pages.table(("`issue.kind`", "what it is", "what each costs", "formats"), rows)


def _rotated(rotated: Rotated | None) -> Iterator[str]:
    if rotated is None:
        return
    yield "## Rotation"
    ended = "disabled and later deleted" if rotated.disables else "deleted, since it cannot be disabled"
    yield (
        "With `rotation` the operator makes a new key in time, and the one before is "
        f"{ended} when nobody holds it any more. There can be {rotated.most} keys at a time. What the key must be "
        f"permitted, on its own principal alone: {_listed(rotated.needs)}."
    )
    yield rotated.cost


def _abilities(each: installed.CredentialType, facts: Facts) -> Iterator[str]:
    can = [text for attribute, text in ABILITIES.items() if hasattr(each, attribute)]
    yield "\n".join(f"* {text}" for text in can) if can else "Nothing."
    if facts.sets:
        yield "Names that stand for several permissions:"
        rows = [(f"`{name}`", " ".join(f"`{one}`" for one in listed)) for name, listed in facts.sets.items()]
        yield pages.table(("name", "permissions"), rows)
    identity: Any = getattr(each, abilities.IDENTITY.attribute, None)
    if identity is not None:
        yield from pages.objects(schema.of(identity), "spec.workloadIdentity")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) if names else "none"

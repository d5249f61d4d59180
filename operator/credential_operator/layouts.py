"""Reads source Secrets: in the layout that the spec names, and only where both say the same of public facts."""

import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic

from credential_operator import errors
from credential_operator.api import credential, installed, values
from credential_operator.formats import contract as formats
from credential_operator.providers import contract


def load(
    provider: contract.Provider[Any, Any],
    config: contract.Config,
    reference: credential.SecretRef,
    data: Mapping[str, bytes],
    layouts: Mapping[str, formats.Source[Any]],
) -> Any:
    """Reads a type's key material; raises InvalidKeyMaterial, Misconfigured or InvalidSpec, without values."""
    if reference.format == credential.FIELDS:
        return contract.load(provider, data, reference.keys)
    layout = layouts.get(reference.format)
    if layout is None:
        raise errors.InvalidSpec(f"format {reference.format} of secretRef is not installed")
    try:
        options = layout.source_options.model_validate(reference.options)
    except pydantic.ValidationError:
        options = None
    if options is None:
        raise errors.InvalidSpec(f"secretRef.options are not such as format {reference.format} takes.")
    facts = dict(_facts(config, f"spec.{provider.name}"))
    asked = formats.Asked(
        secret=frozenset(installed.secret_fields(provider)),
        variables=provider.variables,
        spec={field: fact.value for field, fact in facts.items()},
    )
    found = layout.read(data, options, asked)
    _agree(found, facts)
    return contract.load(provider, found.values, {}, found.places)


class _Fact(typing.NamedTuple):
    """A public field as the spec has it."""

    path: str
    value: str
    form: Any


def _facts(config: pydantic.BaseModel, path: str) -> Iterator[tuple[str, _Fact]]:
    """Gives the texts among a spec's fields, by name: its own last, so that they win over those of its parts."""
    own: list[tuple[str, _Fact]] = []
    for name, field in type(config).model_fields.items():
        value, public = getattr(config, name), field.alias or name
        if isinstance(value, pydantic.BaseModel):
            yield from _facts(value, f"{path}.{public}")
        elif isinstance(value, str):
            own.append((public, _Fact(f"{path}.{public}", value, field.rebuild_annotation())))
    yield from own


def _agree(found: formats.Found, facts: Mapping[str, _Fact]) -> None:
    """Raises Misconfigured where the Secret says otherwise than the spec; shows only what has a field's form."""
    for field in sorted(found.facts.keys() & facts.keys()):
        said, fact = found.facts[field], facts[field]
        if _plain(said) != _plain(fact.value):
            shown = f"is {said}" if has_form(fact.form, said) else "is something else"
            raise errors.Misconfigured(
                f"{fact.path} is {fact.value}, and {found.places[field]} {shown}: correct the one that is wrong."
            )


def _plain(value: str) -> str:
    return value.rstrip("/").lower()


def has_form(form: Any, text: str) -> bool:
    """Tells whether a text has the form of a field that has one: then it is as public as the field."""
    try:
        pydantic.TypeAdapter(form).validate_python(text)
    except pydantic.ValidationError:
        return False
    return _bounded(form)


def _bounded(form: Any) -> bool:
    if isinstance(form, values.Matching) or typing.get_origin(form) is typing.Literal:
        return True
    return any(_bounded(part) for part in typing.get_args(form))

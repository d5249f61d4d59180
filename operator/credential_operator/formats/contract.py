"""What a format is: the layout of a target Secret for one consumer, and of a source Secret that was there before.

A module holds one class that fulfils `Format`, `Source` or both, and `FORMAT`, its one instance. Code
that formats share is a module with an underscore in front.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

from credential_operator.api import values

OPAQUE = "Opaque"
"""The type of a Secret of any keys."""


class Options(values.Model):
    """What a format needs to know besides the fields: `spec.targets[].options`, checked per format.

    An option `keys` is not written there: it is the target's own `keys`.
    """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a format draws from: the fields of one Credential, and the environment variables of each.

    Bytes are fields that are no text.
    """

    type: str
    fields: Mapping[str, str | bytes] = dataclasses.field(repr=False)
    variables: Mapping[str, tuple[str, ...]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a source Secret: a type's secret fields, and where they usually stand.

    `variables` are every field's environment variables, `spec` the public fields that the spec gives.
    """

    secret: frozenset[str]
    variables: Mapping[str, tuple[str, ...]]
    spec: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a source Secret holds: the secret fields as they stand there, and what it says of public ones.

    `places` says of every field where it stands, or where it would.
    """

    values: Mapping[str, bytes] = dataclasses.field(repr=False)
    facts: Mapping[str, str] = dataclasses.field(repr=False)
    places: Mapping[str, str]


OptionsT = TypeVar("OptionsT", bound=Options)


class Format(Protocol[OptionsT]):
    """One layout. Pure: the same material and options give the same data."""

    name: ClassVar[str]
    """The value of `spec.targets[].format`."""
    title: ClassVar[str]
    """The format and its consumers in a sentence, for documentation."""
    secret_type: ClassVar[str]
    """The type of the Secret, which cannot change once it exists."""
    options: type[OptionsT]

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether a credential type that has these fields can be laid out this way."""

    def render(self, material: Material, options: OptionsT) -> Mapping[str, bytes]:
        """Lays the fields out as the Secret's data.

        Raises InvalidKeyMaterial, which names the field, for a value that the layout cannot hold, and
        InvalidSpec for options that do not fit the material.
        """


class Source(Protocol[OptionsT]):
    """One layout of an existing Secret: the inverse of a format. Pure."""

    name: ClassVar[str]
    """The value of `spec.secretRef.format`."""
    source_title: ClassVar[str]
    """The layout in a sentence, for documentation."""
    source_options: type[OptionsT]
    """What is needed to find the fields: `spec.secretRef.options`."""

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether a credential type that has these fields can be laid out this way."""

    def read(self, data: Mapping[str, bytes], options: OptionsT, asked: Asked) -> Found:
        """Finds the fields in the Secret's data.

        Raises InvalidKeyMaterial, which shows no value, for what cannot be read, and InvalidSpec for
        options that do not fit the type.
        """


@runtime_checkable
class Choosing(Protocol):
    """A layout that may hold several keys, of which what the spec says of public fields chooses one."""

    def choices(self, data: Mapping[str, bytes]) -> list[Mapping[str, str]]:
        """Gives the public fields by which each can be chosen; none where it cannot be read."""

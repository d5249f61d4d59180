"""What a format is: the layout of a target Secret for one consumer.

A module holds one class that fulfils `Format`, and `FORMAT`, its one instance. Code that formats
share is a module with an underscore in front.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import ClassVar, Protocol, TypeVar

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

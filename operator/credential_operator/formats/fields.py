"""Fields under keys of your own choice: for every consumer that names the keys it reads."""

from collections.abc import Collection, Mapping
from typing import Annotated, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.formats import contract


class Options(contract.Options):
    """Which field stands under which key."""

    keys: dict[values.SecretKey, Annotated[str, pydantic.Field(max_length=253)]] = pydantic.Field(
        default={}, max_length=32
    )
    """Key in the Secret -> field."""


class Format:
    """Values as they are, nothing added: the consumer may take every byte for a part of the key."""

    name: ClassVar[str] = "fields"
    title: ClassVar[str] = (
        "Fields under keys of your own choice, to the byte: for every consumer that is told which keys to read."
    )
    secret_type: ClassVar[str] = contract.OPAQUE
    options = Options

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether there is anything to lay out."""
        return bool(fields)

    def render(self, material: contract.Material, options: Options) -> Mapping[str, bytes]:
        """Gives the chosen fields."""
        return {key: _to_the_byte(value) for key, (_, value) in chosen(material, options).items()}


def chosen(material: contract.Material, options: Options) -> dict[str, tuple[str, str | bytes]]:
    """Gives name -> field and value of the chosen fields, of all under their own names where none is chosen."""
    keys = options.keys or {field: field for field in material.fields}
    if absent := sorted({field for field in keys.values() if field not in material.fields}):
        raise errors.InvalidSpec(
            f"keys names {', '.join(absent)}, which this Credential does not have; "
            f"it has {', '.join(sorted(material.fields))}."
        )
    return {key: (field, material.fields[field]) for key, field in keys.items()}


def _to_the_byte(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


FORMAT = Format()

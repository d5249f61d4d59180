"""Environment variables: each a key of the Secret, for `envFrom` and for tools that read a folder of them."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from credential_operator import errors
from credential_operator.formats import _file, _text, contract


class Format:
    """The variables that a provider's own tools read."""

    name: ClassVar[str] = "env"
    title: ClassVar[str] = (
        "The provider's usual environment variables, one key each: for `envFrom`, the SDKs of AWS, Azure and Oracle, "
        "Azure Service Operator, Percona."
    )
    source_title: ClassVar[str] = (
        "The provider's usual environment variables, one key each; what they say of public fields must be "
        "what the spec says."
    )
    secret_type: ClassVar[str] = contract.OPAQUE
    options = contract.Options
    source_options = contract.Options

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether there is anything to lay out."""
        return bool(fields)

    def render(self, material: contract.Material, _: contract.Options) -> Mapping[str, bytes]:
        """Gives every variable of every field."""
        data = {
            variable: _text.text(field, value).encode()
            for field, value in material.fields.items()
            for variable in _variables(material.variables.get(field, ()))
        }
        if not data:
            raise errors.InvalidSpec(
                "None of the fields has a name that an environment variable can have: publish them with the "
                "format fields, or give them other names in secretRef.keys."
            )
        return data

    def read(self, data: Mapping[str, bytes], _: contract.Options, asked: contract.Asked) -> contract.Found:
        """Reads every field from the first of its variables that is there."""
        names = {field: _variables(spelt) for field, spelt in asked.variables.items()}
        return _file.take(data, names, "the Secret", asked)


def _variables(names: tuple[str, ...]) -> list[str]:
    """Gives the variables; other names are those of files, which a source may use."""
    return [name for name in names if name.isidentifier()]


FORMAT = Format()

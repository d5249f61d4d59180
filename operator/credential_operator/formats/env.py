"""Environment variables: each a key of the Secret, for `envFrom` and for tools that read a folder of them."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from credential_operator import errors
from credential_operator.formats import _text, contract


class Format:
    """The variables that a provider's own tools read."""

    name: ClassVar[str] = "env"
    title: ClassVar[str] = (
        "The provider's usual environment variables, one key each: for `envFrom`, SDKs, restic, Terraform."
    )
    secret_type: ClassVar[str] = contract.OPAQUE
    options = contract.Options

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether there is anything to lay out."""
        return bool(fields)

    def render(self, material: contract.Material, _: contract.Options) -> Mapping[str, bytes]:
        """Gives every variable of every field."""
        data = {
            variable: _text.text(field, value).encode()
            for field, value in material.fields.items()
            for variable in material.variables.get(field, ())
            if variable.isidentifier()  # others are file names that a source may use
        }
        if not data:
            raise errors.InvalidSpec(
                "None of the fields has a name that an environment variable can have: publish them with the "
                "format fields, or give them other names in secretRef.keys."
            )
        return data


FORMAT = Format()

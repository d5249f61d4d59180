"""Consumers that have a name of their own for each value: which field it is, type by type."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Generic

from credential_operator import errors
from credential_operator.formats import _azure, _text, contract

ACCESS_KEY = frozenset({"accessKeyID", "secretAccessKey"})
AWS = ACCESS_KEY | {"accountID"}
"""An access key that is not for buckets alone."""
BUCKET = ACCESS_KEY | {"bucket", "storageClass"}
STORAGE_ACCOUNT = frozenset({"accountKey", "accountName", "cloud"})
APPLICATION = _azure.NEEDED
SERVICE_ACCOUNT = frozenset({"serviceAccountJSON"})
SIGNING_KEY = frozenset({"privateKey", "tenancyOCID", "userOCID", "fingerprint", "region"})
LOGIN = frozenset({"username", "password"})

Values = Mapping[str, str | bytes]
"""Field -> value."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a consumer reads of a type.

    `needs` are the fields by which the type is known, `names` the consumer's name of a value -> field, and
    `lacks` the fields that the key is worthless without and that the consumer has no name for.
    """

    needs: frozenset[str]
    names: Mapping[str, str]
    lacks: frozenset[str] = frozenset()


class Format(Generic[contract.OptionsT]):
    """A format of such names: each a key of the Secret, where `render` does not make something else of them."""

    name: ClassVar[str]
    secret_type: ClassVar[str] = contract.OPAQUE
    layouts: ClassVar[Sequence[Layout]]
    """Which of them is the type's: the first whose fields it has."""
    options: type[contract.OptionsT]

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether the consumer has a use for a type."""
        return any(layout.needs.issubset(fields) for layout in self.layouts)

    def render(self, material: contract.Material, options: contract.OptionsT) -> Mapping[str, bytes]:
        """Gives each value under its name."""
        return {name: text.encode() for name, text in self.named(material, options).items()}

    def named(self, material: contract.Material, options: contract.OptionsT) -> dict[str, str]:
        """Gives the values as text by the consumer's names."""
        return {name: _text.text(*value) for name, value in self.chosen(material, options).items()}

    def chosen(
        self, material: contract.Material, options: contract.OptionsT
    ) -> dict[str, tuple[str, str | bytes]]:
        """Gives field and value by the consumer's names; raises InvalidKeyMaterial for a key that they do not hold."""
        layout = next(each for each in self.layouts if each.needs.issubset(material.variables))
        if homeless := layout.lacks & material.fields.keys():
            raise errors.InvalidKeyMaterial(
                f"{min(homeless)} has no place in the format {self.name}, and the key does not work without it: "
                "write a key that does without, or choose another format."
            )
        values = self.values(material.fields, options)
        return {name: (field, values[field]) for name, field in layout.names.items() if field in values}

    def values(self, fields: Values, _: contract.OptionsT) -> Values:
        """Gives the values by field, beside the fields themselves what follows from them and the options."""
        return fields

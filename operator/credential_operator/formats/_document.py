"""Documents of one's own: what stands in them, and under which of the Secret's keys they are."""

from collections.abc import Collection
from typing import ClassVar

from credential_operator.api import values
from credential_operator.formats import contract, fields


class Options(fields.Options):
    """What stands in the document, and its place in the Secret."""

    key: values.SecretKey | None = None
    """The Secret's key that holds the document, in place of the usual one of the format."""


class Format:
    """A document of the fields that the target names."""

    secret_type: ClassVar[str] = contract.OPAQUE

    def serves(self, names: Collection[str]) -> bool:
        """Tells whether there is anything to lay out."""
        return bool(names)

"""Key material of any kind: nobody can be asked about it, and every byte of it is kept."""

from collections.abc import Mapping
from typing import ClassVar

from credential_operator.providers import contract


class Config(contract.Config):
    """Nothing is public about it."""


class Keys(contract.AnyKeys):
    """Whatever the source Secret holds."""


class Provider:
    """Takes every key of the source Secret as it is."""

    name: ClassVar[str] = "opaque"
    title: ClassVar[str] = (
        "Key material of any kind, with fields of your own: never checked, and otherwise owned, tracked and "
        "protected like all others."
    )
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = "Nothing: nobody can be asked."
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    example: ClassVar[Mapping[str, object]] = {}
    example_keys: ClassVar[Mapping[str, str]] = {"LICENSE_KEY": "example-LICENSE_KEY"}

    def endpoint(self, config: Config) -> str:  # noqa: ARG002  the contract's form
        """Names none: there is nobody to ask."""
        return ""

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds nothing: whatever it is may be right."""

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:  # noqa: ARG002  the contract's form
        """Says that nobody was asked."""
        return contract.Validation(
            unasked="The key is not checked, because nobody can be asked about a credential of type opaque."
        )

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str | bytes]:  # noqa: ARG002
        """Gives every key of the source Secret: as text where it is some, else as its bytes."""
        return {
            name: _text_or_bytes(value.get_secret_value()) for name, value in (keys.model_extra or {}).items()
        }


def _text_or_bytes(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


PROVIDER = Provider()

"""Azure's enterprise agreements: a key of reporting APIs that Microsoft has retired.

learn.microsoft.com/azure/cost-management-billing/costs/migrate-cost-management-api
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _signing, contract

RETIRED = (
    "The key is not checked: Microsoft has retired the enterprise reporting APIs that it was for. Use an "
    "application with a role for Cost Management (type azure) instead."
)


class Config(contract.Config):
    """What is public about a key of the enterprise reporting APIs, which are retired."""

    enrollment: Annotated[
        str | None,
        pydantic.Field(max_length=20),
        values.Matching(r"^[0-9]{1,20}$", "an enrollment's number: digits, such as 8608480"),
    ] = None
    """The number of the enrollment that the key is of."""


class Keys(contract.Keys):
    """A key of the enterprise portal."""

    api_key: contract.Line = pydantic.Field(alias="apiKey")
    """The key, without Bearer before it."""


class Provider:
    """Reads when the key's life ends; nobody can be asked."""

    name: ClassVar[str] = "azureEnterprise"
    title: ClassVar[str] = "A key of Azure's enterprise reporting APIs, which are retired: deprecated."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = "Nothing: nobody is asked."
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "apiKey": ("AZURE_EA_API_KEY",),
        "enrollment": ("AZURE_EA_ENROLLMENT",),
    }
    example: ClassVar[Mapping[str, Any]] = {"enrollment": "8608480"}

    def endpoint(self, config: Config) -> str:  # noqa: ARG002  the contract's form
        """Names none: there is nobody to ask."""
        return ""

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        key = keys.api_key.get_secret_value()
        if key.lower().startswith("bearer "):
            raise errors.InvalidKeyMaterial("apiKey begins with Bearer: write the key without it.")
        if config.enrollment and key == config.enrollment:
            raise errors.InvalidKeyMaterial("apiKey is the enrollment's number: write the key.")

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:  # noqa: ARG002  the contract's form
        """Says that nobody is asked, and until when the key would live."""
        end = _signing.end_of(keys.api_key.get_secret_value())
        if end and end <= context.now():
            raise errors.Expired(
                "The life of apiKey is over, and no new one can be had: Microsoft has retired the enterprise "
                "reporting APIs. Use an application with a role for Cost Management (type azure) instead.",
                certain=True,
            )
        return contract.Validation(expires_at=end, unasked=RETIRED)

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        fields = {"apiKey": keys.api_key.get_secret_value(), "enrollment": config.enrollment}
        return {name: value for name, value in fields.items() if value}


PROVIDER = Provider()

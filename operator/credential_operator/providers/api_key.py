"""An API key or token that is sent in a header or in the query of a URL."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _probe, contract


class Config(contract.Config):
    """What is public about an API key: how it is sent, and what proves it."""

    location: Literal["Header", "Query"] = "Header"
    """Where the key is sent. A query is seen by everybody who keeps the URLs of requests, as proxies do."""
    field: Annotated[
        str,
        pydantic.Field(max_length=64),
        values.Matching(r"^[A-Za-z0-9_.-]+$", "a name: letters, digits, '-', '_' and '.', such as X-API-Key"),
    ] = "Authorization"
    """The name of the header or of the parameter."""
    prefix: Annotated[
        str,
        pydantic.Field(max_length=64),
        values.Matching(r"^[!-~]*$", "a word without white space, such as Bearer"),
    ] = ""
    """What stands before the key, with a space between: Bearer, Token, ApiKey. For headers only."""
    probe: _probe.Probe | None = None
    """The HTTP request that proves the key. Where it is left out, the key is published unchecked."""


class Keys(contract.Keys):
    """The key."""

    key: contract.Line


class Provider:
    """Shows the key to a URL that asks for one."""

    name: ClassVar[str] = "apiKey"
    title: ClassVar[str] = "An API key or token, sent in a header or in the query of a URL."
    locks: ClassVar[bool] = False
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {"key": ("API_KEY",)}
    example: ClassVar[Mapping[str, object]] = {
        "field": "X-API-Key",
        "probe": {"url": "https://api.example.com/v1/account"},
    }
    examples: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "api-key-bearer": {"prefix": "Bearer", "probe": {"url": "https://api.example.com/v1/account"}}
    }

    def endpoint(self, config: Config) -> str:
        """Names the endpoint of the probe."""
        return _probe.endpoint(config.probe)

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        _probe.inspect(config.probe)
        if config.location == "Query" and config.prefix:
            raise errors.Misconfigured("prefix is for headers: remove it, or write location: Header.")
        key = keys.key.get_secret_value()
        if config.prefix and key.startswith(f"{config.prefix} "):
            raise errors.InvalidKeyMaterial(
                "key begins with the prefix, which is sent before it: write it without."
            )

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Makes the probe."""
        if config.probe is None:
            return _probe.unasked(self.name)
        _probe.prove(config.probe, _proof(config, keys.key.get_secret_value()), context)
        return contract.Validation()

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:  # noqa: ARG002  the contract's form
        """Gives what formats draw from."""
        return {"key": keys.key.get_secret_value()}


def _proof(config: Config, key: str) -> _probe.Proof:
    if config.location == "Query":
        return _probe.Proof(query={config.field: key})
    return _probe.Proof(headers={config.field: f"{config.prefix} {key}".lstrip()})


PROVIDER = Provider()

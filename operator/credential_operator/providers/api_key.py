"""An API key or token that is sent in a header or in the query of a URL."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _preset, _probe, contract, network

OWN_WAY = (
    "a preset says how the key is sent and proved: remove location, field, prefix and probe, or the preset"
)
NO_ADDRESS = "has no public address: write the server's under endpoint"


class Config(contract.Config):
    """What is public about an API key: how it is sent, and what proves it."""

    rules: ClassVar[tuple[values.Rule, ...]] = (
        values.Rule(
            rule="!has(self.preset) || self.location == 'Header' && self.field == 'Authorization' && "
            "(!has(self.prefix) || self.prefix == '') && !has(self.probe)",
            message=OWN_WAY,
            path=".preset",
        ),
        values.Rule(
            rule=f"!has(self.preset) || !(self.preset in {values.listed(_preset.HOMELESS)}) || "
            "has(self.endpoint)",
            message=f"preset {' or '.join(_preset.HOMELESS)} {NO_ADDRESS}",
            path=".preset",
        ),
        values.Rule(
            rule="!has(self.endpoint) || self.?preset.hasValue()",
            message="is for presets: remove it, and write the whole URL under probe.url",
            path=".endpoint",
        ),
        values.Rule(
            rule="!has(self.caBundle) || self.?preset.hasValue()",
            message="is for presets: remove it, and write the certificates under probe.caBundle",
            path=".caBundle",
        ),
    )

    preset: _preset.Name | None = pydantic.Field(
        None,
        description="The provider whose key it is, which says how it is sent and what proves it: one call that "
        f"costs nothing.\n\n{_preset.describe()}",
    )
    endpoint: Annotated[
        str | None,
        pydantic.Field(max_length=2048),
        values.Matching(
            r"^https://[^/?#@\\ ]+(/[!-~]*)?$",
            "a URL that begins with https://, such as https://grafana.example.com",
        ),
    ] = None
    """For presets: what is asked in place of the provider's public address, as with a server of your own, another
    region, or a gateway."""
    ca_bundle: contract.CABundle = None
    """For presets: the certificates (PEM) of the authorities that the server's certificate is checked against,
    in place of the public ones."""
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
    """The HTTP request that proves the key. Where it is left out, and a preset too, the key is published
    unchecked."""


class Keys(contract.Keys):
    """The key."""

    key: contract.Line


class Provider:
    """Shows the key to a URL that asks for one."""

    name: ClassVar[str] = "apiKey"
    title: ClassVar[str] = "An API key or token, sent in a header or in the query of a URL."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = (
        "One request with a preset; two to a probed URL, the first without the key; none without either."
    )
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {"key": ("API_KEY",)}
    example: ClassVar[Mapping[str, object]] = {
        "field": "X-API-Key",
        "probe": {"url": "https://api.example.com/v1/account"},
    }
    examples: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "api-key-bearer": {"prefix": "Bearer", "probe": {"url": "https://api.example.com/v1/account"}},
        "api-key-preset": {"preset": "Cloudflare"},
    }

    def endpoint(self, config: Config) -> str:
        """Names the endpoint of the preset, or of the probe."""
        if config.preset:
            return str(network.parse(_preset.PRESETS[config.preset].url(config.endpoint)))
        return _probe.endpoint(config.probe)

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        prefix = _prefix(config)
        if prefix and keys.key.get_secret_value().startswith(prefix):
            raise errors.InvalidKeyMaterial(
                "key begins with the prefix, which is sent before it: write it without."
            )

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Makes the call of the preset, or the probe."""
        key = keys.key.get_secret_value()
        if config.preset:
            preset = _preset.PRESETS[config.preset]
            return _preset.ask(preset, key, context, endpoint=config.endpoint, ca_bundle=config.ca_bundle)
        if config.probe is None:
            return _probe.unasked(self.name)
        _probe.prove(config.probe, _proof(config, key), context)
        return contract.Validation()

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:  # noqa: ARG002  the contract's form
        """Gives what formats draw from."""
        return {"key": keys.key.get_secret_value()}


def _prefix(config: Config) -> str:
    """Gives what is sent before the key; raises Misconfigured where the spec contradicts itself."""
    if config.preset:
        if config.probe or (config.location, config.field, config.prefix) != ("Header", "Authorization", ""):
            raise errors.Misconfigured(f"{OWN_WAY[0].upper()}{OWN_WAY[1:]}.")
        if config.preset in _preset.HOMELESS and not config.endpoint:
            raise errors.Misconfigured(f"Preset {config.preset} {NO_ADDRESS}.")
        return _preset.PRESETS[config.preset].prefix
    _probe.inspect(config.probe)
    if config.location == "Query" and config.prefix:
        raise errors.Misconfigured("prefix is for headers: remove it, or write location: Header.")
    return f"{config.prefix} " if config.prefix else ""


def _proof(config: Config, key: str) -> _probe.Proof:
    if config.location == "Query":
        return _probe.Proof(query={config.field: key})
    return _probe.Proof(headers={config.field: f"{config.prefix} {key}".lstrip()})


PROVIDER = Provider()

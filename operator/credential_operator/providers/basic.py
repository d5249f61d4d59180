"""User name and password, as HTTP's basic authentication sends them (RFC 7617)."""

import base64
from collections.abc import Mapping
from typing import ClassVar

from credential_operator import errors
from credential_operator.providers import _probe, contract


class Config(contract.Config):
    """What is public about a user name and password."""

    probe: _probe.Probe | None = None
    """The HTTP request that proves them. Where it is left out, they are published unchecked."""


class Keys(contract.Keys):
    """A user name and its password."""

    username: contract.Line
    password: contract.Line


class Provider:
    """Shows user name and password to a URL that asks for them."""

    name: ClassVar[str] = "basic"
    title: ClassVar[str] = "A user name and password, for HTTP's basic authentication and everything like it."
    locks: ClassVar[bool] = True
    cost: ClassVar[str] = (
        "Two requests to the probed URL, the first without the password; none without a probe."
    )
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "username": ("USERNAME",),
        "password": ("PASSWORD",),
    }
    example: ClassVar[Mapping[str, object]] = {"probe": {"url": "https://intranet.example.com/api/me"}}

    def endpoint(self, config: Config) -> str:
        """Names the endpoint of the probe."""
        return _probe.endpoint(config.probe)

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        _probe.inspect(config.probe)
        if ":" in keys.username.get_secret_value():
            raise errors.InvalidKeyMaterial(
                "username holds a colon, which ends it where it is sent: write the password under its own field."
            )

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Makes the probe."""
        if config.probe is None:
            return _probe.unasked(self.name)
        user = keys.username.get_secret_value()
        pair = f"{user}:{keys.password.get_secret_value()}".encode()
        _probe.prove(
            config.probe,
            _probe.Proof(headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}"}),
            context,
        )
        return contract.Validation(identity=contract.Identity(principal=user))

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:  # noqa: ARG002  the contract's form
        """Gives what formats draw from."""
        return {"username": keys.username.get_secret_value(), "password": keys.password.get_secret_value()}


PROVIDER = Provider()

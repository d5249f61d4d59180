"""Short-lived keys: what a provider makes from a stored key, so that a target holds it in the key's place.

A credential type that can have some made has `issues`, its kinds. A kind is known by its name to users of every
type that has it, so that kinds of one name take the same options whatever the type.
"""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Protocol, TypeVar, runtime_checkable

import pydantic

from credential_operator.api import values
from credential_operator.providers import contract


class Options(values.Model):
    """What a kind needs to know: `spec.targets[].issue`, without its `kind`; each field with a bound."""


Life = Annotated[datetime.timedelta, values.Duration(minimum="15m", maximum="12h")]
"""How long a short-lived key is to be good, where that can be chosen."""

HOUR = datetime.timedelta(hours=1)


class Lasting(Options):
    """What every kind wants to know whose life can be chosen."""

    duration: Life = HOUR
    """How long each key is good, from 15m to 12h as far as the provider allows; a new one comes long before."""


RegistryHost = Annotated[
    str,
    pydantic.Field(min_length=3, max_length=253),
    values.Matching(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", "a registry's host, such as europe-docker.pkg.dev"),
]


class Registry(Options):
    """What is to be known of a registry, to get a password for it."""

    registry: RegistryHost
    """The registry's host, as it stands in the names of its images."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A short-lived key: what formats draw from in place of the stored one, and the end of its life."""

    fields: Mapping[str, str | bytes] = dataclasses.field(repr=False)
    expires_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who gets a short-lived key: the Credential or CredentialReference whose target it is for."""

    namespace: str
    name: str


OptionsT = TypeVar("OptionsT", bound=Options)


class Kind(Protocol[OptionsT]):
    """One kind of short-lived key of one credential type. Stateless; runs in a thread of its own."""

    name: ClassVar[str]
    """The value of `issue.kind`."""
    title: ClassVar[str]
    """The kind in a sentence, for documentation."""
    cost: ClassVar[str]
    """What one costs, in a sentence: calls, and what the provider records of them or bills."""
    options: type[OptionsT]
    variables: ClassVar[Mapping[str, tuple[str, ...]]]
    """Every field that `Issued.fields` may have -> the usual environment variables, first the preferred one."""

    def endpoint(self, config: Any, options: OptionsT) -> str:
        """Names the endpoint that is called, as `host:port`: calls to one endpoint share its budget."""

    def issue(
        self, config: Any, keys: Any, options: OptionsT, context: contract.Context, holder: Holder
    ) -> Issued:
        """Has one made; raises a CredentialError if refused.

        Its fields hold nothing of the stored key. What it is good for ends with its life at the latest:
        nothing is ever taken back.
        """


@runtime_checkable
class Issuer(Protocol):
    """A type whose provider makes short-lived keys."""

    issues: ClassVar[tuple[Kind[Any], ...]]


def kinds(provider: object) -> Mapping[str, Kind[Any]]:
    """Gives the kinds of short-lived keys of a type by name; none where it has none."""
    return {kind.name: kind for kind in provider.issues} if isinstance(provider, Issuer) else {}

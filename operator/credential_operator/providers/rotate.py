"""Keys that renew themselves: what a provider lets a key do to the keys of its own principal.

A principal is whose key it is: a user, a service account, an application. It may have several keys at a time, so
that a new one is made, given to everybody, and only then the previous one ended.
"""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from credential_operator import errors
from credential_operator.providers import contract


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A key of a principal, as its provider lists it.

    `mark` is what its maker wrote on it; None where the provider's keys cannot be written on. `used`: whether anybody
    has ever used it; None where the provider does not tell. `hint` is how its secret begins, where that is told.
    """

    id: str
    created_at: datetime.datetime
    enabled: bool = True
    mark: str | None = None
    used: bool | None = None
    hint: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A new key: its public name, the fields of its type's key material by their public names, and when it ends.

    One that ends has to have a successor by then, however long keys are to be kept.
    """

    id: str
    fields: Mapping[str, str] = dataclasses.field(repr=False)
    expires_at: datetime.datetime | None = None


class Rotation(Protocol):
    """How one type's keys are rotated. Stateless; every call runs in a thread of its own and raises a CredentialError.

    Every call is made with a key that works. A call that ends what has ended already is no error, and none ends the
    key that it is made with: that is Misconfigured.
    """

    most: ClassVar[int]
    """How many keys a principal may have."""
    disables: ClassVar[bool]
    """Whether a key can be disabled before it is deleted, and enabled again by a person."""
    settles: ClassVar[datetime.timedelta]
    """How long after its making a key may be missing in the list, or be refused here and there."""
    needs: ClassVar[Sequence[str]]
    """The provider's permissions that the principal needs on itself, for documentation and messages."""
    cost: ClassVar[str]
    """What a rotation costs, in a sentence: calls, and what the provider records of them or bills."""

    def fit(self, config: Any, keys: Any) -> None:
        """Finds without a call what cannot be rotated, such as a session; raises Misconfigured."""

    def endpoint(self, config: Any) -> str:
        """Names the endpoint that is called, as `host:port`: calls to one endpoint share its budget."""

    def owner(self, config: Any, keys: Any, context: contract.Context) -> str:
        """Gives what the principal says of who rotates its keys; empty where it says nothing."""

    def claim(self, config: Any, keys: Any, owner: str, context: contract.Context) -> None:
        """Writes on the principal who rotates its keys: at most 200 letters, digits and `_.:/=+-@`."""

    def listed(self, config: Any, keys: Any, context: contract.Context) -> tuple[Listed, ...]:
        """Lists the principal's keys that somebody holds, oldest first; not those that the provider holds itself."""

    def identify(self, config: Any, keys: Any, listed: Sequence[Listed]) -> str | None:
        """Gives which of the listed a key is; None where it cannot be told. Pure."""

    def make(self, config: Any, keys: Any, mark: str, context: contract.Context) -> Made:
        """Makes another key, marked where that is possible; never twice for one call.

        After a Transient error there may be one all the same, of which nobody knows the secret.
        """

    def disable(self, config: Any, keys: Any, key_id: str, context: contract.Context) -> None:
        """Disables a key; nothing where the provider cannot."""

    def delete(self, config: Any, keys: Any, key_id: str, context: contract.Context) -> None:
        """Deletes a key for good."""


@runtime_checkable
class Rotator(Protocol):
    """A type whose keys can renew themselves."""

    rotation: ClassVar[Rotation]


def ends_itself(key_id: str) -> errors.Misconfigured:
    """Says that a key is not ended with itself."""
    return errors.Misconfigured(
        f"Key {key_id} is the one that asks for its own end, or cannot be told from it: write the key that replaced it "
        "where this one stands, or end it by hand."
    )


def rotation_of(provider: object) -> Rotation | None:
    """Gives how a type's keys are rotated; None where they cannot be."""
    return provider.rotation if isinstance(provider, Rotator) else None

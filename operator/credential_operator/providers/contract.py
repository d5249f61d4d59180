"""What a credential type is: the contract that every module in this folder fulfils.

A module holds one class that fulfils `Provider`, and `PROVIDER`, its one instance. Nothing else
is edited by hand to add a type: the schema, the reference pages, the examples and the formats
that can serve it follow from the class. Code that types share is a module with an underscore in
front; what they share with the outside is `network`.
"""

import dataclasses
import datetime
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Protocol, TypeVar, get_args, runtime_checkable

import pydantic

from credential_operator import errors
from credential_operator.api import installed, values
from credential_operator.providers import network


class Config(values.Model):
    """The public fields of a credential type: `spec.<type>`, each with a bound and a description."""


CABundle = Annotated[str | None, pydantic.Field(max_length=65536)]
"""Certificates (PEM) of authorities to trust in place of the public ones."""


class Keys(pydantic.BaseModel):
    """The key material of a credential type, read from the source Secret: every field a Line or a Document.

    A field's alias is its public name.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Line(pydantic.SecretStr):
    """Key material of one line: a password, a token."""


class Document(pydantic.SecretStr):
    """Key material of more lines: a PEM key, a JSON document."""


class AnyKeys(Keys):
    """Key material of which nothing is known: each key of the source Secret is a field, of any bytes."""

    model_config = pydantic.ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, pydantic.SecretBytes]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Public facts about whose key it is."""

    principal: str
    account: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something to know although the key works: `reason` is stable, `message` says what to do."""

    reason: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """When a key was made, when anybody last used it and when its life ends, as far as the provider tells.

    `key_id` is the key's public name, where only this tells it.
    """

    key_id: str | None = None
    created_at: datetime.datetime | None = None
    last_used_at: datetime.datetime | None = None
    expires_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Which of the required permissions a key lacks, and of which the provider does not say; sorted.

    `why` says in a sentence why it does not, and what would make it.
    """

    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    why: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """An account, subscription, project or compartment that a key sees."""

    id: str
    name: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a key sees: how many places in all, and the first of them, sorted."""

    count: int
    places: tuple[Place, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The provider accepted the key: what it said about it.

    `key_id` is the key's public name, `external_id` what a role's trust policy must ask for,
    `expires_at` the end of the key's life where the provider or the key tells. `unasked` says why no
    provider was asked, where there is none to ask: then all that is said follows from the key itself.
    `history`, `grants` and `reach` are what was asked besides, by the methods of these names; None where it
    was not asked or not told.
    """

    identity: Identity | None = None
    key_id: str | None = None
    external_id: str | None = None
    expires_at: datetime.datetime | None = None
    warnings: tuple[Warned, ...] = ()
    unasked: str = ""
    history: History | None = None
    grants: Grants | None = None
    reach: Reach | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything a check may use of the world outside; no other configuration reaches it.

    `timeout` is the whole call's, in seconds; `external_id` is the one derived for this Credential;
    `lasting` is how long a session that is opened in the place of a stored key is to last, the shortest where
    it is None.
    """

    session: network.Session
    timeout: float
    now: Callable[[], datetime.datetime]
    external_id: str
    lasting: datetime.timedelta | None = None

    def end(self) -> float:
        """Gives the time of the monotonic clock when a call that begins now has to be over."""
        return time.monotonic() + self.timeout


C = TypeVar("C", bound=Config)
K = TypeVar("K", bound=Keys)


class Provider(Protocol[C, K]):
    """One credential type. Stateless; every call may be repeated, and runs in a thread of its own."""

    name: ClassVar[str]
    """The key under `spec`."""
    title: ClassVar[str]
    """The type in a sentence, for documentation."""
    locks: ClassVar[bool]
    """Whether accounts are locked after some refusals: a refused key is not tried again until it changes."""
    cost: ClassVar[str]
    """What a validation costs, in sentences: calls, and what the provider records of them or bills."""
    config: type[C]
    keys: type[K]
    variables: ClassVar[Mapping[str, tuple[str, ...]]]
    """Every field that `fields` may give -> the usual environment variables, first the preferred one."""
    example: ClassVar[Mapping[str, Any]]
    """A usual `spec.<type>`, for documentation and generated manifests."""

    def endpoint(self, config: C) -> str:
        """Names the endpoint that a check calls, as `host:port`: calls to one endpoint share its budget.

        Empty where there is nobody to ask: `validate` then says so, and makes no call.
        """

    def inspect(self, config: C, keys: K) -> None:
        """Finds without a call what cannot be right; raises InvalidKeyMaterial or Misconfigured."""

    def validate(self, config: C, keys: K, context: Context) -> Validation:
        """Asks the provider with one authenticated call without side effects; raises a CredentialError."""

    def fields(self, config: C, keys: K) -> Mapping[str, str | bytes]:
        """Gives what formats draw from, public and secret, without the absent ones. Pure.

        Bytes are what is no text: only a format that copies values can hold them.
        """


# What a type may be able to do besides: its class has the methods, and says nothing else about it.


@runtime_checkable
class Historian(Protocol):
    """A type whose provider knows when a key was made and last used."""

    def history(self, config: Any, keys: Any, context: Context) -> History | None:
        """Asks for both, before a validation, which is itself a use; None where there is nobody to ask.

        Raises a CredentialError if refused.
        """


@runtime_checkable
class Granter(Protocol):
    """A type whose provider tells which permissions a key has."""

    permission_sets: ClassVar[Mapping[str, tuple[str, ...]]]
    """Names that stand for several permissions in `validation.permissions`."""

    def grants(self, config: Any, keys: Any, permissions: tuple[str, ...], context: Context) -> Grants:
        """Asks for permissions, sets among them resolved; raises Misconfigured for one that cannot be.

        Where the provider refuses to tell they are unknown, which is no error.
        """


@runtime_checkable
class Explorer(Protocol):
    """A type whose keys see accounts, subscriptions, projects or compartments."""

    def reach(self, config: Any, keys: Any, context: Context) -> Reach:
        """Counts them over all pages; raises a CredentialError if refused."""


class WorkloadIdentity(values.Model):
    """What every type wants to know that can do without a stored key: `spec.workloadIdentity`."""

    example: ClassVar[Mapping[str, Any]] = {}
    """A usual one, for documentation and generated manifests, without the ServiceAccount's name."""

    service_account_name: Annotated[
        str,
        pydantic.Field(max_length=253),
        values.Matching(values.SUBDOMAIN, "the name of a ServiceAccount, such as backup"),
    ]
    """The ServiceAccount whose token the provider trusts; a Role in this namespace lets the operator make such
    tokens for it."""
    audience: Annotated[str, pydantic.Field(min_length=1, max_length=512)] | None = None
    """Whom the token is made for; where it is left out, whom the provider usually expects."""


@runtime_checkable
class Keyless(Protocol):
    """A type that can do without a stored key: its provider trusts tokens of a ServiceAccount."""

    workload_identity: type[WorkloadIdentity]

    def audience(self, config: Any, identity: Any) -> str:
        """Names whom the token is to be made for."""

    def exchange(self, config: Any, identity: Any, token: str, context: Context) -> Any:
        """Turns a token into what the other methods take as keys; raises a CredentialError if refused.

        Finds first, without a call, what cannot be right in the config, as `inspect` does for stored keys.
        """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A ServiceAccount's token in the place of stored keys; `identity` is the type's WorkloadIdentity."""

    identity: Any
    text: str = dataclasses.field(repr=False)


def resolve(granter: Granter, permissions: Iterable[str]) -> tuple[str, ...]:
    """Puts the permissions of sets in the place of their names; sorted, each once."""
    sets = granter.permission_sets
    return tuple(sorted({one for name in permissions for one in sets.get(name, (name,))}))


def load(
    provider: Provider[Any, K],
    data: Mapping[str, bytes],
    keys: Mapping[str, str],
    places: Mapping[str, str] | None = None,
) -> K:
    """Reads a type's key material out of a source Secret; `keys` maps fields to that Secret's keys.

    A field that is not mapped is read from the key of its own name, or of its first environment
    variable that is there; a type of any fields takes every key of the Secret. Where `data` was read out
    of another layout, `places` says where each field stands, or would. Raises InvalidSpec for a mapping of
    unknown fields, InvalidKeyMaterial that names every field that is missing or cannot be right, and no
    value.
    """
    if installed.takes_any(provider):
        return provider.keys.model_validate(_all(data, keys))
    places = places or {}
    names = {field.alias or name: field for name, field in provider.keys.model_fields.items()}
    if unknown := sorted(keys.keys() - names):
        raise errors.InvalidSpec(
            f"secretRef.keys names {', '.join(unknown)}; "
            f"the fields of {provider.name} are {', '.join(sorted(names))}."
        )
    found: dict[str, pydantic.SecretStr] = {}
    problems: list[str] = []
    for name, field in names.items():
        spellings = (keys[name],) if name in keys else (name, *provider.variables.get(name, ()))
        key = next((spelling for spelling in spellings if spelling in data), None)
        if key is not None:
            kind = Document if Document in (field.annotation, *get_args(field.annotation)) else Line
            value, problem = _read(data[key], lines=kind is Document)
            found[name] = kind(value)
            problems += [f"{name} ({places.get(name, f'Secret key {key}')}) {problem}"] if problem else []
        elif field.is_required() or name in keys:
            place = (
                f"as {places[name]}" if name in places else f"under the Secret key {' or '.join(spellings)}"
            )
            problems.append(f"{name} is missing: write it {place}")
    if problems:
        raise errors.InvalidKeyMaterial("; ".join(sorted(problems)) + ".")
    return provider.keys.model_validate(found)


def _all(data: Mapping[str, bytes], keys: Mapping[str, str]) -> dict[str, bytes]:
    """Gives every key of a Secret as a field of its own name, or of the name that `keys` has for it."""
    missing = {field: key for field, key in keys.items() if key not in data}
    problems = [f"{field} is missing: write it under the Secret key {key}" for field, key in missing.items()]
    if problems:
        raise errors.InvalidKeyMaterial("; ".join(sorted(problems)) + ".")
    if not any(data.values()):
        raise errors.InvalidKeyMaterial("The source Secret is empty: write the key material into it.")
    renamed = set(keys.values())
    own = {key: value for key, value in data.items() if key not in renamed}
    return {**own, **{field: data[key] for field, key in keys.items()}}


def _read(raw: bytes, *, lines: bool) -> tuple[str, str | None]:
    """Decodes a value, and says what cannot be right about it."""
    try:
        value = raw.decode()
    except UnicodeDecodeError:
        return "", "is not text: write the key itself, encoded in base64 once"
    return value, next(_faults(value, lines=lines), None)


def _faults(value: str, *, lines: bool) -> Iterator[str]:
    if not value.strip():
        yield "is empty"
    if value.startswith("\ufeff"):
        yield "begins with a byte order mark: save it without"
    if not lines and value != value.rstrip("\r\n"):
        yield "ends with a newline: write it without (printf, or echo -n)"
    if not lines and value != value.strip():
        yield "has white space around it: write it without"
    allowed = "\r\n\t" if lines else ""
    if any(unicodedata.category(sign) in {"Cc", "Zl", "Zp"} and sign not in allowed for sign in value):
        yield "holds control characters or newlines: write it as one line of text"

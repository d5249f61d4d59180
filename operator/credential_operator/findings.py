"""What one pass over a Credential found out: the values between what is done and what is said of it."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple

from credential_operator import errors
from credential_operator.providers import contract

Json = dict[str, Any]
Time = datetime.datetime

CONFIRMATIONS = 3
"""How often a key must be refused before it is believed: providers take seconds to learn of a key."""
CONFIRM_AFTER = 15.0
"""Seconds between those looks."""
STALE_AT_LEAST = datetime.timedelta(minutes=15)
STALE_INTERVALS = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotChecked:
    """The provider was not asked: `reason` is Unchanged, ValidationDisabled or Suspended."""

    reason: str


UNCHANGED = NotChecked(reason="Unchanged")

Verdict = contract.Validation | errors.CredentialError | NotChecked | Exception


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A target Secret that holds what the operator wrote.

    `written` says that this pass wrote it, `repaired` that somebody had changed it, `adopted` that it was there
    already and nobody's. One that holds a short-lived key has its end, and the generation of the spec that it was
    made for.
    """

    name: str
    format: str
    uid: str
    version: str
    published_at: str
    expires_at: Time | None = None
    generation: int | None = None
    written: bool = False
    repaired: bool = False
    adopted: bool = False

    def document(self) -> Json:
        """Gives the entry of `status.targets`."""
        entry: Json = {
            "name": self.name,
            "format": self.format,
            "uid": self.uid,
            "resourceVersion": self.version,
            "publishedAt": self.published_at,
        }
        if self.expires_at is not None:
            entry |= {"expiresAt": show_time(self.expires_at), "generation": self.generation}
        return entry


def published(entry: Mapping[str, Any]) -> Published:
    """Reads an entry of `status.targets`."""
    return Published(
        name=entry["name"],
        format=entry["format"],
        uid=entry["uid"],
        version=entry["resourceVersion"],
        published_at=entry["publishedAt"],
        expires_at=parse_time(entry.get("expiresAt")),
        generation=entry.get("generation"),
    )


class User(NamedTuple):
    """Who needs a Credential: an object by its kind and name; without a namespace where it has none."""

    kind: str
    namespace: str
    name: str

    def seen_from(self, namespace: str) -> str:
        """Names it for a reader in that namespace."""
        return f"{self.kind} {self.name if self.namespace == namespace else f'{self.namespace}/{self.name}'}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Who needs a Credential: declared by CredentialReferences, and found to use its Secrets, each sorted.

    `distributed` are the references that the operator made and whose Secrets are used. `found` is None where nobody
    is looked for.
    """

    declared: tuple[User, ...] = ()
    distributed: tuple[User, ...] = ()
    found: tuple[User, ...] | None = None

    @property
    def all(self) -> tuple[User, ...]:
        """Everybody, the declared first."""
        return self.declared + self.distributed + (self.found or ())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """How far the rotation of a key has got that renews itself: what the status says, and what happened.

    `error`: why the step that is due could not be taken; `due`: one is due still. `events` have a reason and a message
    each.
    """

    document: Json
    error: errors.CredentialError | None = None
    due: bool = False
    events: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How often to look: the validation interval (zero: only on change), and a jitter in [0, 1)."""

    interval: datetime.timedelta
    jitter: float
    warn_before: datetime.timedelta
    expires_at: Time | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """All that one pass over a Credential found out.

    `new_key`: the source holds another key than the published one. `refusals`: how often in a row this
    key was refused, this time included. `wanted`: how many targets the spec asks for. `held`: the key
    may not be published. `blockers`: who holds back the deletion, None while there is none; `cleared`: whose
    references did, and were deleted.
    `idle`: nothing was due, so nothing was looked at. `waiting`: a check is repeated when a backoff ends.
    `locks`: the provider locks accounts, so that a refused key is not tried again until it changes.
    `permissions`, `reach`: the spec asks for these. `keyless`: no key is stored. `renewal`: why a short-lived
    key could not be renewed in this pass; `renewing`: some are due still; `look_at`: when to look again
    at them, at who runs the previous key, or for the next step of a rotation. `rotation`: what is said of the last
    one; `managed`: how far the next one has got, where keys renew themselves.
    """

    generation: int
    type: str
    verdict: Verdict
    timing: Timing
    suspended: bool = False
    new_key: bool = False
    refusals: int = 0
    wanted: int = 0
    held: bool = False
    targets: tuple[Published, ...] = ()
    trouble: errors.CredentialError | None = None
    source: Json | None = None
    needs: Needs = Needs()
    blockers: tuple[str, ...] | None = None
    cleared: tuple[str, ...] = ()
    reconcile_at: str | None = None
    idle: bool = False
    waiting: bool = False
    locks: bool = False
    permissions: bool = False
    reach: bool = False
    keyless: bool = False
    renewal: errors.CredentialError | None = None
    renewing: bool = False
    look_at: Time | None = None
    rotation: Json | None = None
    managed: Managed | None = None

    @property
    def error(self) -> errors.CredentialError | None:
        """The verdict, where it is an error that has a name."""
        return self.verdict if isinstance(self.verdict, errors.CredentialError) else None

    @property
    def final(self) -> errors.CredentialError | None:
        """The error, where it is an answer: not transient."""
        return None if isinstance(self.error, errors.Transient) else self.error

    @property
    def unasked(self) -> bool:
        """Whether no provider has a say: nobody can be asked, or nobody is to be."""
        match self.verdict:
            case NotChecked(reason="ValidationDisabled"):
                return True
            case contract.Validation(unasked=why):
                return bool(why)
        return False

    @property
    def confirmed(self) -> bool:
        """Whether the verdict may be believed: a refusal is only when it was repeated."""
        return not isinstance(self.verdict, errors.Refused) or self.refusals >= CONFIRMATIONS

    def stale_at(self, validated: Time | None) -> Time | None:
        """Gives when a validation of that time is too old to speak for the key."""
        return (
            None
            if validated is None
            else validated + max(STALE_INTERVALS * self.timing.interval, STALE_AT_LEAST)
        )


def parse_time(text: str | None) -> Time | None:
    """Reads a time of the API (RFC 3339)."""
    return None if text is None else datetime.datetime.fromisoformat(text)


def show_time(moment: Time) -> str:
    """Writes a time as the API has them: UTC, whole seconds."""
    return f"{moment.astimezone(datetime.UTC).isoformat(timespec='seconds').removesuffix('+00:00')}Z"

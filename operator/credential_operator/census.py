"""What the metrics tell of a Credential: read once, when it is seen, so that a scrape parses nothing. Pure."""

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from credential_operator import findings

Json = Mapping[str, Any]

GOOD = ("Ready", "Validated", "Synced")
"""Conditions that should be True."""
BAD = ("DeletionBlocked", "Expiring", "RenewalFailing", "RotationFailing", "Suspended", "Warning")
"""Conditions that are there only while something is unusual. Reconciling and Stalled sum up the others."""
ASKED_FOR = ("NotCheckable", "ValidationDisabled")
"""Reasons of Validated that are not news to anybody: the owner chose the type, or the policy."""


class Abnormal(NamedTuple):
    """A condition that is not as it should be, and since when, in seconds since 1970."""

    condition: str
    status: str
    reason: str
    since: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A Credential's; times in seconds since 1970.

    `owner`: team and contact. `rotation`: the previous key's id, and how many workloads run it.
    """

    owner: tuple[str, str] | None = None
    rotation: tuple[str, int] | None = None
    expires: float | None = None
    validated: float | None = None
    abnormal: tuple[Abnormal, ...] = ()


NOTHING = Facts()


def facts(document: Json) -> Facts:
    """Reads what is told of a Credential."""
    status = document.get("status") or {}
    return Facts(
        owner=_owner(document.get("spec", {})),
        rotation=_rotation(status),
        expires=_seconds(status.get("expiresAt")),
        validated=_seconds(status.get("lastValidatedTime")),
        abnormal=(*_abnormal(status.get("conditions", ())), *_unseen(document["metadata"], status)),
    )


def _owner(spec: Json) -> tuple[str, str] | None:
    owner = spec.get("owner")
    return None if not owner else (owner.get("team", ""), owner.get("contact", ""))


def _rotation(status: Json) -> tuple[str, int] | None:
    told = status.get("rotation", {})
    return (told.get("previousKeyID", ""), told.get("staleCount", 0)) if "drained" in told else None


def _abnormal(conditions: Any) -> Iterator[Abnormal]:
    for one in conditions:
        name, status, reason = (sys.intern(one[field]) for field in ("type", "status", "reason"))
        bad = status == "True" if name in BAD else name in GOOD and status != "True"
        if bad and reason not in ASKED_FOR:
            yield Abnormal(name, status, reason, _seconds(one["lastTransitionTime"]) or 0.0)


def _unseen(metadata: Json, status: Json) -> Iterator[Abnormal]:
    """Tells of a Credential that no pass has looked at, from its creation on."""
    if not status.get("conditions"):
        yield Abnormal("Ready", "Unknown", "Pending", _seconds(metadata["creationTimestamp"]) or 0.0)


def _seconds(text: str | None) -> float | None:
    moment = findings.parse_time(text)
    return None if moment is None else moment.timestamp()

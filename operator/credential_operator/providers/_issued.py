"""Short-lived keys as they are handed over: what all kinds of all types do with what they were given."""

import dataclasses
import datetime
from collections.abc import Mapping

from credential_operator import errors
from credential_operator.providers import contract, issue

EXPIRES: Mapping[str, tuple[str, ...]] = {"expiresAt": ()}
"""The field that says when a key's life ends, which no environment variable is usual for."""
LONGEST = datetime.timedelta(days=366)
"""No provider's short-lived key is good for longer."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that was given for a while."""

    text: str = dataclasses.field(repr=False)
    expires_at: datetime.datetime


def hand_over(
    fields: Mapping[str, str | bytes], expires_at: datetime.datetime, context: contract.Context, where: str
) -> issue.Issued:
    """Adds when its life ends, as RFC 3339; raises ProviderUnreachable where that cannot be right."""
    now, ends = context.now(), expires_at.astimezone(datetime.UTC).replace(microsecond=0)
    if ends <= now:
        raise errors.ProviderUnreachable(f"{where} gave a short-lived key whose life is over already.")
    if ends - now > LONGEST:
        raise errors.ProviderUnreachable(f"{where} gave a short-lived key for more than a year.")
    text = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    return issue.Issued(fields={**fields, "expiresAt": text}, expires_at=ends)

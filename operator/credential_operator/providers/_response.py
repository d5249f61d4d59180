"""What a provider answered, and what can be said of any answer whatever the provider."""

import dataclasses
import datetime
import email.utils
from collections.abc import Mapping

from credential_operator import errors

TOO_MANY = 429
SKEW = datetime.timedelta(minutes=5)
"""How far from their own clock most providers let the time of a signature be."""
LONGEST_WAIT = 3600.0
"""Seconds that a provider may ask us to wait."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer; `body` ends at the limit that was asked with, and `truncated` says that there was more."""

    status: int
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)
    truncated: bool = False

    def date(self) -> datetime.datetime | None:
        """Reads the provider's clock."""
        return _date(self.headers.get("Date", ""))

    def skewed(self, now: datetime.datetime, by: datetime.timedelta = SKEW) -> bool:
        """Tells whether the provider's clock, where it is told, is too far from ours."""
        theirs = self.date()
        return theirs is not None and abs(theirs - now) > by

    def mistimed(self, where: str) -> errors.ClockSkew:
        """Says that the provider did not accept the time of what it was sent."""
        return errors.ClockSkew(
            f"{where} did not accept the time of the request: its clock and the operator's differ."
        )

    @property
    def too_many(self) -> bool:
        """Whether the provider says that there were too many calls."""
        return self.status == TOO_MANY

    def throttled(self, where: str) -> errors.RateLimited:
        """Says that the provider asks for fewer calls."""
        return errors.RateLimited(f"{where} asks for fewer calls.", retry_after=self.retry_after())

    def unusable(self, where: str, code: str = "") -> errors.ProviderUnreachable:
        """Says that this is not what the provider would say; a code must be one that is known."""
        said = f"{self.status} {code}".strip()
        return errors.ProviderUnreachable(
            f"{where} gave no usable answer (HTTP status {said}).", retry_after=self.retry_after()
        )

    def retry_after(self) -> float | None:
        """Reads how many seconds we are asked to wait; a date counts from the provider's own clock."""
        asked = self.headers.get("Retry-After", "").strip()
        if asked.isdecimal():
            return min(float(asked[:9]), LONGEST_WAIT)
        until, now = _date(asked), self.date()
        if until is None or now is None:
            return None
        return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)


def _date(text: str) -> datetime.datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=datetime.UTC)

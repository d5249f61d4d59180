"""Times as people read them: how long ago, how long from now. Pure."""

import datetime

from credential_operator.cli import documents

UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
TWICE = 2
"""A unit is used from twice its length on, as kubectl does it: 90 minutes say more than one hour."""


def length(seconds: float) -> str:
    """Gives a length of time in its largest useful unit, such as 47h or 3d."""
    whole = max(0, int(seconds))
    size, unit = next(((size, unit) for size, unit in UNITS if whole >= TWICE * size), (1, "s"))
    return f"{whole // size}{unit}"


def age(text: str | None, now: datetime.datetime) -> str:
    """Gives how long ago something was; nothing where that is not known."""
    then = documents.moment(text)
    return length((now - then).total_seconds()) if then else ""


def ago(text: str | None, now: datetime.datetime) -> str:
    """Gives the same in words."""
    return f"{age(text, now)} ago" if text else ""


def ahead(text: str | None, now: datetime.datetime) -> str:
    """Gives how far off an end is, or that it is over; nothing where there is none."""
    then = documents.moment(text)
    if then is None:
        return ""
    left = (then - now).total_seconds()
    return f"in {length(left)}" if left >= 0 else f"{length(-left)} ago"


def dated(text: str | None, now: datetime.datetime) -> str:
    """Gives an end with its date."""
    return f"{text[:16].replace('T', ' ')} UTC ({ahead(text, now)})" if text else ""

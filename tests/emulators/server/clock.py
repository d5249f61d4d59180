"""How far a client's clock may be off."""

from __future__ import annotations

import time

from emulators.server import answers, sigv4
from emulators.server.answers import Reason

_TOO_OLD = 15 * 60
# The query services allow less of the future than S3 does.
_TOO_NEW = {"s3": 15 * 60}
_TOO_NEW_DEFAULT = 5 * 60


def require(claim: sigv4.Claim, now: float) -> None:
    """Raises the Refusal for a request that was signed at another time than the server's."""
    oldest, newest = now - _TOO_OLD, now + _TOO_NEW.get(claim.service, _TOO_NEW_DEFAULT)
    if oldest <= claim.at <= newest:
        return
    early = claim.at < oldest
    raise answers.refuse(
        claim.service,
        Reason.SIGNED_TOO_EARLY if early else Reason.SIGNED_TOO_LATE,
        signed=claim.timestamp,
        limit=_stamp(oldest if early else newest),
        now=_stamp(now),
        RequestTime=claim.timestamp,
        ServerTime=_iso(now),
        MaxAllowedSkewMilliseconds=str(_TOO_OLD * 1000),
    )


def _stamp(moment: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))

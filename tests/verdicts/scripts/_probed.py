"""What all types share that an HTTP request proves."""

from collections.abc import Mapping

from verdicts.script import Cannot, Json, Says
from verdicts.situations import ACCEPTED, refused

STATUSES = "A server tells by its status alone, and answers as to a wrong key."
EXCEPTIONS: Mapping[str, Cannot | Says] = {
    "expired": Cannot(STATUSES),
    "disabled": Cannot(STATUSES),
    "garbage": Says(
        refused("Misconfigured"),
        "A page that is shown without the key too proves nothing, and its owner is told to probe another URL.",
    ),
    "clock skew": Says(ACCEPTED, "What is sent does not depend on the time."),
}


def probe(url: str, path: str = "/account") -> Json:
    """Gives the request that proves a key; /open is answered without one."""
    return {"probe": {"url": f"{url}{path}"}}

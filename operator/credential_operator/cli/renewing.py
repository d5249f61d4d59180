"""Has the operator make the next key of a Credential that renews itself, and waits until it is published."""

import time

from credential_operator.cli import screen, store, waiting
from credential_operator.cli.documents import CREDENTIALS, ROTATE_AT, Credential
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.problems import Problem

AGAIN = frozenset({"Conflict", "Unavailable", "ProviderUnreachable", "RateLimited", "ClockSkew"})
"""Reasons for which the operator tries again by itself, soon."""
TAKES = 10.0
"""Seconds after which what is said of a failure is about what was asked for, not about what was tried before."""


def renew(kubectl: Kubectl, one: Credential, seconds: int) -> None:
    """Asks for a new key; raises Problem where there can be none now, or none comes in time."""
    if one.previous:
        raise Problem(
            f"{one.name} still has the key before the present one, {one.previous}, which is ended when nothing runs it "
            f"(kubectl credential drain {one.name} -n {one.namespace}) and it was kept for long enough. Then the next "
            "one can be made."
        )
    kubectl.call("annotate", CREDENTIALS, one.name, f"{ROTATE_AT}={store.now().isoformat()}", "--overwrite")
    screen.note("The operator makes a new key at the provider.")
    progress, began = waiting.Progress(kubectl, one), time.monotonic()

    def look() -> Credential | None:
        found = progress.look()
        failing = found.conditions.get("RotationFailing")
        late = time.monotonic() - began > TAKES
        if failing and failing.status == "True" and failing.reason not in AGAIN and late:
            raise Problem(failing.message)
        return found if found.previous and found.previous != one.previous and _is_published(found) else None

    found = waiting.until(look, seconds, lambda: progress.late(seconds))
    screen.note(f"Key {found.key_id} is published.")


def _is_published(found: Credential) -> bool:
    """Tells whether the current key is the one that was last accepted, and what targets hold."""
    synced = found.conditions.get("Synced")
    current = found.managed.get("keyID")
    return bool(synced and synced.status == "True" and current and current == found.key_id)

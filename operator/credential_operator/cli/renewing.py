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


def rehearse(kubectl: Kubectl, one: Credential) -> None:
    """Has the API server say whether a new key may be asked for; raises Problem where there can be none now."""
    _ask(kubectl, one, "--dry-run=server")


def _ask(kubectl: Kubectl, one: Credential, *how: str) -> None:
    if one.previous:
        raise Problem(
            f"{one.name} still has the key before the present one, {one.previous}, which is ended when nothing runs it "
            f"(kubectl credential drain {one.name} -n {one.namespace}) and it was kept for long enough. Then the next "
            "one can be made."
        )
    asked = f"{ROTATE_AT}={store.now().isoformat()}"
    kubectl.call("annotate", CREDENTIALS, one.name, asked, "--overwrite", *how)


def renew(kubectl: Kubectl, one: Credential, seconds: int) -> None:
    """Asks for a new key; raises Problem where there can be none now, or none comes in time."""
    _ask(kubectl, one)
    screen.note("The operator makes a new key at the provider.")
    progress, began = waiting.Progress(kubectl, one), time.monotonic()
    old = one.managed.get("keyID") or one.key_id

    def look() -> Credential | None:
        found = progress.look()
        failing = found.conditions.get("RotationFailing")
        late = time.monotonic() - began > TAKES
        if failing and failing.status == "True" and failing.reason not in AGAIN and late:
            raise Problem(failing.message)
        return found if is_published(found, old) else None

    found = waiting.until(look, seconds, lambda: progress.late(seconds))
    screen.note(f"Key {found.key_id} is published.")


def is_published(found: Credential, old: str) -> bool:
    """Tells whether the current key is another one than the old, was accepted, and is what targets hold."""
    synced = found.conditions.get("Synced")
    current = found.managed.get("keyID", old)
    return bool(synced and synced.status == "True" and current not in {"", old} and current == found.key_id)

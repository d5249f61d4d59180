"""Waits until nothing runs the previous key any more, and starts anew what does."""

from collections.abc import Sequence
from typing import Any

import click

from credential_operator.cli import options, rollouts, screen, store, waiting
from credential_operator.cli.documents import CREDENTIALS, Credential, Json, User
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.naming import CREDENTIAL
from credential_operator.cli.problems import Exit, Problem
from credential_operator.cli.rollouts import Rollouts


@options.command(
    "drain",
    "kubectl credential drain backups",
    "kubectl credential drain backups --restart --dry-run",
    "kubectl credential drain backups --restart --timeout 30m -o json",
)
@click.argument("name", type=CREDENTIAL)
@click.option("--restart", is_flag=True, help="Restart what runs the previous key, one after another.")
@click.option("--dry-run", is_flag=True, help="Say what --restart would do now; nothing is restarted.")
@options.timeout("10m")
@options.output("text", "json", "yaml")
def drain(name: str, kubectl: Kubectl, timeout: int, output: str, *, restart: bool, dry_run: bool) -> int:
    """Wait until no workload of this cluster runs the previous key any more, so that it can be revoked.

    --restart restarts exactly those that still do, with your rights and as `kubectl rollout restart` does, one after
    another; each has to come up before the next one begins, and the first that fails stops it. What follows by
    itself, has no rollout or is not yours to restart is named and left alone. Other clusters are not looked at, nor
    is CI.

    Exit status: 1 a workload has not come up; 5 some still run the previous key.
    """
    if dry_run and not restart:
        raise click.UsageError("--dry-run needs --restart: nothing is changed without it.")
    one = store.credential(kubectl, name)
    replaced = bool(one.status.get("rotation"))
    if dry_run and replaced:
        return _rehearse(kubectl, one, output)
    restarting = Rollouts(kubectl, one, timeout) if restart and replaced else None
    rotation = None
    try:
        rotation = wait(kubectl, one, timeout, restarting) if replaced else None
    finally:
        if output != "text":
            screen.document(_document(one, rotation, restarting), output)
    if output == "text":
        tell(one, rotation)
    return Exit.DONE


def _rehearse(kubectl: Kubectl, one: Credential, output: str) -> int:
    """Says what would be restarted now."""
    rotation = _known(one)
    restarting = Rollouts(kubectl, one, 0)
    found = restarting.planned(_stale(rotation))
    if output != "text":
        named = {"name": one.name, "namespace": one.namespace, "rotation": rotation}
        screen.document({**named, **rollouts.document(found, restarting.left)}, output)
        return Exit.DONE
    rollouts.tell(found, restarting.left, one.namespace)
    if more := _unnamed(rotation):
        click.echo(f"{more} more run the previous key; the status names them when these do not any more.")
    return Exit.DONE


def _document(one: Credential, rotation: Json | None, restarting: Rollouts | None) -> dict[str, Any]:
    """Gives how it ended, for programs; a rotation that is not drained is none."""
    found: dict[str, Any] = {"name": one.name, "namespace": one.namespace, "rotation": rotation}
    if restarting is not None:
        found["restarted"] = [user._asdict() for user in restarting.restarted]
        found["left"] = [each.document() for each in restarting.left]
        found |= {"failed": restarting.failed.document()} if restarting.failed else {}
    return found


def tell(one: Credential, rotation: Json | None) -> None:
    """Says that a Credential is drained, or that there is nothing to drain."""
    if rotation is None:
        click.echo(f"No key of {one.name} was replaced yet: there is nothing to drain.")
        return
    previous = rotation.get("previousKeyID", "")
    click.echo(
        f"{one.name} is drained: nothing in this cluster runs the previous key {previous}".rstrip() + "."
    )


def wait(kubectl: Kubectl, one: Credential, seconds: float, restarting: Rollouts | None) -> Json:
    """Waits until a Credential is drained, and gives its rotation; raises Problem."""
    drainer = _Drainer(kubectl.inside(one.namespace), one, restarting)
    rotation = waiting.until(drainer.look, seconds, drainer.late)
    unseen = [User.of(item).seen_from(one.namespace) for item in rotation.get("unknown", ())]
    if unseen:
        screen.note(f"Nobody can see when these have read the new one: {', '.join(unseen)}.")
    return rotation


class _Drainer:
    """Looks at who runs the previous key, and restarts each once."""

    def __init__(self, kubectl: Kubectl, one: Credential, restarting: Rollouts | None) -> None:
        self._kubectl = kubectl
        self._one = one
        self._restarting = restarting
        self._told: Sequence[User] = ()
        self._unnamed = 0

    def look(self) -> Json | None:
        """Gives the rotation once it is drained."""
        rotation = _known(Credential(self._kubectl.get(CREDENTIALS, self._one.name)))
        if rotation["drained"]:
            return rotation
        stale, self._unnamed = _stale(rotation), _unnamed(rotation)
        self._tell(stale)
        if self._restarting is not None:
            self._restarting.start_anew(stale)
        return None

    def _tell(self, stale: Sequence[User]) -> None:
        if stale != self._told:
            self._told = stale
            screen.note(f"  Still with the previous key: {self._names()}")

    def _names(self) -> str:
        named = ", ".join(user.seen_from(self._one.namespace) for user in self._told) or "some"
        return f"{named} and {self._unnamed} more" if self._unnamed else named

    def late(self) -> Problem:
        """Says who still runs the previous key."""
        return Problem(
            f"{self._one.name} is not drained; the previous key is still with {self._names()}. Do not revoke it yet.",
            Exit.TIMEOUT,
        )


def _known(one: Credential) -> Json:
    """Gives what is known of the rotation of a key that was replaced; raises Problem where nobody can tell."""
    rotation: Json = one.status.get("rotation") or {}
    if "drained" not in rotation:
        raise Problem("Nobody can tell: the operator does not look at workloads (findUsers in the chart).")
    return rotation


def _stale(rotation: Json) -> list[User]:
    return [User.of(item) for item in rotation.get("stale", ())]


def _unnamed(rotation: Json) -> int:
    """Gives how many more run the previous key than are named."""
    return max(0, int(rotation.get("staleCount", 0)) - len(rotation.get("stale", ())))

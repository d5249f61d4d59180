"""Waits until nothing runs the previous key any more, and starts anew what does."""

from collections.abc import Sequence

import click

from credential_operator.cli import advice, options, screen, store, waiting
from credential_operator.cli.documents import CREDENTIALS, Credential, Json, User
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.naming import CREDENTIAL
from credential_operator.cli.problems import Exit, Problem

ROLLOUT_SECONDS = 300
"""How long one workload may take to come up again."""


@options.command(
    "drain",
    "kubectl credential drain backups",
    "kubectl credential drain backups --restart --timeout 30m",
)
@click.argument("name", type=CREDENTIAL)
@click.option("--restart", is_flag=True, help="Restart what runs the previous key, one after another.")
@options.timeout("10m")
@options.output("text", "json", "yaml")
def drain(name: str, kubectl: Kubectl, timeout: int, output: str, *, restart: bool) -> int:
    """Wait until no workload of this cluster runs the previous key any more, so that it can be revoked.

    --restart restarts exactly those that still do, with your rights, one after another, and stops at the first that
    does not come up again. Other clusters are not looked at, nor is CI.

    Exit status: 1 a workload has not come up; 5 some still run the previous key.
    """
    one = store.credential(kubectl, name)
    rotation = wait(kubectl, one, timeout, restart=restart) if one.status.get("rotation") else None
    if output == "text":
        tell(one, rotation)
    else:
        screen.document({"name": one.name, "namespace": one.namespace, "rotation": rotation}, output)
    return Exit.DONE


def tell(one: Credential, rotation: Json | None) -> None:
    """Says that a Credential is drained, or that there is nothing to drain."""
    if rotation is None:
        click.echo(f"No key of {one.name} was replaced yet: there is nothing to drain.")
        return
    previous = rotation.get("previousKeyID", "")
    click.echo(
        f"{one.name} is drained: nothing in this cluster runs the previous key {previous}".rstrip() + "."
    )


def wait(kubectl: Kubectl, one: Credential, seconds: int, *, restart: bool) -> Json:
    """Waits until a Credential is drained, and gives its rotation; raises Problem."""
    drainer = _Drainer(kubectl.inside(one.namespace), one, restart=restart)
    rotation = waiting.until(drainer.look, seconds, drainer.late)
    unseen = [User.of(item).seen_from(one.namespace) for item in rotation.get("unknown", ())]
    if unseen:
        screen.note(f"Nobody can see when these have read the new one: {', '.join(unseen)}.")
    return rotation


class _Drainer:
    """Looks at who runs the previous key, and restarts each once."""

    def __init__(self, kubectl: Kubectl, one: Credential, *, restart: bool) -> None:
        self._kubectl = kubectl
        self._one = one
        self._restart = restart
        self._told: Sequence[User] = ()
        self._restarted: set[User] = set()

    def look(self) -> Json | None:
        """Gives the rotation once it is drained."""
        found = Credential(self._kubectl.get(CREDENTIALS, self._one.name))
        rotation: Json = found.status.get("rotation") or {}
        if "drained" not in rotation:
            raise Problem(
                "Nobody can tell: the operator does not look at workloads (findUsers in the chart)."
            )
        if rotation["drained"]:
            return rotation
        stale = [User.of(item) for item in rotation.get("stale", ())]
        self._tell(stale)
        for user in stale if self._restart else ():
            self._start_anew(user)
        return None

    def _tell(self, stale: Sequence[User]) -> None:
        if stale != self._told:
            self._told = stale
            screen.note(f"  Still with the previous key: {self._names()}")

    def _names(self) -> str:
        return ", ".join(user.seen_from(self._one.namespace) for user in self._told) or "some"

    def _start_anew(self, user: User) -> None:
        kind = advice.RESTARTABLE.get(user.kind)
        if kind is None or user in self._restarted:
            return
        self._restarted.add(user)
        there, what = self._kubectl.inside(user.namespace), f"{kind}/{user.name}"
        screen.note(f"  Restarting {user.seen_from(self._one.namespace)}")
        try:
            there.call("rollout", "restart", what)
            there.call("rollout", "status", what, f"--timeout={ROLLOUT_SECONDS}s")
        except Problem as problem:
            raise Problem(
                f"{user.seen_from(self._one.namespace)} has not come up again, and no other is restarted. "
                f"{problem.message} Take it back: kubectl rollout undo {what} -n {user.namespace}"
            ) from None

    def late(self) -> Problem:
        """Says who still runs the previous key."""
        return Problem(
            f"{self._one.name} is not drained; the previous key is still with {self._names()}. Do not revoke it yet.",
            Exit.TIMEOUT,
        )

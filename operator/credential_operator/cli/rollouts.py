"""Starts workloads anew, one after another, with the rights of the user; what cannot be is named and left alone."""

import json
import time
from collections.abc import Iterable, Sequence

import click

from credential_operator.cli import advice, restarts, screen, store, waiting
from credential_operator.cli.documents import Credential, Json, User
from credential_operator.cli.kubectl import HIDDEN, PASSING, Kubectl
from credential_operator.cli.problems import Exit, Problem
from credential_operator.cli.restarts import Left

REFUSED = frozenset({"Forbidden", "Invalid"})
"""The API server's words for what is not to be: by rights, or by a policy."""
PODLESS = "ServiceAccount"
"""A kind that uses Secrets and runs nothing."""


class Rollouts:
    """The rollouts of the workloads that read the Secrets of a Credential; `seconds` is the time for all of them."""

    def __init__(self, kubectl: Kubectl, one: Credential, seconds: float) -> None:
        self._kubectl = kubectl
        self._home = one.namespace
        self._deadline = time.monotonic() + seconds
        self._secrets = _secrets(kubectl, one)
        self._left: dict[User, str] = {}
        self.restarted: list[User] = []
        self.failed: Left | None = None

    @property
    def left(self) -> list[Left]:
        """Who was left alone, and why."""
        return [Left(*each) for each in self._left.items()]

    def readers(self) -> list[User]:
        """Gives the workloads that read the Secrets, as far as the user may see them."""
        known = store.consumers(store.workloads(self._kubectl, self._secrets))
        wanted = {(place, name) for place, names in self._secrets.items() for name in names}
        found = {user for secret in wanted for user in known.get(secret, ())}
        return sorted(user for user in found if user.kind != PODLESS)

    def start_anew(self, users: Iterable[User]) -> None:
        """Restarts each that can be and was not yet, one after another; raises Problem at the first that fails."""
        for user in users:
            if user in self._left or user in self.restarted:
                continue
            reason = self._obstacle(user) or self._restart(user)
            if reason:
                self._leave(user, reason)

    def planned(self, users: Iterable[User]) -> list[User]:
        """Gives those that would be restarted, having asked the API server about each; the others are left."""
        found = []
        for user in users:
            reason = self._obstacle(user) or self._refusal(user)
            if reason:
                self._left[user] = reason
            else:
                found.append(user)
        return found

    def _leave(self, user: User, reason: str) -> None:
        self._left[user] = reason
        screen.note(f"  {user.seen_from(self._home)} is left alone: {reason}")

    def _obstacle(self, user: User) -> str:
        """Says why a workload cannot be restarted; nothing where it can."""
        resource = store.resource(user.kind)
        if resource is None:
            return restarts.without_rollout(user)
        try:
            document = self._kubectl.inside(user.namespace).get(resource, user.name)
        except Problem as problem:
            if problem.reason not in HIDDEN:
                raise
            return problem.message
        return restarts.obstacle(user, document, self._secrets.get(user.namespace, ()))

    def _refusal(self, user: User) -> str:
        """Has the API server say whether the user may restart it; gives what it says against it."""
        change = json.dumps(restarts.change(store.now().isoformat(timespec="seconds")))
        words = (f"--patch={change}", "--dry-run=server", "--output=name")
        return self._tried(user, "patch", _what(user), *words)

    def _restart(self, user: User) -> str:
        """Restarts it and follows that to its end; gives why it may not be restarted."""
        try:
            if refusal := self._tried(user, "rollout", "restart", _what(user)):
                return refusal
            screen.note(f"  {user.seen_from(self._home)} is restarted")
            self._follow(user)
        except Problem as problem:
            if problem.reason in PASSING:
                raise
            self.failed = Left(user, problem.message)
            raise Problem(self._not_up(user, problem.message), problem.status) from None
        self.restarted.append(user)
        return ""

    def _tried(self, user: User, *words: str) -> str:
        try:
            self._kubectl.inside(user.namespace).call(*words)
        except Problem as problem:
            if problem.reason not in REFUSED:
                raise
            return problem.message
        return ""

    def _follow(self, user: User) -> None:
        there, told = self._kubectl.inside(user.namespace), ""

        def look() -> str | None:
            nonlocal told
            said = there.call("rollout", "status", _what(user), "--watch=false").strip()
            if said != told:
                told = said
                screen.note(f"    {said}")
            return said if restarts.done(said) else None

        late = Problem("The time is over.", Exit.TIMEOUT)
        waiting.until(look, self._deadline - time.monotonic(), lambda: late)

    def _not_up(self, user: User, said: str) -> str:
        undo = f"kubectl rollout undo {_what(user)} -n {user.namespace}"
        return (
            f"{user.seen_from(self._home)} has not come up again, and no other is restarted. {said} See why: kubectl "
            f"describe {_what(user)} -n {user.namespace}. Take it back: {undo}"
        )


def tell(found: Sequence[User], left: Iterable[Left], home: str) -> None:
    """Says who would be restarted, and who would be left alone."""
    for user in found:
        click.echo(f"{user.seen_from(home)} would be restarted.")
    for each in left:
        click.echo(f"{each.user.seen_from(home)} would be left alone: {each.reason}")
    if not found:
        click.echo("Nothing would be restarted.")


def document(found: Iterable[User], left: Iterable[Left]) -> Json:
    """Gives the same for programs."""
    return {"restart": [user._asdict() for user in found], "left": [each.document() for each in left]}


def _what(user: User) -> str:
    """Names it as kubectl takes it."""
    return f"{advice.RESTARTABLE[user.kind]}/{user.name}"


def _secrets(kubectl: Kubectl, one: Credential) -> dict[str, set[str]]:
    """Gives the Secrets that have the key, by namespace, as far as the user may see them: those of borrowers too."""
    found = {one.namespace: set(one.secrets)}
    for reference in store.references(kubectl, [one]):
        if reference.target:
            found.setdefault(reference.user.namespace, set()).add(reference.target["name"])
    return found

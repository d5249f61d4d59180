"""Makes what `create` has gathered: all of it, or nothing."""

import contextlib
import dataclasses
import json
import signal
from collections.abc import Iterator, Mapping
from typing import Any

import click

from credential_operator.cli import outcomes, screen, waiting
from credential_operator.cli.documents import CREDENTIALS, Credential
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.outcomes import Outcome
from credential_operator.cli.problems import Exit, Problem

Json = dict[str, Any]

BOUNDED = "--request-timeout=30s"
"""While both objects are made, an interrupt waits: this is how long at most."""
MASKED = "<hidden>"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A Credential, and the source Secret that is made with it."""

    credential: Json
    secret: Json | None = dataclasses.field(repr=False)

    @property
    def documents(self) -> list[Json]:
        """Both, the Secret first."""
        return [*([self.secret] if self.secret else []), self.credential]


def make(kubectl: Kubectl, new: New, given: Mapping[str, Any]) -> int:
    """Makes both, or neither; waits for the provider's answer where that is wanted."""
    rehearse(kubectl, new)
    with undisturbed():
        _both(kubectl, new)
    made = Credential(kubectl.get(CREDENTIALS, new.credential["metadata"]["name"]))
    if given["output"] == "text":
        for one in new.documents:
            click.echo(f"{one['kind']} {one['metadata']['name']} is made.")
    if given["wait"]:
        return _follow(kubectl, made, given)
    _show(made, given["output"])
    return Exit.DONE


def rehearse(kubectl: Kubectl, new: New) -> None:
    """Has the API server say what it would refuse; raises Problem before anything is made."""
    for document in reversed(new.documents):
        _ask(kubectl, document, "--dry-run=server")


def _both(kubectl: Kubectl, new: New) -> None:
    made = _ask(kubectl, new.secret) if new.secret else None
    try:
        _ask(kubectl, new.credential)
    except BaseException:
        if made is not None and new.secret is not None:
            _unmake(kubectl, new.secret["metadata"]["name"], made)
        raise


def _ask(kubectl: Kubectl, document: Json, *words: str) -> str:
    """Creates an object, and gives its uid; raises Problem without key material."""
    try:
        return kubectl.call(
            "create",
            "--filename=-",
            "--output=jsonpath={.metadata.uid}",
            BOUNDED,
            *words,
            stdin=json.dumps(document),
        )
    except Problem as problem:
        raise _hinted(document, problem) from None


def _hinted(document: Json, problem: Problem) -> Problem:
    """Says what can be done about a refusal, and hides what it may repeat of a Secret."""
    kind, name = document["kind"], document["metadata"]["name"]
    text = problem.message
    for value in document.get("data", {}).values():
        text = text.replace(value, MASKED)
    if problem.reason == "AlreadyExists" and kind == "Secret":
        text += f" Use it with --from-secret {name}, or choose another name with --secret-name."
    elif problem.reason == "AlreadyExists":
        text += f" `kubectl credential describe {name}` shows it."
    return Problem(text, problem.status, reason=problem.reason)


def _unmake(kubectl: Kubectl, name: str, uid: str) -> None:
    path = f"/api/v1/namespaces/{kubectl.own_namespace()}/secrets/{name}"
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
    try:
        kubectl.call("delete", f"--raw={path}", "--filename=-", BOUNDED, stdin=json.dumps(options))
    except Problem as problem:
        screen.note(f"Secret {name} is left and could not be deleted. {problem.message}")


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ignores interrupts, here and in what is started: half of a Credential helps nobody."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(made: Credential, output: str) -> None:
    if output in ("json", "yaml"):
        screen.document(made.document, output)
    elif output == "name":
        screen.names([made])
    else:
        click.echo(f"Whether it works: kubectl credential validate {made.name} -n {made.namespace}")


def _follow(kubectl: Kubectl, made: Credential, given: Mapping[str, Any]) -> int:
    """Waits for what is said of the key, and ends with that."""
    progress, seconds = waiting.Progress(kubectl, made), given["timeout"]

    def look() -> Outcome | None:
        found = progress.look()
        return outcomes.outcome(found) if found.ready.status != "Unknown" else None

    found = waiting.until(look, seconds, lambda: progress.late(seconds))
    if given["output"] != "text":
        _show(progress.last, given["output"])
    return waiting.ended(found, say=given["output"] == "text")

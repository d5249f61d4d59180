"""The command that deletes a Credential, or says who needs it."""

import json

import click

from credential_operator.cli import description, options, screen, store, waiting
from credential_operator.cli.description import Facts
from credential_operator.cli.documents import CREDENTIALS, FORCE_DELETE, Credential
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.naming import CREDENTIAL
from credential_operator.cli.problems import Exit, Problem

IN_USE = "in use by"
"""How the chart's policy begins what it says when it refuses a deletion."""


@options.command(
    "delete",
    "kubectl credential delete backups",
    "kubectl credential delete backups --wait --timeout 1h",
    'kubectl credential delete backups --force --reason "the team is gone"',
)
@click.argument("name", type=CREDENTIAL)
@click.option("--wait", is_flag=True, help="Wait until nobody needs it any more, then delete it.")
@click.option("--force", is_flag=True, help="Delete it although it is needed; asks, and needs --reason.")
@click.option("--reason", "-r", help="Why it is deleted all the same; an event and the audit log keep it.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.timeout("10m")
@options.output("text", "name")
def delete(
    name: str,
    kubectl: Kubectl,
    reason: str | None,
    timeout: int,
    output: str,
    *,
    wait: bool,
    force: bool,
    yes: bool,
) -> int:
    """Delete a Credential and the Secrets that were made from it.

    The source Secret stays, and nothing is changed or deleted at the provider. While somebody needs the Credential,
    nothing is deleted, and the command says who. --wait waits until nobody does. --force deletes it all the same,
    which takes the role admin.

    Exit status: 4 somebody needs it; 5 they still do after --timeout.
    """
    if wait and force:
        raise click.UsageError("Give either --wait or --force.")
    if force and not (reason or "").strip():
        raise click.UsageError("--force needs --reason.")
    one = store.credential(kubectl, name)
    kubectl = kubectl.inside(one.namespace)
    if force:
        _force(kubectl, one, str(reason), yes=yes)
        _accepted(kubectl, one)
    elif wait:
        waiting.until(lambda: _free(kubectl, one), timeout, lambda: _needed(kubectl, one, Exit.TIMEOUT))
    elif not _free(kubectl, one):
        raise _needed(kubectl, one, Exit.BLOCKED)
    waiting.until(lambda: _gone(kubectl, one), timeout, lambda: _held(kubectl, one))
    if output == "name":
        screen.names([one])
    else:
        click.echo(f"{one.name} is deleted. What its key was made from stays: {one.source}.")
    return Exit.DONE


def _force(kubectl: Kubectl, one: Credential, reason: str, *, yes: bool) -> None:
    users = [user.seen_from(one.namespace) for user, _ in description.users(_facts(kubectl, one))]
    who = f", which takes it from {', '.join(users)}" if users else ""
    options.confirm(f"Delete {one.name}{who}?", yes=yes)
    change = {"metadata": {"annotations": {FORCE_DELETE: reason}}}
    kubectl.call("patch", CREDENTIALS, one.name, "--type=merge", f"--patch={json.dumps(change)}")


def _free(kubectl: Kubectl, one: Credential) -> bool | None:
    """Deletes a Credential that nobody needs; None where somebody does."""
    present = _present(kubectl, one)
    return True if present is None or (present.count == 0 and _accepted(kubectl, one)) else None


def _accepted(kubectl: Kubectl, one: Credential) -> bool:
    """Asks for the deletion; False where it is refused because the Credential is needed."""
    try:
        kubectl.call("delete", CREDENTIALS, one.name, "--wait=false", "--ignore-not-found")
    except Problem as problem:
        if IN_USE not in problem.message:
            raise
        return False
    return True


def _present(kubectl: Kubectl, one: Credential) -> Credential | None:
    """Gives the Credential as it is now; None where it is gone."""
    found = map(Credential, kubectl.get(CREDENTIALS, f"--field-selector=metadata.name={one.name}")["items"])
    return next((each for each in found if each.uid == one.uid), None)


def _gone(kubectl: Kubectl, one: Credential) -> bool | None:
    return True if _present(kubectl, one) is None else None


def _facts(kubectl: Kubectl, one: Credential) -> Facts:
    return Facts(credential=one, references=store.references(kubectl, [one]))


def _show_users(kubectl: Kubectl, one: Credential) -> None:
    table = description.references(_facts(kubectl, store.credential(kubectl, one.name)), store.now())
    if table.rows:
        screen.show(table)


def _needed(kubectl: Kubectl, one: Credential, status: Exit) -> Problem:
    """Shows who needs a Credential that is not deleted, and says what can be done."""
    _show_users(kubectl, one)
    return Problem(
        f"{one.name} is needed and was not deleted. Wait until nobody does (--wait), clear away what nobody releases "
        f"(kubectl credential delete-refs {one.name}), or delete it all the same (--force).",
        status,
    )


def _held(kubectl: Kubectl, one: Credential) -> Problem:
    """Shows who holds back a deletion that was asked for."""
    _show_users(kubectl, one)
    return Problem(
        f"The deletion of {one.name} is accepted and waits for those who need it; it cannot be taken back. "
        "It goes on by itself when they are gone.",
        Exit.TIMEOUT,
    )

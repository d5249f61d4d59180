"""Commands about those who need a Credential: to hold it, to release it, and to clear away what nobody releases."""

import contextlib
import json
import logging
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import click

from credential_operator.cli import description, manifests, options, refusals, screen, store, times, waiting
from credential_operator.cli.description import Facts
from credential_operator.cli.documents import API_VERSION, REFERENCES, Credential, Json, Reference
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.naming import CLAIM, CREDENTIAL
from credential_operator.cli.problems import Exit, Problem

WHILE_RUNNING, WITHOUT_COMMAND = 60, 3600
"""Seconds that a claim outlives its holder, or counts without one, where nobody says for how long."""
SHORTEST, LONGEST = 10, 604800
LEFT_SECONDS = 3600
"""How long an ended claim can still be seen."""
NOT_STARTED = 127
"""The exit status of a shell for a command that there is not."""
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that are meant to end what runs; Windows has not both."""
CLAIMED = "credentialreference"
PENDING = frozenset({"Pending", "Unavailable"})
SHOWN = 10
"""How many references an event names."""


@options.command(
    "hold",
    'kubectl credential hold backups --reason "moving 42 snapshots" --for 2h',
    'kubectl credential hold backups --reason "nightly backup" -- ./nightly.sh --all',
)
@click.argument("name", type=CREDENTIAL)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.option(
    "--reason", "-r", required=True, help="What it is needed for; whoever wants to delete it reads that."
)
@click.option(
    "--for",
    "lease",
    type=options.SECONDS,
    metavar="DURATION",
    help="How long it is held: 1h. With a command: how long it stays held if that is killed: 60s.",
)
@click.option("--ready", is_flag=True, help="Wait until the key can be used, too.")
@options.timeout("30s")
@options.output("text", "name", "json", "yaml")
def hold(
    name: str,
    command: Sequence[str],
    kubectl: Kubectl,
    reason: str,
    lease: int | None,
    timeout: int,
    output: str,
    *,
    ready: bool,
) -> int:
    """Hold a Credential, so that nobody deletes it by mistake: for a time, or while a command runs.

    With a command, the hold is renewed while that runs and ends with it, also by SIGTERM; the exit status is that of
    the command. Without one, it ends by itself, or by `kubectl credential release`.
    """
    seconds = lease or (WHILE_RUNNING if command else WITHOUT_COMMAND)
    if not SHORTEST <= seconds <= LONGEST:
        raise click.BadParameter("must be from 10s to 7d.", param_hint="--for")
    one = store.credential(kubectl, name)
    if command:
        return _hold_while(command, kubectl, one, reason=reason, lease=seconds, wait=timeout, ready=ready)
    wanted = ("Bound", "Ready") if ready else ("Bound",)
    claim = _made(kubectl.inside(one.namespace), _worded(one, reason, seconds), wanted, timeout)
    _show(one, claim, output)
    return Exit.DONE


def _show(one: Credential, claim: Reference, output: str) -> None:
    if output == "name":
        screen.named(CLAIMED, claim.user.name)
    elif output in ("json", "yaml"):
        screen.document(claim.document, output)
    else:
        end = times.dated(claim.until, store.now())
        click.echo(
            f"{one.name} is held by {claim.user.name} until {end}.\n"
            f"Release it: kubectl credential release {claim.user.name} -n {one.namespace}"
        )


def _worded(one: Credential, reason: str, seconds: int) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "CredentialReference",
        "metadata": {"name": f"{one.name}-{secrets.token_hex(4)}", "namespace": one.namespace},
        "spec": {
            "credentialRef": {"name": one.name},
            "description": reason,
            "leaseDurationSeconds": seconds,
            "ttlSecondsAfterFinished": LEFT_SECONDS,
        },
    }


def _made(kubectl: Kubectl, document: Json, wanted: Sequence[str], seconds: float) -> Reference:
    """Makes a claim and waits until it counts; one that does not is removed."""
    name = document["metadata"]["name"]
    try:
        kubectl.call("create", "--filename=-", stdin=json.dumps(document))
        late = Problem(f"It does not count within {seconds:.0f} s: does the operator run?", Exit.TIMEOUT)
        return waiting.until(lambda: _counting(kubectl, name, wanted), seconds, lambda: late)
    except BaseException:
        # An interrupt may have come before or after it was made; one that cannot be removed ends with its lease.
        with contextlib.suppress(Problem):
            kubectl.call("delete", REFERENCES, name, "--ignore-not-found", "--wait=false")
        raise


def _counting(kubectl: Kubectl, name: str, wanted: Sequence[str]) -> Reference | None:
    """Gives a claim whose conditions are as wanted, None while that is open; raises Problem where it is refused."""
    found = Reference(kubectl.get(REFERENCES, name))
    said = [found.conditions.get(word) for word in wanted]
    for one in said:
        if one is not None and one.status == "False" and one.reason not in PENDING:
            raise Problem(f"It is not held ({one.reason}). {one.message}", reason=one.reason)
    return found if all(one and one.status == "True" for one in said) and found.until else None


def _hold_while(command: Sequence[str], kubectl: Kubectl, one: Credential, **terms: Any) -> int:
    # It takes longer to load than all other commands take.
    from credential_operator import holding
    from credential_operator.cli import held

    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    for number in ENDING:
        signal.signal(number, _leave)
    try:
        with holding.hold(one.name, **terms, through=held.Claims(kubectl.inside(one.namespace))):
            return _run(command)
    except holding.NotHeld as refused:
        status = Exit.TIMEOUT if refused.reason in PENDING else Exit.REFUSED
        raise Problem(f"It is not held ({refused.reason}). {refused.message}", status) from None


def _leave(number: int, _: object) -> None:
    """Makes a signal an end like any other, at which the claim is removed."""
    sys.exit(128 + number)


def _run(command: Sequence[str]) -> int:
    """Runs a command to its end, with the signals that are meant to end it; gives its exit status."""
    started: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _: object) -> None:
        if started:
            started[0].send_signal(number)
        else:
            early.append(number)

    before = {number: signal.signal(number, pass_on) for number in ENDING}
    # A terminal sends an interrupt to the command as well, which decides what becomes of it.
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        started.append(subprocess.Popen(list(command)))
        for number in early:
            pass_on(number, None)
        status = started[0].wait()
    except OSError as error:
        screen.note(f"Error: {command[0]} cannot be run: {error.strerror}.")
        return NOT_STARTED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


@options.command(
    "release",
    "kubectl credential release backups-3fa94c01",
)
@click.argument("names", nargs=-1, required=True, metavar="CLAIM...", type=CLAIM)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before a claim that has a Secret of its own.")
@options.output("text", "name")
def release(names: tuple[str, ...], kubectl: Kubectl, output: str, *, yes: bool) -> None:
    """End holds, by the names that `kubectl credential hold` and `kubectl credential refs` show."""
    for name in names:
        claim = _claim(kubectl, name)
        target = (claim.target or {}).get("name")
        if target:
            options.confirm(f"{name} has the Secret {target}, which goes with it. Release it?", yes=yes)
        kubectl.call("delete", REFERENCES, name, "--wait=false")
        _ended(name, f"{name} is released.", output)


def _ended(name: str, said: str, output: str) -> None:
    """Says that a reference is gone; for programs, its name."""
    if output == "name":
        screen.named(CLAIMED, name)
    else:
        click.echo(said)


def _claim(kubectl: Kubectl, name: str) -> Reference:
    try:
        return Reference(kubectl.get(REFERENCES, name))
    except Problem as problem:
        if problem.reason != "NotFound":
            raise
    known = [item["metadata"]["name"] for item in kubectl.readable(REFERENCES)]
    raise Problem(
        f"There is no claim {name} in namespace {kubectl.own_namespace()}{refusals.meant(name, known)}. "
        "`kubectl credential refs CREDENTIAL` shows them.",
        reason="NotFound",
    )


@options.command(
    "delete-refs",
    "kubectl credential delete-refs backups",
    "kubectl credential delete-refs backups --yes",
)
@click.argument("name", type=CREDENTIAL)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.output("text", "name")
def delete_refs(name: str, kubectl: Kubectl, output: str, *, yes: bool) -> int:
    """Delete the CredentialReferences that nobody releases any more, so that a Credential can be deleted.

    It shows them and asks first; an event of the Credential keeps who did it to whom. What was found to use the
    Secrets of the Credential stays, and so do the references that the operator itself keeps for `spec.distribute`.
    Whoever still runs is not stopped by this: it may lose its key when the Credential goes.
    """
    one = store.credential(kubectl, name)
    bound = store.references(kubectl, [one])
    ours = [each for each in bound if not each.distributed]
    if not ours:
        screen.note(f"Nobody has declared to need {one.name}.")
        return Exit.DONE
    facts = Facts(credential=one, references=ours)
    if output == "text":
        screen.show(description.declared(facts, store.now()))
    options.confirm(f"Delete {_counted(len(ours), 'reference')} to {one.name}?", yes=yes)
    answers = [(each, _deleted(kubectl, each, output)) for each in ours]
    gone = [f"{each.user.namespace}/{each.user.name}" for each, problem in answers if not problem]
    if gone:
        _tell(kubectl.inside(one.namespace), one, gone)
    failed = [problem for _, problem in answers if problem]
    if failed:
        raise Problem(" ".join(failed))
    return Exit.DONE


def _tell(kubectl: Kubectl, one: Credential, gone: Sequence[str]) -> None:
    """Leaves an event that says who deleted whose references: they may look for the reason there."""
    more = len(gone) - SHOWN
    names = ", ".join(gone[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    message = f"{kubectl.whoami()} deleted CredentialReferences that needed this Credential: {names}."
    event = manifests.event(one.document, "ReferencesDeleted", message, store.now())
    try:
        kubectl.call("create", "--filename=-", stdin=json.dumps(event))
    except Problem as problem:
        screen.note(f"No event says who deleted them; the API server's audit log does. {problem.message}")


def _deleted(kubectl: Kubectl, reference: Reference, output: str) -> str:
    """Deletes a reference; gives why it could not be, nothing where it was."""
    user = reference.user
    try:
        kubectl.inside(user.namespace).call(
            "delete", REFERENCES, user.name, "--ignore-not-found", "--wait=false"
        )
    except Problem as problem:
        return problem.message
    _ended(user.name, f"{user.namespace}/{user.name} is deleted.", output)
    return ""


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")

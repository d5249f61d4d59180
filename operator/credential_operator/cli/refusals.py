"""What kubectl says when something goes wrong, in a sentence that says what to do. Pure but for one question."""

import difflib
import re
from collections.abc import Callable, Iterable

from credential_operator.cli.problems import Problem

SERVER = re.compile(r'^Error from server \((\w+)\): (?:error when \w+ "STDIN": )?(.*)', re.DOTALL)
INVALID = re.compile(r'^The \w+ "[^"]*" is invalid: ')
"""How kubectl says of an object that the API server finds it invalid."""
CONTEXT = re.compile(r'context "([^"]*)" does not exist|context was not found for specified context: (\S+)')
FORBIDDEN = re.compile(
    r'User "(?P<user>.+?)" cannot (?P<verb>\w+) resource "(?P<resource>[\w/]+)" in API group "[^"]*"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)
WRITING = frozenset({"create", "update", "patch", "delete"})

Ask = Callable[..., str]
"""Runs kubectl with words and gives what it printed, nothing where it failed."""


def problem(said: str, ask: Ask) -> Problem:
    """Gives the error for what kubectl said; `ask` looks for what might have been meant."""
    if answered := SERVER.match(said):
        return _answered(*answered.groups())
    if INVALID.match(said):
        return Problem(_sentence(said), reason="Invalid")
    if named := CONTEXT.search(said):
        return _no_context(named[1] or named[2], ask("config", "get-contexts", "--output=name").split())
    for marks, reason, message in _UNANSWERED:
        if any(mark in said for mark in marks):
            return Problem(message.format(said=_sentence(said.splitlines()[-1])), reason=reason)
    return Problem(_sentence(said.removeprefix("error: ")) or "kubectl failed and said nothing.")


NOT_INSTALLED = (
    "This cluster knows no Credentials: credential-operator is not installed in it. Install it (helm upgrade "
    "--install credential-operator …), or name another cluster with --context."
)
NO_CLUSTER = "No cluster is configured: set KUBECONFIG or --kubeconfig, and choose one with --context."
UNREACHABLE = (
    "The API server does not answer. {said} Is the cluster up, and is it the right one? `kubectl config "
    "current-context` names it."
)
UNKNOWN_USER = "The API server does not know you: log in again. {said}"

_UNANSWERED = (
    (("doesn't have a resource type", "no matches for kind"), "NotInstalled", NOT_INSTALLED),
    (("localhost:8080",), "NoCluster", NO_CLUSTER),
    (("was refused - did you", "Unable to connect", "TLS handshake timeout"), "Unreachable", UNREACHABLE),
    (("You must be logged in", "getting credentials: exec"), "Unauthorized", UNKNOWN_USER),
)
"""Signs in what kubectl says when no API server has answered; `said` is its last line."""


def _answered(reason: str, message: str) -> Problem:
    refused = FORBIDDEN.search(message)
    if reason != "Forbidden" or refused is None:
        return Problem(_sentence(message), reason=reason)
    namespace = refused["namespace"]
    where = f"in namespace {namespace}" if namespace else "in all namespaces"
    what = refused["resource"]
    # Kubernetes' role view leaves Secrets out.
    role = "edit" if refused["verb"] in WRITING or what == "secrets" else "view"
    remedy = (
        f"ask for the role {role} there"
        if namespace
        else "name one that you work in with --namespace, without --all-namespaces"
    )
    return Problem(f"{refused['user']} may not {refused['verb']} {what} {where}: {remedy}.", reason=reason)


def _no_context(name: str, known: Iterable[str]) -> Problem:
    contexts = sorted(known)
    return Problem(
        f"The kubeconfig has no context {name}{meant(name, contexts)}; it has "
        f"{', '.join(contexts) or 'none'}: choose one with --context.",
        reason="NoContext",
    )


def meant(name: str, known: Iterable[str]) -> str:
    """Gives a question after the name that may be meant, with a comma before it; nothing where none is like it."""
    like = difflib.get_close_matches(name, [*known], n=1)
    return f" (did you mean {like[0]}?)" if like else ""


def _sentence(text: str) -> str:
    """Begins with a capital letter and ends with a full stop."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?)" else ".")

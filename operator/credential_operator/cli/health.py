"""How a cluster and the operator in it are, line by line: what is seen, how bad it is, what to do. Pure."""

import datetime
import enum
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from credential_operator.cli import documents, tables, times
from credential_operator.cli.documents import GROUP, Credential, Json
from credential_operator.cli.problems import Exit
from credential_operator.cli.tables import Cell, Table

OLDEST = (1, 30)
"""The oldest Kubernetes that the operator works with."""
APART, FAR_APART = 5.0, 300.0
"""Seconds that clocks may differ: until leases and ages mislead, until providers refuse signatures."""
OVERDUE = datetime.timedelta(minutes=15)
"""How late a validation may be before somebody has to look."""
NAMED = 5
"""How many names a line has."""


class State(enum.StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    HIDDEN = "hidden"
    """It may be well: the user may not see it."""


STYLES = {
    State.OK: tables.GOOD,
    State.WARNING: tables.WARN,
    State.ERROR: tables.BAD,
    State.HIDDEN: tables.DIM,
}


class Finding(NamedTuple):
    """What was found out about one thing, with what to do."""

    check: str
    state: State
    message: str


def hidden(check: str) -> Finding:
    """Says that something cannot be seen."""
    return Finding(check, State.HIDDEN, "Not visible with your rights.")


def table(found: Iterable[Finding]) -> Table:
    """Gives what is shown."""
    rows = [tables.row([one.check, Cell(one.state, STYLES[one.state]), one.message]) for one in found]
    return Table(columns=["CHECK", "STATE", "MESSAGE"], rows=rows)


def document(found: Sequence[Finding]) -> dict[str, Any]:
    """Gives the same for programs."""
    return {"healthy": status(found) is Exit.DONE, "items": [one._asdict() for one in found]}


def status(found: Iterable[Finding]) -> Exit:
    """Gives the exit status."""
    return Exit.REFUSED if any(one.state is State.ERROR for one in found) else Exit.DONE


def server(version: str) -> Finding:
    """Judges the version of the API server."""
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    known = tuple(map(int, numbers.groups())) if numbers else OLDEST
    if known < OLDEST:
        needed = ".".join(map(str, OLDEST))
        return Finding(
            "API server", State.ERROR, f"Kubernetes {version}: the operator needs {needed} or later."
        )
    return Finding("API server", State.OK, f"Kubernetes {version}.")


def clock(theirs: datetime.datetime, before: datetime.datetime, after: datetime.datetime) -> Finding:
    """Judges how far this machine's clock is from the API server's, which was read between two moments."""
    # The API server tells whole seconds.
    ahead = (before - theirs).total_seconds() - 1.0
    behind = (theirs - after).total_seconds()
    apart, word = max((ahead, "ahead of"), (behind, "behind"))
    if apart <= APART:
        return Finding("Clock", State.OK, "This machine's clock agrees with the API server's.")
    state = State.ERROR if apart > FAR_APART else State.WARNING
    return Finding(
        "Clock",
        state,
        f"This machine's clock is {apart:.0f} s {word} the API server's: have one of them set by NTP. Ages and "
        "leases are shown wrong, and providers refuse what is signed with it.",
    )


def paths(schema: Json, above: str = "") -> Iterator[str]:
    """Names all fields of a schema."""
    for name, node in (schema.get("properties") or {}).items():
        path = f"{above}.{name}"
        yield path
        yield from paths(node, path)
    for word in ("items", "additionalProperties"):
        below = schema.get(word)
        if isinstance(below, dict):
            yield from paths(below, f"{above}[]")


def definition(kind: str, own: Collection[str], served: Collection[str]) -> Finding:
    """Judges whether the cluster's definition of a kind has the fields that the plugin knows."""
    missing, more = sorted(set(own) - set(served)), sorted(set(served) - set(own))
    if missing:
        return Finding(
            kind,
            State.WARNING,
            f"Its definition in the cluster is older than the plugin: it lacks {_some(missing)}. Upgrade the chart, "
            "or install the plugin of its version.",
        )
    if more:
        return Finding(
            kind,
            State.WARNING,
            f"Its definition in the cluster has what the plugin does not know: {_some(more)}. Install the plugin of "
            "its version.",
        )
    return Finding(
        kind, State.OK, f"{documents.API_VERSION} is served, with the fields that the plugin knows."
    )


def _some(names: Sequence[str]) -> str:
    """Names the first ones, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(name.lstrip('.') for name in names[:NAMED])}{more}"


def deployments(found: Sequence[Json], own: str) -> Iterator[Finding]:
    """Judges the operator's Deployments, and their version beside the plugin's."""
    if not found:
        yield Finding("Operator", State.ERROR, "There is no Deployment of it: helm upgrade --install it.")
    for one in found:
        metadata = one["metadata"]
        where = f"{metadata['namespace']}/{metadata['name']}"
        version = (metadata.get("labels") or {}).get("app.kubernetes.io/version", "unknown")
        wanted = one["spec"].get("replicas", 1)
        ready = (one.get("status") or {}).get("readyReplicas", 0)
        told = f"{where}, version {version}: {ready} of {wanted} ready."
        if wanted == 0:
            yield Finding("Operator", State.WARNING, f"{told} It is scaled to zero: kubectl scale it up.")
        elif ready < wanted:
            see = f"kubectl describe deployment/{metadata['name']} -n {metadata['namespace']}"
            state = State.WARNING if ready else State.ERROR
            yield Finding("Operator", state, f"{told} See why: {see}")
        else:
            yield Finding("Operator", State.OK, told)
        if version not in ("unknown", own):
            yield Finding(
                "Version", State.WARNING, f"The plugin is of version {own}, the operator of {version}."
            )


def lease(where: str, found: Json, now: datetime.datetime) -> Finding:
    """Judges whether somebody leads; `now` is the API server's time."""
    spec = found.get("spec") or {}
    renewed = documents.moment(spec.get("renewTime"))
    holder = spec.get("holderIdentity")
    limit = datetime.timedelta(seconds=2 * float(spec.get("leaseDurationSeconds") or 15))
    if not holder or renewed is None or now - renewed > limit:
        last = f"was last renewed {times.ago(spec['renewTime'], now)}" if renewed else "was never taken"
        return Finding("Leader", State.ERROR, f"Nobody leads: {where} {last}. No Credential is looked at.")
    return Finding("Leader", State.OK, f"{holder} leads.")


def credentials(where: str, found: Iterable[Credential], now: datetime.datetime) -> Iterator[Finding]:
    """Judges the Credentials that the user sees: whether they work, and whether they are looked at."""
    every = [*found]
    bad = [_named(one) for one in every if one.ready.status == "False"]
    told = f"{len(every)} {where}, {sum(one.ready.status == 'True' for one in every)} ready."
    if bad:
        told = f"{told} Not ready: {_some(bad)}. kubectl credential describe says what to do."
    yield Finding("Credentials", State.WARNING if bad else State.OK, told)
    late = [_named(one) for one in every if _overdue(one, now)]
    stale = [_named(one) for one in every if one.ready.reason == "ValidationStale"]
    if late:
        message = f"Nobody has looked at {_some(late)} for too long: does the operator run?"
        yield Finding("Validation", State.ERROR, message)
    elif stale:
        message = (
            f"The provider could not be asked about {_some(stale)} for long: kubectl credential describe"
        )
        yield Finding("Validation", State.WARNING, message)
    else:
        yield Finding("Validation", State.OK, "None is overdue.")


def _named(one: Credential) -> str:
    return f"{one.namespace}/{one.name}"


def _overdue(one: Credential, now: datetime.datetime) -> bool:
    """Tells whether a validation, or the first look, should have been long ago."""
    metadata = one.document["metadata"]
    if metadata["generation"] != one.status.get("observedGeneration", -1):
        due = documents.moment(metadata["creationTimestamp"])
    elif one.spec.get("suspend"):
        return False
    else:
        due = documents.moment(one.status.get("nextValidationTime"))
    return due is not None and now - due > OVERDUE


def policies(kind: str, found: Sequence[Json], bindings: Sequence[Json]) -> Finding:
    """Judges the policies of a kind: each is bound so that it refuses, and its expressions are typed right."""
    if not found:
        return Finding(kind, State.WARNING, "There are none of the chart's (its values policies.*).")
    names = {one["metadata"]["name"] for one in found}
    enforced = {
        one["spec"]["policyName"]
        for one in bindings
        if "Deny" in one["spec"].get("validationActions", ["Deny"])
    }
    warned = {
        one["metadata"]["name"]
        for one in found
        if ((one.get("status") or {}).get("typeChecking") or {}).get("expressionWarnings")
    }
    if loose := sorted(names - enforced):
        message = f"Nothing binds {_some(loose)}: helm upgrade puts the bindings back."
        return Finding(kind, State.ERROR, message)
    if warned:
        return Finding(
            kind, State.WARNING, f"The API server warns of expressions of {_some(sorted(warned))}."
        )
    return Finding(kind, State.OK, f"{len(names)} of the chart are bound.")


class Need(NamedTuple):
    """What commands need: verb, API group and resource."""

    verb: str
    group: str
    resource: str


SECRETS = [Need(verb, "", "secrets") for verb in ("get", "list", "create", "update")]
ROLLOUTS = [Need("patch", "apps", name) for name in ("deployments", "statefulsets", "daemonsets")]


def _own(verb: str, resource: str = "credentials") -> Need:
    return Need(verb, GROUP, resource)


REFERENCES = "credentialreferences"
COMMANDS: Mapping[str, tuple[str, Sequence[Need]]] = {
    "list, get, describe, refs, reach, tree, graph, report": ("view", [_own("list"), _own("get")]),
    "validate, edit": ("edit", [_own("patch")]),
    "create, import --apply": ("edit", [_own("create"), SECRETS[2]]),
    "rotate": ("edit", [SECRETS[0], SECRETS[3]]),
    "drain --restart": ("edit", ROLLOUTS),
    "hold": ("edit", [_own("create", REFERENCES)]),
    "release, delete-refs": ("edit", [_own("delete", REFERENCES)]),
    "delete": ("edit", [_own("delete")]),
    "attach": ("edit", [Need("patch", "", "serviceaccounts")]),
    "import --discover": ("edit", [SECRETS[1]]),
    "delete --force": ("admin", [_own("force-delete")]),
}
"""Commands -> the role that has what they need, and that."""


def granted(rules: Iterable[Json], need: Need) -> bool:
    """Tells whether one of the rules of a review grants it, for all names."""
    return any(
        _has(rule, "verbs", need.verb)
        and _has(rule, "apiGroups", need.group)
        and _has(rule, "resources", need.resource)
        and not rule.get("resourceNames")
        for rule in rules
    )


def _has(rule: Json, field: str, word: str) -> bool:
    return not {word, "*"}.isdisjoint(rule.get(field) or ())


def rights(who: str, where: str, may: Collection[Need]) -> Finding:
    """Says which commands somebody may use in a namespace, and which role they lack."""
    lacking = {name: [need for need in needs if need not in may] for name, (_, needs) in COMMANDS.items()}
    can = ", ".join(name for name, missing in lacking.items() if not missing)
    cannot = [
        f"{name} ({COMMANDS[name][0]}: {', '.join(f'{one.verb} {one.resource}' for one in missing)})"
        for name, missing in lacking.items()
        if missing
    ]
    told = f"{who} may use in namespace {where}: {can or 'nothing'}."
    if cannot:
        told = f"{told} Ask for the role in brackets to use {'; '.join(cannot)}."
    return Finding("Your rights", State.OK if can else State.ERROR, told)

"""What to do next about a Credential, where something is wrong or soon will be. Pure."""

from collections.abc import Iterator, Sequence

from credential_operator.cli.documents import Credential, User

WRONG = ("Ready", "Validated", "Synced")
"""Conditions that are good when True."""
UNUSUAL = (
    "Stalled",
    "DeletionBlocked",
    "Expiring",
    "RenewalFailing",
    "RotationFailing",
    "Suspended",
    "Warning",
    "Reconciling",
)
"""Conditions that are there only while something is unusual."""
UNCHECKED = frozenset({"NotCheckable", "ValidationDisabled"})
"""Nothing is wrong: nobody is asked."""
RESTARTABLE = {"Deployment": "deployment", "StatefulSet": "statefulset", "DaemonSet": "daemonset"}
"""Kinds that `kubectl rollout restart` knows."""


def next_steps(one: Credential) -> list[str]:
    """Says what to do, the most urgent first; nothing where all is well."""
    return list(dict.fromkeys([*_said(one), *_permissions(one), *_restarts(one)]))


def _said(one: Credential) -> Iterator[str]:
    """Repeats what the operator says of what is wrong: its messages say what to do."""
    found = one.conditions
    for name in WRONG:
        condition = found.get(name)
        if (
            condition
            and condition.status != "True"
            and condition.reason not in UNCHECKED
            and condition.message
        ):
            yield condition.message
    for name in UNUSUAL:
        condition = found.get(name)
        if condition and condition.status == "True" and condition.message:
            yield condition.message


def _permissions(one: Credential) -> Iterator[str]:
    missing: Sequence[str] = (one.status.get("permissions") or {}).get("missing", ())
    if missing:
        yield f"Give the key at its provider what it lacks: {', '.join(missing)}."


def _restarts(one: Credential) -> Iterator[str]:
    rotation = one.status.get("rotation") or {}
    for item in rotation.get("stale", ()):
        user = User.of(item)
        restart = RESTARTABLE.get(user.kind)
        how = (
            f"kubectl rollout restart {restart}/{user.name} -n {user.namespace}"
            if restart
            else "start it anew"
        )
        yield f"{user.seen_from(one.namespace)} still runs the previous key: {how}"
    more = int(rotation.get("staleCount", 0)) - len(rotation.get("stale", ()))
    if more > 0:
        yield f"{more} more still run the previous key: restart them as well."

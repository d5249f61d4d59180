"""Finds Credentials and what belongs to them, with the rights of the user."""

import datetime
import re
from collections.abc import Iterable
from typing import Any

from credential_operator.cli import refusals
from credential_operator.cli.documents import CREDENTIALS, REFERENCES, Credential, Reference, User
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.problems import Problem

Json = dict[str, Any]

UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVERYWHERE = "--all-namespaces"


def now() -> datetime.datetime:
    """Gives the time."""
    return datetime.datetime.now(datetime.UTC)


def credentials(
    kubectl: Kubectl, *, everywhere: bool = False, selector: str | None = None
) -> list[Credential]:
    """Gives the Credentials of the namespace, or of all."""
    words = [*([EVERYWHERE] if everywhere else []), *([f"--selector={selector}"] if selector else [])]
    return [Credential(item) for item in kubectl.get(CREDENTIALS, *words)["items"]]


def credential(kubectl: Kubectl, name: str) -> Credential:
    """Finds a Credential by its name or its uid; raises Problem that says which name may be meant."""
    try:
        return Credential(kubectl.get(CREDENTIALS, name))
    except Problem as problem:
        if problem.reason != "NotFound":
            raise
    return _by_uid(kubectl, name) if UID.fullmatch(name) else _missing(kubectl, name)


def _by_uid(kubectl: Kubectl, uid: str) -> Credential:
    for everywhere in (False, True):
        for one in credentials(kubectl, everywhere=everywhere):
            if one.uid == uid:
                return one
    raise Problem(f"There is no Credential of the uid {uid}.", reason="NotFound")


def _missing(kubectl: Kubectl, name: str) -> Credential:
    here, namespace = [one.name for one in credentials(kubectl)], kubectl.own_namespace()
    raise Problem(
        f"There is no Credential {name} in namespace {namespace}{refusals.meant(name, here)}"
        f"{_elsewhere(kubectl, name)}.",
        reason="NotFound",
    )


def _elsewhere(kubectl: Kubectl, name: str) -> str:
    found = kubectl.readable(CREDENTIALS, EVERYWHERE, f"--field-selector=metadata.name={name}")
    places = sorted(one["metadata"]["namespace"] for one in found)
    return f"; there is one in {', '.join(places)} (--namespace)" if places else ""


def references(kubectl: Kubectl, of: Iterable[Credential]) -> list[Reference]:
    """Gives the CredentialReferences that need any of these Credentials, as far as the user may read them."""
    wanted = list(of)
    words = (REFERENCES,)
    found = kubectl.readable(*words, EVERYWHERE) or [
        item
        for namespace in sorted({one.namespace for one in wanted})
        for item in kubectl.inside(namespace).readable(*words)
    ]
    needing = [Reference(item) for item in found]
    return sorted(
        (one for one in needing if any(one.needs(each) for each in wanted)), key=lambda one: one.user
    )


def events(kubectl: Kubectl, of: Credential) -> list[Json]:
    """Gives the events about a Credential, the oldest first."""
    found = kubectl.inside(of.namespace).readable("events", f"--field-selector=involvedObject.uid={of.uid}")
    return sorted(found, key=lambda one: (one.get("lastTimestamp") or "", one["metadata"]["name"]))


def consumers(kubectl: Kubectl, namespaces: Iterable[str]) -> dict[tuple[str, str], list[User]]:
    """Gives who uses each Secret, by namespace and name: workloads, as far as the user may read them."""
    # What the operator itself looks with; it takes longer to load than a list may take.
    from credential_operator import objects, usage, workloads

    kinds = {kind.name: kind for kind in workloads.KINDS}
    resources = ",".join(_qualified(kind) for kind in workloads.KINDS)
    uses = []
    for namespace in sorted(set(namespaces)):
        for item in kubectl.inside(namespace).readable(resources):
            use = kinds[item["kind"]].use(item)
            if use is not None:
                uses.append((objects.Object(item["kind"], objects.Key.of(item)), use))
    known = usage.gathered(uses)
    secrets = sorted({secret for _, use in uses for secret in use.secrets})
    return {
        (secret.namespace, secret.name): sorted(User(*user) for user in known.users([secret]))
        for secret in secrets
    }


def _qualified(kind: Any) -> str:
    """Names a resource with its group, as kubectl wants it where kinds of several groups share a name."""
    group, _, _ = kind.api_versions[0].rpartition("/")
    return f"{kind.resource}.{group}" if group else str(kind.resource)

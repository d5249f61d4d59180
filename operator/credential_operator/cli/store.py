"""Finds Credentials and what belongs to them, with the rights of the user."""

import datetime
import re
from collections.abc import Iterable
from typing import Any

from credential_operator.cli import documents, refusals
from credential_operator.cli.description import Facts
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


def facts(kubectl: Kubectl, of: Iterable[Credential], *, everywhere: bool = False) -> list[Facts]:
    """Gives Credentials with who needs them, and who uses their Secrets, those of borrowers too.

    `everywhere`: they are of all namespaces, which is one question where the user may read all of them.
    """
    wanted = list(of)
    needing = documents.needing(_references(kubectl, wanted), wanted)
    borrowed = (each.user.namespace for found in needing.values() for each in found if each.target)
    places = {*(one.namespace for one in wanted), *borrowed}
    users = consumers(workloads(kubectl, places, everywhere=everywhere))
    return [Facts(credential=one, references=needing.get(one.uid, ()), consumers=users) for one in wanted]


def references(kubectl: Kubectl, of: Iterable[Credential]) -> list[Reference]:
    """Gives the CredentialReferences that need any of these Credentials, as far as the user may read them."""
    wanted = list(of)
    found = documents.needing(_references(kubectl, wanted), wanted)
    return sorted((one for needing in found.values() for one in needing), key=lambda one: one.user)


def _references(kubectl: Kubectl, near: Iterable[Credential]) -> list[Reference]:
    found = kubectl.readable(REFERENCES, EVERYWHERE) or _in_each(
        kubectl, {one.namespace for one in near}, REFERENCES
    )
    return [Reference(item) for item in found]


def _in_each(kubectl: Kubectl, namespaces: Iterable[str], *words: str) -> list[Json]:
    return [item for namespace in sorted(namespaces) for item in kubectl.inside(namespace).readable(*words)]


def events(kubectl: Kubectl, of: Credential) -> list[Json]:
    """Gives the events about a Credential, the oldest first."""
    found = kubectl.inside(of.namespace).readable("events", f"--field-selector=involvedObject.uid={of.uid}")
    return sorted(found, key=lambda one: (one.get("lastTimestamp") or "", one["metadata"]["name"]))


def workloads(kubectl: Kubectl, namespaces: Iterable[str], *, everywhere: bool = False) -> list[Json]:
    """Gives the objects that may use Secrets, as far as the user may read them."""
    found = kubectl.readable(resources(), EVERYWHERE) if everywhere else []
    return found or _in_each(kubectl, {*namespaces}, resources())


def resources() -> str:
    """Names the resources that may use Secrets, as kubectl wants them."""
    # What the operator itself looks with; it takes longer to load than a list may take.
    from credential_operator import workloads

    return ",".join(_qualified(kind) for kind in workloads.KINDS)


def consumers(found: Iterable[Json]) -> dict[tuple[str, str], list[User]]:
    """Gives who uses each Secret, by namespace and name."""
    from credential_operator import objects, usage, workloads

    kinds = {kind.name: kind for kind in workloads.KINDS}
    uses = []
    for item in found:
        use = kinds[item["kind"]].use(item)
        if use is not None:
            uses.append((objects.Object(item["kind"], objects.Key.of(item)), use))
    known = usage.gathered(uses)
    secrets = sorted({secret for _, use in uses for secret in use.secrets})
    return {
        (secret.namespace, secret.name): sorted(User(*user) for user in known.users([secret]))
        for secret in secrets
    }


def resource(kind: str) -> str | None:
    """Names the resource of a kind of workload, as kubectl wants it; None for kinds that are not built in."""
    from credential_operator import workloads

    return next((_qualified(each) for each in workloads.KINDS if each.name == kind), None)


def _qualified(kind: Any) -> str:
    """Names a resource with its group, as kubectl wants it where kinds of several groups share a name."""
    group, _, _ = kind.api_versions[0].rpartition("/")
    return f"{kind.resource}.{group}" if group else str(kind.resource)

"""Which existing Secrets may become targets, and what is kept of them. Pure.

A Secret that nobody owns is taken over; one that another controller writes would be written by both for ever.
"""

import dataclasses
import datetime
from collections.abc import Callable, Collection, Mapping
from typing import Any

from credential_operator import cluster, errors, findings, installation, inventory, naming, objects, patches

Json = dict[str, Any]

BACKUP = f"{inventory.DOMAIN}/before-adoption"
"""Label of a backup: the Secret that keeps what another held before it was adopted."""
BACKUP_OF = f"{inventory.DOMAIN}/backup-of"
"""Annotation of a backup: uid and resourceVersion of the Secret whose data it holds."""
KEPT_FOR = datetime.timedelta(days=30)
"""How long a backup stays."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation in which `kubectl apply` keeps the whole Secret once more, its data included."""
MANAGED_BY = "app.kubernetes.io/managed-by"
MARKS: Mapping[str, str] = {
    "meta.helm.sh/release-name": "Helm",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "reconcile.external-secrets.io/managed": "External Secrets",
    "sealedsecrets.bitnami.com/managed": "Sealed Secrets",
    "secrets.hashicorp.com/vso-ownerRefUID": "the Vault Secrets Operator",
    "cert-manager.io/certificate-name": "cert-manager",
    "reflector.v1.k8s.emberstack.com/reflects": "Reflector",
    "replicator.v1.mittwald.de/replicate-from": "Replicator",
    "replicator.v1.mittwald.de/replicated-from-version": "Replicator",
    "objectset.rio.cattle.io/id": "Rancher",
    "kapp.k14s.io/app": "kapp",
}
"""Labels and annotations by which others know the Secrets that they write, as their documentation has them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who wants a Secret as a target, and of which type it has to be.

    `others` are the objects besides that name it, `readers` the Credentials whose key it holds.
    """

    owner: objects.Object
    uid: str
    secret_type: str
    others: Collection[objects.Object] = ()
    readers: Collection[str] = ()


def refusal(found: Json, claim: Claim) -> str | None:
    """Says why a Secret is never taken over, and what to do; None where it may be."""
    return next((said for rule in RULES if (said := rule(found, claim)) is not None), None)


# The rules, each of which says why not


def _reserved(found: Json, _: Claim) -> str | None:
    metadata = found["metadata"]
    if metadata["name"] != installation.NAME and inventory.STORE not in (metadata.get("labels") or {}):
        return None
    return "is the operator's own: choose another name for the target."


def _leaving(found: Json, _: Claim) -> str | None:
    if "deletionTimestamp" not in found["metadata"]:
        return None
    return "is being deleted, and something holds that back (metadata.finalizers): it is written when it is gone."


def _read(_: Json, claim: Claim) -> str | None:
    if not claim.readers:
        return None
    readers = ", ".join(sorted(claim.readers))
    return (
        f"holds the key of Credential {readers} (spec.secretRef), which the operator never writes: choose another "
        "name for the target."
    )


def _owned(found: Json, claim: Claim) -> str | None:
    owners = found["metadata"].get("ownerReferences") or ()
    other = next((one for one in owners if not _is_claimant(one, claim)), None)
    if other is None:
        return None
    return (
        f"belongs to {other['kind']} {other['name']} (metadata.ownerReferences) and is not taken from it: choose "
        "another name for the target, or delete its owner with --cascade=orphan."
    )


def _of_another(found: Json, claim: Claim) -> str | None:
    labels = found["metadata"].get("labels") or {}
    for label, kind in ((inventory.OWNER, inventory.CREDENTIAL), (inventory.BORROWER, inventory.REFERENCE)):
        key = objects.Key(claim.owner.key.namespace, labels.get(label, ""))
        if objects.Object(kind, key) in claim.others:
            return f"is a target of {kind} {key.name}: choose another name, or take it out of that one's targets."
    return None


def _managed(found: Json, _: Claim) -> str | None:
    metadata = found["metadata"]
    marks = {**(metadata.get("annotations") or {}), **(metadata.get("labels") or {})}
    manager = marks.get(MANAGED_BY, cluster.MANAGER)
    told = [(MANAGED_BY, manager)] if manager != cluster.MANAGER else []
    told += [(mark, name) for mark, name in MARKS.items() if mark in marks]
    if not told:
        return None
    mark, name = told[-1]
    return (
        f"is written by {name}, as its label or annotation {mark} says: have that let it go, and take the mark off, "
        "or choose another name for the target."
    )


def _immutable(found: Json, _: Claim) -> str | None:
    if not found.get("immutable"):
        return None
    return "is immutable: delete it, for a new one to be written, or choose another name for the target."


def _of_another_type(found: Json, claim: Claim) -> str | None:
    if found["type"] == claim.secret_type:
        return None
    return (
        f"has the type {found['type']}, which cannot change, and the target's format needs {claim.secret_type}: "
        "choose another name or another format for the target."
    )


RULES: tuple[Callable[[Json, Claim], str | None], ...] = (
    _reserved,
    _leaving,
    _read,
    _owned,
    _of_another,
    _managed,
    _immutable,
    _of_another_type,
)


def _is_claimant(owner: Json, claim: Claim) -> bool:
    """Tells whether an ownerReference is to the claimant, or to one of its name before a restore."""
    kind, key = claim.owner
    same = (owner["apiVersion"], owner["kind"], owner["name"]) == (cluster.GROUP_VERSION, kind, key.name)
    return same or bool(owner["uid"] == claim.uid)


def _owned_by(found: Json, uid: str) -> bool:
    return any(one["uid"] == uid for one in found["metadata"].get("ownerReferences") or ())


# What is kept


def backup(found: Json, owner: Json, now: datetime.datetime) -> Json:
    """Words the Secret that keeps what one holds; `owner` is the ownerReference of who takes that over.

    Nothing of its labels and annotations: they stay where they are, and others would act on them twice.
    """
    metadata = found["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": naming.backup_of(metadata["name"]),
            "namespace": metadata["namespace"],
            "labels": {MANAGED_BY: cluster.MANAGER, BACKUP: "true"},
            "annotations": {
                BACKUP_OF: _version(metadata),
                inventory.EXPIRES: findings.show_time(now + KEPT_FOR),
            },
            "ownerReferences": [owner],
        },
        "type": found["type"],
        "data": found.get("data") or {},
    }


def is_whole(kept: Json, found: Json, uid: str) -> bool:
    """Tells whether a backup holds what the Secret held; False: somebody has changed that since.

    What is in a Secret that has our ownerReference already may be our own, and does not go into a backup. Raises
    TargetConflict where the backup is not that of this Secret for the owner of this uid.
    """
    metadata, name = kept["metadata"], found["metadata"]["name"]
    if BACKUP not in (metadata.get("labels") or {}) or not _owned_by(kept, uid):
        raise errors.TargetConflict(
            f"Secret {metadata['name']}, which is to keep what {name} holds, exists and belongs to someone else: "
            f"delete it, or choose another name for target {name}."
        )
    version = (metadata.get("annotations") or {}).get(BACKUP_OF, "")
    if version.partition("/")[0] != found["metadata"]["uid"]:
        raise errors.TargetConflict(
            f"Secret {metadata['name']} keeps what another Secret {name} held that was taken over before: delete it "
            "when it is not needed any more, and this one is taken over, too."
        )
    return _owned_by(found, uid) or version == _version(found["metadata"])


def following(kept: Json, found: Json) -> list[Json]:
    """Words the change that brings a backup to what the Secret holds now."""
    annotations = {**kept["metadata"]["annotations"], BACKUP_OF: _version(found["metadata"])}
    return [
        *patches.same(kept),
        {"op": "add", "path": "/metadata/annotations", "value": annotations},
        {"op": "add", "path": "/data", "value": found.get("data") or {}},
    ]


def is_over(metadata: Mapping[str, Any], now: datetime.datetime) -> bool:
    """Tells whether a Secret is a backup whose time is over, from its metadata."""
    owners = metadata.get("ownerReferences") or ()
    ends = _moment((metadata.get("annotations") or {}).get(inventory.EXPIRES))
    return (
        BACKUP in (metadata.get("labels") or {})
        and any(one["apiVersion"] == cluster.GROUP_VERSION for one in owners)
        and ends is not None
        and ends <= now
    )


def _version(metadata: Mapping[str, Any]) -> str:
    return f"{metadata['uid']}/{metadata['resourceVersion']}"


def _moment(text: str | None) -> datetime.datetime | None:
    """Reads a time that people may have written: None for what is no time, or lacks its zone."""
    try:
        moment = findings.parse_time(text)
    except ValueError:
        return None
    return None if moment is None or moment.tzinfo is None else moment

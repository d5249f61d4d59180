"""What `kubectl credential report` writes for programs: documents that name their kind and the version of their form.

None of it is key material: all of it is in specs and statuses, or in the templates of Pods.
"""

import datetime
from typing import Annotated, Any, Literal

import pydantic

from credential_operator.api import facts, values

VERSION = 1
"""The version of the form: another field is added without a new one."""
Users = tuple[facts.User, ...]

Verdict = Literal["Valid", "Invalid", "Unchecked", "Unknown"]
"""What is said of a key: accepted, not accepted, nobody is asked, or nobody could say yet."""
VERDICTS: tuple[Verdict, ...] = ("Valid", "Invalid", "Unchecked", "Unknown")

Finding = Literal["Expired", "HeldBack", "Expiring", "Stale", "Draining", "Unused"]
"""What an audit asks after, the most urgent first."""
FINDINGS: tuple[Finding, ...] = ("Expired", "HeldBack", "Expiring", "Stale", "Draining", "Unused")


class _Form(values.Model, extra="ignore"):
    """A part of a document: what a later version adds is passed over."""


class Cluster(_Form):
    """Where it was looked."""

    name: str
    """As `--cluster` says, or the kubeconfig."""
    uid: str = ""
    """The uid of the namespace kube-system, which no other cluster has; empty where it may not be read."""


class Scope(_Form):
    """What of the cluster was looked at."""

    namespace: str = ""
    """The namespace; empty for all."""
    selector: str = ""
    """The labels that were asked for."""
    seen_as: str = ""
    """Whose rights these were: what they may not read is in no report."""


class Held(_Form):
    """A Secret that holds the key."""

    namespace: str
    """Its namespace; another one than the Credential's for a borrower's."""
    name: str
    """Its name."""
    role: str
    """`source`, `first key`, or the format that it was published in."""
    users: Users = ()
    """The workloads that use it."""


class Rotation(_Form):
    """The last replacement of the key."""

    previous_key_id: str = pydantic.Field("", alias="previousKeyID")
    """The public name of the previous key, where it has one."""
    drained: bool | None = None
    """Whether nothing in this cluster runs the previous key; absent where nobody can tell."""
    running: Users = ()
    """Workloads that still run it: the first ten."""


class Entry(_Form):
    """A Credential."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    uid: str
    """Its uid."""
    type: str
    """Its credential type."""
    display_name: str = ""
    """What people call it."""
    description: str = ""
    """What it is for."""
    team: str = ""
    """Who owns it."""
    contact: str = ""
    """Where that team is asked."""
    public: dict[str, Any] = pydantic.Field(default_factory=dict)
    """The public fields of its type."""
    key_id: str = pydantic.Field("", alias="keyID")
    """The public name of the key that consumers have."""
    key_created_at: str = ""
    """When the key was made, as far as its provider tells."""
    key_last_used_at: str = ""
    """When it was last used, as far as its provider tells."""
    identity: str = ""
    """Whose key it is."""
    account: str = ""
    """The account, subscription or project that it belongs to."""
    verdict: Verdict
    """What is said of the key in the source."""
    reason: str
    """The reason of its condition Validated."""
    message: str = ""
    """The message of that condition."""
    since: str = ""
    """Since when it says so."""
    ready: str
    """The status of its condition Ready: whether consumers can work."""
    ready_reason: str
    """The reason of that condition."""
    created_at: str = ""
    """When the Credential was made."""
    last_validated_at: str = ""
    """When the provider last accepted the key."""
    interval: str
    """How often it is asked; 0s: when something changes."""
    expires_at: str = ""
    """When the key ends."""
    source: str
    """Where the key material comes from."""
    secrets: tuple[Held, ...] = ()
    """The Secrets that hold the key."""
    users: Users = ()
    """Who needs it, as far as that can be seen."""
    user_count: int = 0
    """How many need it, those included that cannot be seen."""
    rotation: Rotation | None = None
    """The last replacement of the key; absent where there was none."""
    findings: tuple[Finding, ...] = ()
    """What an audit asks after."""
    why: tuple[str, ...] = ()
    """A sentence for each finding."""
    next: tuple[str, ...] = ()
    """What to do, the most urgent first."""


class OfType(_Form):
    """How many Credentials there are of a type, and what is said of them."""

    type: str
    """The credential type."""
    total: int
    """How many."""
    verdicts: dict[Verdict, int]
    """Verdict -> how many."""
    findings: dict[Finding, int]
    """Finding -> how many."""


class _OfCluster(_Form):
    """What was found in a cluster, at a time."""

    kind: str
    """What this document is."""
    version: Literal[1] = 1
    """The version of its form."""
    generated_at: datetime.datetime
    """When it was looked."""
    cluster: Cluster
    """Where."""
    scope: Scope
    """What of it."""


class Report(_OfCluster):
    """The inventory of a cluster."""

    kind: Literal["CredentialReport"] = "CredentialReport"
    """What this document is."""
    summary: tuple[OfType, ...]
    """What there is, by type."""
    credentials: tuple[Entry, ...]
    """Every Credential, by type, namespace and name."""


class Loose(_Form):
    """A Secret that workloads use and no Credential manages."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    type: str = ""
    """The credential type that it may be; empty where nobody can tell without reading it."""
    keys: tuple[str, ...] = ()
    """The keys of it that workloads name."""
    users: Users = ()
    """The workloads."""
    manifest: dict[str, Any] | None = None
    """A Credential for it; absent where something is missing."""
    said: tuple[str, ...] = ()
    """What there is to say of it, in sentences."""


class Unmanaged(_OfCluster):
    """The Secrets of a cluster that look like keys and that no Credential manages."""

    kind: Literal["UnmanagedReport"] = "UnmanagedReport"
    """What this document is."""
    secrets: tuple[Loose, ...]
    """Those that hold well-known keys."""
    unseen: tuple[Loose, ...] = ()
    """Those that workloads use whole, so that their Pods do not say what is in them."""


class Place(_Form):
    """A Credential in one of several clusters."""

    cluster: str
    """The cluster's name."""
    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    type: str
    """Its credential type."""
    verdict: Verdict
    """What is said of its key there."""
    reason: str
    """The reason of that."""
    users: int = 0
    """How many need it there; of one that drains, how many run the previous key still, as far as they are named."""


class Key(_Form):
    """A key, wherever it is."""

    id: str
    """Its public name."""
    places: tuple[Place, ...] = ()
    """Credentials whose consumers have it."""
    draining: tuple[Place, ...] = ()
    """Credentials that have another one by now, and whose consumers may still run it."""
    rejected: tuple[Place, ...] = ()
    """Credentials whose provider has refused it."""


class Member(_Form):
    """A cluster, and when it was looked at."""

    name: str
    """Its name; with the beginning of its uid where two have the same."""
    uid: str = ""
    """Its uid."""
    generated_at: datetime.datetime
    """When it was looked at, the last time."""
    credentials: int
    """How many Credentials it has."""
    without_key_id: int = pydantic.Field(alias="withoutKeyID")
    """How many of them have a key without a public name, which nothing can be joined by."""


class Fleet(_Form):
    """Several clusters, joined by the ids of their keys."""

    kind: Literal["FleetReport"] = "FleetReport"
    """What this document is."""
    version: Literal[1] = 1
    """The version of its form."""
    clusters: tuple[Member, ...]
    """The clusters, by name."""
    keys: tuple[Key, ...]
    """Every key that has a public name, by that."""


Document = Annotated[Report | Unmanaged | Fleet, pydantic.Field(discriminator="kind")]
"""Any of the three."""


def schema() -> dict[str, Any]:
    """Gives the JSON Schema of all three."""
    return pydantic.TypeAdapter[Any](Document).json_schema(by_alias=True)


def written(document: Report | Unmanaged | Fleet) -> dict[str, Any]:
    """Gives a document as JSON has it, without what is absent."""
    found: dict[str, Any] = _without_empty(document.model_dump(mode="json", by_alias=True, exclude_none=True))
    return found


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty(part) for name, part in value.items() if part != ""}
    return [_without_empty(part) for part in value] if isinstance(value, list) else value

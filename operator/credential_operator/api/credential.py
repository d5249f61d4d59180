"""A Credential: what its owner writes (`Spec` and one credential type), and what is known (`Status`)."""

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic

from credential_operator import errors
from credential_operator.api import facts, joint, publication, values
from credential_operator.api.conditions import Conditions

FIELDS = "fields"
"""The layout of a source Secret that needs no reading: each field under a key of its own."""
MAX_TARGETS = 16
MAX_PERMISSIONS = 32


Permission = Annotated[
    str,
    pydantic.Field(max_length=128),
    values.Matching(
        r"^[A-Za-z0-9][A-Za-z0-9:./_-]*$", "a permission in the provider's words, such as s3:GetObject"
    ),
]
"""A permission in the provider's own words."""


class Owner(values.Model):
    """Who to ask. One metric carries it, so that alerts reach them."""

    team: Annotated[str, pydantic.Field(max_length=63)] | None = None
    """The team that answers for this key."""
    contact: Annotated[str, pydantic.Field(max_length=128)] | None = None
    """Where to reach it: a channel, an address, a page."""


class SecretRef(values.Model):
    """The Secret that holds the key material: written by you or your tools, never by the operator."""

    name: values.SecretName
    """The name of the Secret."""
    keys: dict[str, values.SecretKey] = pydantic.Field(default={}, max_length=16)
    """Where the fields of the credential type stand in the Secret, for those that do not stand under their
    own name or the provider's usual environment variable: field -> key in the Secret."""
    format: Annotated[str, pydantic.Field(max_length=63)] = FIELDS
    """The layout of the Secret."""
    options: dict[str, Any] = pydantic.Field(default={}, max_length=16)
    """Where a layout other than `fields` has its fields."""


class Validation(values.Model):
    """When the provider is asked whether the key works, and what follows for publishing."""

    policy: Literal["Required", "WhenCheckable", "BestEffort", "Disabled"] = "WhenCheckable"
    """What has to happen before a key is published.

    * Required: the provider has accepted it; a key of a type that cannot be checked is never published.
    * WhenCheckable: the provider has accepted it; a key of a type that cannot be checked is published and
      says so.
    * BestEffort: the provider has not refused it; it is published also while the provider cannot be reached.
    * Disabled: nothing; the provider is never asked.
    """
    interval: Annotated[
        datetime.timedelta, values.Duration(minimum="1m", maximum="720h", zero="only when something changes")
    ] = datetime.timedelta(hours=1)
    """How often a good key is checked again, from 1m to 720h; 0s: only when something changes."""
    timeout: Annotated[datetime.timedelta, values.Duration(minimum="1s", maximum="30s")] = datetime.timedelta(
        seconds=10
    )
    """How long one check may take, from 1s to 30s."""
    permissions: Annotated[
        tuple[Permission, ...],
        pydantic.Field(max_length=MAX_PERMISSIONS, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = ()
    """What the key must be allowed to do besides, in the provider's own words, such as s3:GetObject, or the
    name of a set of such. A key that lacks one is not published."""


class Forms(values.Model):
    """In which forms others get a key."""

    rules = (
        values.Rule(
            rule="has(self.formats) || has(self.issue)",
            message="must say in which forms: formats, issue or both",
        ),
    )

    formats: (
        Annotated[
            tuple[Annotated[str, pydantic.Field(max_length=63)], ...],
            pydantic.Field(min_length=1, max_length=32, json_schema_extra={"x-kubernetes-list-type": "set"}),
        ]
        | None
    ) = None
    """The formats that their targets may have; left out: any."""
    issue: dict[str, Any] | None = None
    """The short-lived key that each of their targets holds, made for it alone and renewed in time; never the stored
    one. In its `sessionTags`, `$(namespace)` stands for the namespace that gets it, and `$(cluster)` for the
    name that the installation gives to its cluster."""


class AllowedNamespaces(values.Model):
    """The other namespaces whose CredentialReferences may use this Credential."""

    rules = (
        values.Rule(
            rule="(has(self.all) && self.all) || has(self.selector) || (has(self.names) && size(self.names) > 0)",
            message="must say who: names, a selector, or all: true",
        ),
    )

    names: Annotated[
        tuple[values.NamespaceName, ...],
        pydantic.Field(max_length=256, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = ()
    """Namespaces by their names."""
    selector: values.LabelSelector | None = None
    """Namespaces by their labels: whoever may label a namespace may then share this Credential with it. For an
    installation that serves the whole cluster."""
    all: bool = False
    """True: every namespace."""
    as_: Forms | None = pydantic.Field(None, alias="as")
    """The only forms in which others get the key; left out: any."""
    revocation_grace_period: Annotated[
        datetime.timedelta, values.Duration(minimum="1s", maximum="720h", zero="at once")
    ] = datetime.timedelta(minutes=10)
    """How long the target of a namespace stays that is not allowed any more, from 1s to 720h; it is not updated
    meanwhile. 0s: it goes at once."""


class Distribution(values.Model):
    """What every allowed namespace gets without asking: a CredentialReference, made and kept by the operator."""

    rules = (
        values.Rule(
            rule="has(self.target) != (has(self.advertise) && self.advertise)",
            message="must have either target, the Secret that every namespace gets, or advertise: true, an offer",
        ),
    )

    target: publication.NewTarget | None = None
    """The Secret that every namespace gets: written by the operator, kept fresh, and removed with the reference."""
    advertise: bool = False
    """True: an offer and no Secret. The reference shows the namespace what there is and in which formats, and gets
    a Secret when somebody there sets its `spec.target`."""


class KeyRotation(values.Model):
    """Renews the key at the provider, with the key itself.

    Another one is made, checked and published; the one before is ended when nobody runs it any more.
    """

    interval: Annotated[datetime.timedelta, values.Duration(minimum="1h", maximum="8760h")] = (
        datetime.timedelta(hours=2160)
    )
    """How old a key may get, from 1h to 8760h; the next one is made in the last tenth of that time. The annotation
    `credential-operator.io/rotate-at` asks for one at once, whenever its value changes."""
    keep_old: Annotated[
        datetime.timedelta, values.Duration(minimum="1m", maximum="2160h", zero="as soon as nobody runs it")
    ] = datetime.timedelta(hours=24)
    """How long the previous key stays good at least after the new one was published, from 1m to 2160h; never is it
    ended while a workload runs it. Where the provider can disable keys it is disabled then, and deleted after as long
    again. 0s: as soon as nobody runs it."""
    store: Annotated[
        values.SecretName,
        values.Rule(
            rule="self == oldSelf",
            message="cannot change, since the Secret holds the only copy of the key: create another Credential for "
            "another name",
        ),
    ]
    """The name of the Secret, in the same namespace, in which the operator keeps the keys that it has made. From the
    first one on it is the source, and the Secret of `secretRef` is not read any more. It stays when the Credential
    goes."""


class Expiry(values.Model):
    """When the coming end of the key is a warning."""

    warn_before: Annotated[
        datetime.timedelta, values.Duration(minimum="1h", maximum="8760h", zero="no warning")
    ] = datetime.timedelta(hours=336)
    """How long before its end the condition Expiring appears, from 1h to 8760h; 0s: never."""


class Spec(values.Model):
    """What you want: exactly one credential type, where its key material is, and what to make of it."""

    rules = (
        values.Rule(
            rule="has(self.secretRef) != has(self.workloadIdentity)",
            message="must have either secretRef, the Secret that holds the key, or workloadIdentity, which "
            "needs no stored key",
        ),
    )
    joint_rules = (
        values.Rule(
            rule="target.name != self.?secretRef.?name.orValue('')",
            message="must not name the source Secret, which the operator never writes: choose another name",
            expression="'must not name the source Secret \"' + self.secretRef.name + '\", "
            "which the operator never writes: choose another name'",
            path=".targets",
        ),
        values.Rule(
            rule="has(target.issue) || !has(self.workloadIdentity)",
            message="must each have issue with workloadIdentity: no key is stored, so only short-lived ones can be "
            "published",
            path=".targets",
        ),
        values.Rule(
            rule="has(self.secretRef)",
            message="needs secretRef: with workloadIdentity no key is stored that could be renewed",
            path=".rotation",
        ),
        values.Rule(
            rule="!has(self.validation) || self.validation.policy != 'Disabled'",
            message="needs another validation.policy than Disabled: a new key is checked before it is published",
            path=".rotation",
        ),
        values.Rule(
            rule="!(self.rotation.store == self.?secretRef.?name.orValue('') || "
            "has(self.targets) && self.targets.exists(target, target.name == self.rotation.store))",
            message="store must be a Secret of the operator's own, neither the source nor a target: choose another "
            "name",
            path=".rotation",
        ),
        values.Rule(
            rule="has(self.allowedNamespaces)",
            message="needs allowedNamespaces, which says to whom",
            path=".distribute",
        ),
        values.Rule(
            rule=f"{joint.NOT_COPIED} || !has(self.workloadIdentity)",
            message="target must have issue with workloadIdentity: no key is stored, so only short-lived ones can be "
            "given",
            path=".distribute",
        ),
        values.Rule(
            # `as` is a word of CEL's own, which the API server writes so.
            rule="!has(self.distribute.target) || !has(self.allowedNamespaces) || "
            "!has(self.allowedNamespaces.__as__) || !has(self.allowedNamespaces.__as__.formats) || "
            "self.distribute.target.format in self.allowedNamespaces.__as__.formats",
            message="target.format must be one of allowedNamespaces.as.formats, the only ones that others get",
            path=".distribute",
        ),
    )

    display_name: Annotated[str, pydantic.Field(max_length=128)] | None = None
    """A name for people."""
    description: Annotated[str, pydantic.Field(max_length=1024)] | None = None
    """What the key is for."""
    owner: Owner | None = None
    """Who to ask. One metric carries it, so that alerts reach them."""
    suspend: bool = False
    """True: nothing is checked and nothing new is published, until it is false again; references still hold
    back the deletion."""
    secret_ref: SecretRef | None = None
    """The source Secret, which holds the key material: in the Credential's own namespace, written by you or
    your tools, never by the operator."""
    workload_identity: dict[str, Any] | None = None
    """In place of a stored key: a ServiceAccount of the Credential's own namespace, whose token the provider
    trusts. The operator makes such tokens only where a Role in this namespace lets it, for that one
    ServiceAccount."""
    validation: Validation = Validation()
    """When the provider is asked whether the key works, and what follows for publishing."""
    rotation: KeyRotation | None = None
    """Renews the key before it gets too old. Left out: a person does, in the source Secret."""
    targets: Annotated[
        tuple[publication.Target, ...],
        pydantic.Field(max_length=MAX_TARGETS, json_schema_extra=values.keyed_by("name")),
        values.Rule(
            rule="self.all(target, self.exists_one(other, other.name == target.name))",
            message="two targets cannot be the same Secret: give each a name of its own",
        ),
    ] = ()
    """The Secrets to write. None: the key is checked, tracked and protected where it is."""
    discover_reach: bool = False
    """True: the accounts, subscriptions, projects or compartments that the key sees are counted and shown in
    the status, anew at every validation."""
    allowed_namespaces: AllowedNamespaces | None = None
    """The other namespaces whose CredentialReferences may use this Credential, and get a Secret of their own from
    it. Left out: only its own namespace."""
    distribute: Distribution | None = None
    """What every namespace that `allowedNamespaces` allows gets without asking for it, those that come later
    included. A name there that is somebody else's is left alone, and `status.distribution` says so."""
    accept_references: bool = True
    """False: CredentialReferences that come from now on do not count; those that it has stay."""
    when_referenced: Literal["Refuse", "Hold"] = "Refuse"
    """What a deletion meets while CredentialReferences need this Credential.

    * Refuse: it is refused, naming them.
    * Hold: it is accepted and waits for them; for charts that hold both.
    """
    target_deletion_policy: Literal["Delete", "Retain"] = "Delete"
    """What becomes of the target Secrets when the Credential goes. The provider's side is never touched."""
    expires_at: values.Moment | None = None
    """When the key ends, such as 2027-01-31T00:00:00Z; for where the provider cannot tell."""
    expiry: Expiry = Expiry()
    """When the coming end of the key is a warning."""


class Identity(values.Model):
    """Whose key it is, as far as that is public."""

    principal: Annotated[str, pydantic.Field(max_length=4096)]
    """The user, role or account that the provider recognised."""
    account: Annotated[str, pydantic.Field(max_length=256)] | None = None
    """The provider's account that it belongs to."""


class Key(values.Model):
    """The public facts of the key that was last accepted."""

    id: Annotated[str, pydantic.Field(max_length=4096)] | None = None
    """Its public name, such as an AWS access key id, where it has one; not key material."""
    created_at: datetime.datetime | None = None
    """When it was made, where the provider tells."""
    last_used_time: datetime.datetime | None = None
    """When it was last used by anybody, where the provider tells: read before a validation, which is itself
    a use, and at most once a day."""
    expires_at: datetime.datetime | None = None
    """When its life ends, where the provider tells; the end that counts is `status.expiresAt`."""
    observed_at: datetime.datetime | None = None
    """When the provider was asked for these times."""


class Source(values.Model):
    """The source Secret as it was last read."""

    secret_name: Annotated[str, pydantic.Field(max_length=253)]
    """The name of the Secret."""
    resource_version: Annotated[str, pydantic.Field(max_length=63)] | None = None
    """Its version when it was last read and judged; absent where it does not exist."""
    changed_at: datetime.datetime
    """When its fields were last seen to change."""


class Status(values.Model):
    """What is known: whether the key works, what was published, who needs it."""

    observed_generation: int | None = None
    """The `metadata.generation` that the whole status was computed from; -1: not looked at yet."""
    last_handled_reconcile_at: Annotated[str, pydantic.Field(max_length=262144)] | None = None
    """The value of the annotation credential-operator.io/reconcile-at that was last obeyed."""
    type: Annotated[str, pydantic.Field(max_length=63)] | None = None
    """The credential type."""
    identity: Identity | None = None
    """Whose key it is, as far as that is public."""
    key: Key | None = None
    """The public facts of the key that was last accepted."""
    external_id: Annotated[str, pydantic.Field(max_length=1224)] | None = pydantic.Field(
        None, alias="externalID"
    )
    """The external ID that the role's trust policy must ask for."""
    conditions: Conditions = ()
    """Ready, Validated and Synced, and what is unusual; the reference page lists them."""
    last_validated_time: datetime.datetime | None = None
    """When the provider last said something about the key."""
    next_validation_time: datetime.datetime | None = None
    """When it is asked again."""
    expires_at: datetime.datetime | None = None
    """The end of what a person must renew."""
    source: Source | None = None
    """The source Secret as it was last read."""
    targets: Annotated[
        tuple[publication.TargetStatus, ...],
        pydantic.Field(max_length=64, json_schema_extra=values.keyed_by("name")),
    ] = ()
    """The Secrets that were written."""
    references: facts.References | None = None
    """Who needs the Credential."""
    rotation: facts.Rotation | None = None
    """The last replacement of the key, and who runs the previous one still."""
    distribution: facts.Distribution | None = None
    """How far `spec.distribute` has got."""
    permissions: facts.Permissions | None = None
    """What `spec.validation.permissions` asks for and the key was not found to have."""
    reach: facts.Reach | None = None
    """The accounts, subscriptions, projects or compartments that the key sees."""


_OWN = frozenset(str(field.alias) for field in Spec.model_fields.values())


def split(spec: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Takes a stored spec apart: the credential type's name, its fields, and the rest for `Spec`.

    Raises InvalidSpec where that cannot be told, as when a newer version wrote fields unknown to this one.
    """
    others = sorted(spec.keys() - _OWN)
    if len(others) != 1:
        found = f"has {', '.join(others)}" if others else "has none"
        raise errors.InvalidSpec(
            f"spec must have exactly one credential type and nothing unknown, and {found}"
        )
    (name,) = others
    return name, spec[name], {field: value for field, value in spec.items() if field != name}

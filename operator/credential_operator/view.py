"""A Credential as one pass sees it, and what is due: pure functions of the object and the inventory."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from credential_operator import checks, errors, findings, inventory, objects, renewal, targets
from credential_operator.api import credential, installed, issuing, publication
from credential_operator.formats import contract as formats_contract
from credential_operator.providers import contract, issue

Json = dict[str, Any]

LARGEST = 1024 * 1024
"""How many bytes of data the API server lets a Secret hold."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The credential types, formats and layouts of source Secrets that are installed, by name."""

    providers: Mapping[str, contract.Provider[Any, Any]]
    formats: Mapping[str, formats_contract.Format[Any]]
    sources: Mapping[str, formats_contract.Source[Any]]

    def endpoint(self, spec: Json) -> str:
        """Names the endpoint that a spec's check calls; empty where that cannot be told."""
        try:
            name, config, _ = credential.split(spec)
            provider = self.providers[name]
            return provider.endpoint(provider.config.model_validate(config))
        except (errors.CredentialError, ValueError, KeyError):
            return ""

    def served(self, provider: contract.Provider[Any, Any], form: Json | None) -> list[str]:
        """Names the formats in which a stored key can be laid out, or a short-lived one of the form's kind."""
        if form is None:
            return installed.formats_of(provider, self.formats.values())
        kind = issue.kinds(provider).get(form["kind"])
        return [*self.formats] if kind is None else issuing.formats_of(kind, self.formats.values())

    def render(self, target: publication.Target, material: formats_contract.Material) -> targets.Desired:
        """Lays key material out as a target asks for it; raises InvalidKeyMaterial or InvalidSpec."""
        layout, options = self.layout(target)
        data = layout.render(material, options)
        if sum(map(len, data.values())) > LARGEST:
            raise errors.InvalidSpec(
                f"Target {target.name} would hold more than the 1 MiB that a Secret can hold: give it fewer keys."
            )
        return self.desired(target, data)

    def layout(self, target: publication.NewTarget) -> tuple[formats_contract.Format[Any], Any]:
        """Gives the format of a target, and what the target has it know; raises InvalidSpec for an unknown one."""
        layout = self.formats.get(target.format)
        if layout is None:
            raise errors.InvalidSpec(f"format {target.format} of target {target.name} is not installed")
        keys = {"keys": target.keys} if "keys" in layout.options.model_fields else {}
        return layout, layout.options.model_validate({**target.options, **keys})

    def desired(self, target: publication.Target, data: Mapping[str, bytes]) -> targets.Desired:
        """Gives what a target should be that holds these data."""
        return targets.Desired(
            name=target.name,
            format=target.format,
            secret_type=self.formats[target.format].secret_type,
            data=data,
            labels=target.labels,
            annotations=target.annotations,
            adopt=bool(target.adopt),
        )


HISTORY_AFTER = datetime.timedelta(days=1)
"""How old what is known of a key's making and last use may be: a validation is itself a use."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A Credential parsed: what a pass starts from."""

    key: objects.Key
    document: Json
    metadata: Json
    status: Json
    spec: credential.Spec
    type: str
    provider: contract.Provider[Any, Any]
    config: Any
    identity: Any
    endpoint: str

    @property
    def uid(self) -> str:
        """The object's uid."""
        return str(self.metadata["uid"])

    @property
    def deleting(self) -> bool:
        """Whether the object's deletion was asked for."""
        return "deletionTimestamp" in self.metadata

    @property
    def protected(self) -> bool:
        """Whether our finalizer is on it."""
        return inventory.FINALIZER in self.metadata.get("finalizers", ())

    @property
    def forced(self) -> str:
        """The reason given for a deletion whatever refers to it; empty if there is none."""
        return str(self.metadata["annotations"].get(inventory.FORCE_DELETE, ""))

    @property
    def rotate_at(self) -> str:
        """What asks for a new key at once, where keys renew themselves; empty if nothing does."""
        return str(self.metadata["annotations"].get(inventory.ROTATE_AT, ""))

    @property
    def has_store(self) -> bool:
        """Whether the source is the Secret in which the operator keeps the keys that it had made."""
        return self.keeps(self.status.get("source", {}).get("secretName", ""))

    def keeps(self, secret: str) -> bool:
        """Tells whether the operator keeps the keys that it had made in the Secret of this name."""
        return self.spec.rotation is not None and self.spec.rotation.store == secret

    @property
    def secret_ref(self) -> credential.SecretRef | None:
        """What the source Secret is and how it is read; None where no key is stored."""
        rotation = self.spec.rotation
        if rotation is not None and self.has_store:
            return credential.SecretRef(name=rotation.store)
        return self.spec.secret_ref

    @property
    def source_key(self) -> objects.Key | None:
        """The source Secret; None where no key is stored."""
        source = self.secret_ref
        return None if source is None else objects.Key(self.key.namespace, source.name)

    @property
    def left_key(self) -> objects.Key | None:
        """The Secret that was the source before the operator had keys made: it holds the first one for ever."""
        source = self.spec.secret_ref
        left = source is not None and self.has_store
        return objects.Key(self.key.namespace, source.name) if source is not None and left else None

    def source_version(self, known: inventory.Inventory) -> str | None:
        """Gives the version of the source Secret that is known; None where there is none."""
        key = self.source_key
        return None if key is None else known.versions.get(key)

    def asked(self, version: str | None, now: datetime.datetime) -> checks.Asked:
        """Gives what to ask the provider besides whether the key works; `version` is the source Secret's."""
        observed = findings.parse_time(self.status.get("key", {}).get("observedAt"))
        another = version != self.status.get("source", {}).get("resourceVersion")
        return checks.Asked(
            permissions=self.spec.validation.permissions,
            reach=self.spec.discover_reach,
            history=observed is None or another or now - observed > HISTORY_AFTER,
        )

    @property
    def spec_changed(self) -> bool:
        """Whether the spec has changed since the last pass that ended in a status."""
        return bool(self.status.get("observedGeneration") != self.metadata["generation"])

    @property
    def recorded(self) -> dict[str, Json]:
        """The targets that the status says are published, by name."""
        return {target["name"]: target for target in self.status.get("targets", ())}

    def condition(self, name: str) -> Mapping[str, Any]:
        """Gives a condition of the status; empty if there is none."""
        return next((one for one in self.status.get("conditions", ()) if one["type"] == name), {})

    def timing(self, jitter: float) -> findings.Timing:
        """Gives how often to look."""
        return findings.Timing(
            interval=self.spec.validation.interval,
            jitter=jitter,
            warn_before=self.spec.expiry.warn_before,
            expires_at=self.spec.expires_at,
        )

    def material(self, keys: Any, *, external_id: str) -> formats_contract.Material:
        """Gives what formats draw from."""
        fields = dict(self.provider.fields(self.config, keys))
        variables = self.provider.variables
        if installed.takes_any(self.provider):
            variables = {name: (name,) for name in fields}
        elif "roleARN" in fields:
            fields.setdefault("externalID", external_id)
        return formats_contract.Material(type=self.provider.name, fields=fields, variables=variables)


def parse(record: inventory.Record, catalogue: Catalogue) -> View | None:
    """Parses a record; None where a newer version wrote a type or a field unknown to this one."""
    document = record.parse()
    try:
        name, config, rest = credential.split(document["spec"])
    except errors.InvalidSpec:
        return None
    provider = catalogue.providers.get(name)
    if provider is None:
        return None
    metadata = document["metadata"]
    return View(
        key=objects.Key(metadata["namespace"], metadata["name"]),
        document=document,
        metadata=metadata,
        status=document["status"],
        spec=credential.Spec.model_validate(rest),
        type=name,
        provider=provider,
        config=provider.config.model_validate(config),
        identity=_identity(provider, rest.get("workloadIdentity")),
        endpoint=record.endpoint,
    )


def _identity(provider: contract.Provider[Any, Any], written: Json | None) -> Any:
    if written is None or not isinstance(provider, contract.Keyless):
        return None
    return provider.workload_identity.model_validate(written)


UNFINISHED = (errors.Conflict.reason, errors.Unavailable.reason)
"""Reasons of Reconciling that say that a target was not written for want of the API server's answer."""
UNREACHED = (errors.ProviderUnreachable.reason, errors.RateLimited.reason)
"""Reasons that say that the provider has not answered: BestEffort goes on all the same."""
REPEATED = (
    *UNREACHED,
    errors.ClockSkew.reason,
    "InternalError",
)
"""Reasons of Reconciling that say that a check has had no answer, whatever it was made for."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is to be done in a pass; `source_only`: only the source's version speaks for a validation."""

    validation: bool
    source_only: bool
    publication: bool


def due(
    seen: View, known: inventory.Inventory, now: datetime.datetime, *, waiting: bool, renewable: bool
) -> Due:
    """Decides what is to be done from what the status says was done.

    `waiting`: a backoff has not ended. `renewable`: nor has one after a short-lived key was refused.
    """
    version = seen.source_version(known)
    source_changed = _source_changed(seen, known, version) and not waiting
    planned = findings.parse_time(seen.status.get("nextValidationTime"))
    asked = seen.metadata["annotations"].get(inventory.RECONCILE_AT) != seen.status.get(
        "lastHandledReconcileAt"
    )
    unsettled = seen.condition("Reconciling").get("reason")
    retried = unsettled in REPEATED or (unsettled is not None and planned is None)
    overdue = (retried or (planned is not None and now >= planned)) and not waiting
    recorded = seen.recorded
    # What is said of a Credential whose short-lived keys have ended follows from a whole pass.
    ended = renewable and renewal.ended(map(findings.published, recorded.values()), now)
    other = seen.spec_changed or asked or overdue or bool(ended)
    wanted = {target.name for target in seen.spec.targets}
    touched = any(
        known.versions.get(objects.Key(seen.key.namespace, name)) != target["resourceVersion"]
        for name, target in recorded.items()
    )
    return Due(
        validation=other or source_changed,
        source_only=source_changed and not other,
        publication=seen.spec_changed
        or touched
        or set(recorded) != wanted
        or unsettled in UNFINISHED
        or _outdated(seen),
    )


def _source_changed(seen: View, known: inventory.Inventory, version: str | None) -> bool:
    """Tells whether the source has another version than the one that was judged, or has become another Secret."""
    rotation = seen.spec.rotation
    store = None if rotation is None else objects.Key(seen.key.namespace, rotation.store)
    moved = store in known.versions and not seen.has_store
    return moved or bool(version != seen.status.get("source", {}).get("resourceVersion"))


def _outdated(seen: View) -> bool:
    """Tells whether a short-lived key was made for a spec that has changed since."""
    return any(
        entry["generation"] != seen.metadata["generation"]
        for entry in seen.recorded.values()
        if "expiresAt" in entry
    )


def lendable(seen: View, version: str | None) -> bool:
    """Tells whether the key in this version of the source may be given to others, by what the status says of it.

    What the owner's own targets may hold: a key that was accepted, or one that nobody can be asked about, where
    the owner publishes such.
    """
    if seen.spec.suspend:
        return False
    validated, policy = seen.condition("Validated"), seen.spec.validation.policy
    if policy == "BestEffort" and validated.get("reason") in UNREACHED:
        return True
    if seen.status.get("source", {}).get("resourceVersion") != version:
        return False
    if validated.get("status") == "True":
        return True
    return policy != "Required" and validated.get("reason") in ("NotCheckable", "ValidationDisabled")


def publishable(seen: View, verdict: findings.Verdict, version: str | None, *, same_key: bool) -> bool:
    """Tells whether the key in the source Secret may be published after this verdict.

    What the provider accepted before may be written again without asking, as long as it is the same key.
    """
    policy = seen.spec.validation.policy
    validated = seen.condition("Validated")
    if isinstance(verdict, contract.Validation):
        return not verdict.unasked or policy != "Required"
    if verdict == findings.NotChecked(reason="ValidationDisabled"):
        return bool(policy != "Required")
    recorded = seen.status.get("source", {}).get("resourceVersion") == version
    if validated.get("status") == "True" and (same_key or recorded):
        return verdict is findings.UNCHANGED or isinstance(verdict, errors.Transient)
    return policy == "BestEffort" and isinstance(verdict, errors.ProviderUnreachable | errors.RateLimited)

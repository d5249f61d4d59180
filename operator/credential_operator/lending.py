"""The target of a CredentialReference: made from its Credential's key, written into its own namespace.

Only a key that was accepted is lent on: what is said of it in the Credential's status speaks for exactly the
version of the source Secret that is read here.
"""

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

from credential_operator import (
    errors,
    findings,
    grants,
    handouts,
    installation,
    inventory,
    issuing,
    objects,
    references,
    renewal,
    sources,
    targets,
    view,
)
from credential_operator.answers import REVOKED, Delivery, readiness
from credential_operator.api import publication
from credential_operator.situation import State

Json = dict[str, Any]

PUBLISHED = State("True", "Published", "The target holds the Credential's key.")
GRACE = datetime.timedelta(minutes=10)
"""How long a target stays that was revoked by an owner who says nothing of it any more."""


class Lending:
    """Writes and removes the targets of references."""

    def __init__(
        self,
        *,
        known: inventory.Inventory,
        catalogue: view.Catalogue,
        keyring: installation.Installation,
        source_of: sources.Sources,
        written: targets.Targets,
        issued: issuing.Issuing,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._known = known
        self._catalogue = catalogue
        self._keyring = keyring
        self._sources = source_of
        self._targets = written
        self._issuing = issued
        self._clock = clock

    async def deliver(self, reference: Json, lender: objects.Key | None, state: State) -> Delivery:
        """Brings the target of a reference to what it should be; `state` is the reference's condition Bound."""
        wanted, recorded = reference["spec"].get("target"), reference["status"].get("target")
        if recorded is not None and (wanted is None or wanted["name"] != recorded["name"]):
            await self._remove(reference, recorded)
            recorded = None
        if wanted is None:
            return Delivery()
        record = None if lender is None else self._known.credentials.get(lender)
        if state.value == "True" and record is not None:
            return await self._publish(reference, record, recorded)
        if (
            state.reason == REVOKED
            and recorded is not None
            and self.revoked_at(reference, lender) <= self._clock()
        ):
            await self._remove(reference, recorded)
            recorded = None
        return Delivery(synced=State("False", state.reason, state.message), target=recorded)

    def offer(self, reference: Json, lender: objects.Key | None) -> Json | None:
        """Gives what an offer says of a Credential that is granted; None for a reference that is none."""
        if lender is None or handouts.form_of(reference) != handouts.OFFER:
            return None
        record = self._known.credentials.get(lender)
        seen = None if record is None else view.parse(record, self._catalogue)
        if seen is None:
            return None
        form = grants.issue(seen.document, reference["metadata"]["namespace"])
        served, allowed = self._forms(seen, reference, form)
        return {"type": seen.type, "formats": sorted(set(served).intersection(allowed or served))}

    def revoked_at(self, reference: Json, lender: objects.Key | None) -> datetime.datetime:
        """Gives when the target of a revoked reference goes."""
        record = None if lender is None else self._known.credentials.get(lender)
        grace = GRACE
        if record is not None:
            seen = view.parse(record, self._catalogue)
            if seen is not None and seen.spec.allowed_namespaces is not None:
                grace = seen.spec.allowed_namespaces.revocation_grace_period
        told = references.bound(reference["status"])
        since = findings.parse_time(told["lastTransitionTime"]) if told.get("reason") == REVOKED else None
        return (since or self._clock()) + grace

    async def _publish(self, reference: Json, record: inventory.Record, recorded: Json | None) -> Delivery:
        seen = view.parse(record, self._catalogue)
        if seen is None:
            unknown = State("Unknown", "Pending", "The operator does not know the Credential's type.")
            return Delivery(synced=unknown, target=recorded)
        wanted = _wanted(reference, seen)
        try:
            delivery = await self._render(reference, seen, wanted, recorded)
        except errors.CredentialError as error:
            if isinstance(error, errors.Transient) and wanted.issue is None:
                raise
            kept = None if isinstance(error, errors.TargetConflict) else recorded
            delivery = Delivery(synced=State("False", error.reason, error.message), target=kept)
        return self._planned(reference, delivery)

    async def _render(
        self, reference: Json, seen: view.View, wanted: publication.Target, recorded: Json | None
    ) -> Delivery:
        """Writes the target, if it differs; what is not to be lent on leaves it as it is."""
        if refusal := self._refusal(seen, reference, wanted):
            return Delivery(synced=refusal, target=recorded)
        due = recorded is not None and self._issuing.is_due(_holder(reference), findings.published(recorded))
        if not due:
            if self._is_so(reference, seen, recorded):
                return Delivery(synced=PUBLISHED, target=recorded)
            if not view.lendable(seen, seen.source_version(self._known)):
                return _held(seen, recorded)
        source = await self._sources.load(seen)
        owner = targets.owner(reference["metadata"], source.digest, kind=inventory.REFERENCE)
        renewed = due and self._issuing.is_of(owner, wanted.name)
        if not renewed and not view.lendable(seen, source.version):
            return _held(seen, recorded)
        return await self._write(reference, seen, source, wanted, recorded)

    async def _write(
        self,
        reference: Json,
        seen: view.View,
        source: sources.Source,
        wanted: publication.Target,
        recorded: Json | None,
    ) -> Delivery:
        owner = targets.owner(reference["metadata"], source.digest, kind=inventory.REFERENCE)
        if wanted.issue is None:
            material = seen.material(source.keys, external_id=self._keyring.external_id(*seen.key))
            desired = self._catalogue.render(wanted, material)
        else:
            order = _order(reference, seen, wanted, owner, recorded)
            desired = await self._issuing.desired(seen, source, order)
        published = await self._targets.publish(
            owner,
            desired,
            recorded=recorded,
            spec_changed=_changed(reference),
            now=findings.show_time(self._clock()),
        )
        if desired.expires_at is not None:
            generation = reference["metadata"]["generation"]
            published = dataclasses.replace(published, expires_at=desired.expires_at, generation=generation)
        target = published.document() | {"source": _stamp(seen, source.version)}
        return Delivery(synced=PUBLISHED, target=target, adopted=published.adopted)

    def _planned(self, reference: Json, delivery: Delivery) -> Delivery:
        """Adds when to look again at a short-lived key, and whether it has ended."""
        holder = _holder(reference)
        if delivery.target is None:
            return dataclasses.replace(delivery, look_at=self._issuing.waits(holder))
        published = findings.published(delivery.target)
        over = bool(renewal.ended([published], self._clock()))
        return dataclasses.replace(delivery, over=over, look_at=self._issuing.look_at(holder, published))

    def _is_so(self, reference: Json, seen: view.View, recorded: Json | None) -> bool:
        """Tells whether a target is known to be what it should be, so that nothing need be read."""
        if recorded is None or _changed(reference):
            return False
        version = seen.source_version(self._known)
        secret = objects.Key(reference["metadata"]["namespace"], recorded["name"])
        return (recorded["source"], recorded["resourceVersion"]) == (
            _stamp(seen, version),
            self._known.versions.get(secret),
        )

    def _refusal(self, seen: view.View, reference: Json, wanted: publication.Target) -> State | None:
        """Says why a target cannot have the form that is asked for; None where it can."""
        namespace = reference["metadata"]["namespace"]
        served, allowed = self._forms(seen, reference, wanted.issue)
        owners, asked = grants.issue(seen.document, namespace), reference["spec"]["target"].get("issue")
        if owners is not None and asked not in (None, owners):
            message = "The owner gives this key as a short-lived one of another kind: leave target.issue out."
            return State("False", "NotGranted", message)
        if wanted.issue is None and seen.identity is not None:
            message = "No key is stored: write target.issue, for a short-lived one."
            return State("False", "Misconfigured", message)
        if wanted.format not in served:
            message = f"Format {wanted.format} cannot hold a key of type {seen.type}: {_instead(served)}."
            return State("False", "Misconfigured", message)
        if allowed is not None and wanted.format not in allowed:
            message = f"The owner does not give this key as {wanted.format}: {_instead(allowed)}."
            return State("False", "NotGranted", message)
        return None

    def _forms(
        self, seen: view.View, reference: Json, form: Json | None
    ) -> tuple[list[str], list[str] | None]:
        """Gives the formats that can hold a key of a form, and those that its owner allows (None: any)."""
        served = self._catalogue.served(seen.provider, form)
        return served, grants.formats(seen.document, reference["metadata"]["namespace"])

    async def _remove(self, reference: Json, recorded: Json) -> None:
        owner = targets.owner(reference["metadata"], kind=inventory.REFERENCE)
        await self._targets.remove(owner, recorded["name"], recorded=recorded, retain=False)


def _holder(reference: Json) -> objects.Object:
    return objects.Object(inventory.REFERENCE, inventory.key_of(reference))


def _wanted(reference: Json, seen: view.View) -> publication.Target:
    """Gives the target with the short-lived key that the owner has for others, where there is one."""
    wanted = publication.Target.model_validate(reference["spec"]["target"])
    form = grants.issue(seen.document, reference["metadata"]["namespace"])
    return wanted if form is None else wanted.model_copy(update={"issue": form})


def _order(
    reference: Json, seen: view.View, wanted: publication.Target, owner: targets.Owner, recorded: Json | None
) -> issuing.Order:
    standing = None if recorded is None else findings.published(recorded)
    return issuing.Order(
        target=wanted,
        owner=owner,
        standing=standing,
        current=standing is not None
        and recorded is not None
        and standing.generation == reference["metadata"]["generation"]
        and recorded["source"].partition("/")[0] == str(seen.metadata["generation"]),
    )


def _held(seen: view.View, recorded: Json | None) -> Delivery:
    """Says why nothing new is lent on."""
    ready = readiness(seen.document)
    if recorded is not None:
        message = f"The target holds the last good key. {ready.message}"
        return Delivery(synced=State("False", "HeldBack", message), target=recorded)
    value = "Unknown" if ready.value == "Unknown" else "False"
    reason = ready.reason if ready.value != "True" else "HeldBack"
    return Delivery(synced=State(value, reason, ready.message))


def _instead(formats: list[str]) -> str:
    return f"write {' or '.join(sorted(formats))} as target.format"


def _changed(reference: Json) -> bool:
    return bool(reference["status"].get("observedGeneration") != reference["metadata"]["generation"])


def _stamp(seen: view.View, version: str | None) -> str:
    """Says what a target was made from: the Credential's generation and the version of its source."""
    return f"{seen.metadata['generation']}/{version}"

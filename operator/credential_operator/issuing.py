"""Short-lived keys in targets: made by the provider with the stored key, and kept as long as they are good."""

import dataclasses
import datetime
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from credential_operator import (
    checks,
    errors,
    findings,
    installation,
    inventory,
    objects,
    pacing,
    renewal,
    sources,
    targets,
    view,
)
from credential_operator.api import publication
from credential_operator.formats import contract as formats_contract
from credential_operator.providers import issue

Json = dict[str, Any]
Time = datetime.datetime

CLUSTER, NAMESPACE = "$(cluster)", "$(namespace)"
"""What stands for the cluster's name, and for the namespace that gets a key, in the tags of its session."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A target with a short-lived key, and the object that it is for.

    `standing` is what was published (None: nothing is there); `current`: for just this spec.
    """

    target: publication.Target
    owner: targets.Owner
    standing: findings.Published | None
    current: bool

    @property
    def holder(self) -> objects.Object:
        """Names the object that it is for."""
        return objects.Object(self.owner.kind, objects.Key(self.owner.namespace, self.owner.name))


class Issuing:
    """Has short-lived keys made; shared by Credentials and references."""

    def __init__(
        self,
        *,
        checker: checks.Checker,
        known: inventory.Inventory,
        keyring: installation.Installation,
        catalogue: view.Catalogue,
        written: targets.Targets,
        cluster: str,
        clock: Callable[[], Time],
    ) -> None:
        self._checker = checker
        self._known = known
        self._keyring = keyring
        self._catalogue = catalogue
        self._targets = written
        self._cluster = cluster
        self._clock = clock
        self._paces: dict[objects.Object, pacing.Pace] = {}

    def due_at(self, holder: objects.Object, published: findings.Published) -> Time | None:
        """Gives when the key in a target is to be renewed; None for a stored key."""
        if published.expires_at is None:
            return None
        made = Time.fromisoformat(published.published_at)
        seed = f"{holder}{published.name}{published.published_at}"
        return renewal.due_at(made, published.expires_at, zlib.crc32(seed.encode()) / 2**32)

    def is_due(self, holder: objects.Object, published: findings.Published) -> bool:
        """Tells whether the key in a target is to be renewed by now."""
        due = self.due_at(holder, published)
        return due is not None and due <= self._clock()

    def waits(self, holder: objects.Object) -> Time | None:
        """Gives when it may be tried again after a failure; None: now."""
        pace = self._paces.get(holder)
        remaining = 0.0 if pace is None else pace.remaining
        return self._clock() + datetime.timedelta(seconds=remaining) if remaining else None

    def look_at(self, holder: objects.Object, published: findings.Published) -> Time | None:
        """Gives when to look at a target again: when its key is due or may be tried again, and when it ends."""
        due, ends, again = self.due_at(holder, published), published.expires_at, self.waits(holder)
        if due is None or ends is None:
            return None
        now = self._clock()
        look = max(due, again) if again is not None else due
        return min(look, ends) if ends > now else look

    def forget(self, holder: objects.Object) -> None:
        """Forgets what failed."""
        self._paces.pop(holder, None)

    def is_of(self, owner: targets.Owner, name: str) -> bool:
        """Tells whether a target was made with the key that is stored now."""
        secret = self._known.targets.get(objects.Key(owner.namespace, name))
        return secret is not None and secret.source_digest == owner.source_digest

    def is_good(self, order: Order) -> bool:
        """Tells whether the key in a target is the one that is ordered, made with the stored key, and not due."""
        standing = order.standing
        return (
            standing is not None
            and order.current
            and standing.expires_at is not None
            and not self.is_due(order.holder, standing)
            and self.is_of(order.owner, standing.name)
        )

    async def desired(self, seen: view.View, source: sources.Source, order: Order) -> targets.Desired:
        """Gives what a target should be: what it is, while its key is good, else with a new one.

        Raises a CredentialError.
        """
        if order.standing is not None and self.is_good(order):
            contents = await self._targets.contents(order.owner, order.target.name)
            if contents is not None:
                kept = self._catalogue.desired(order.target, contents)
                return dataclasses.replace(kept, expires_at=order.standing.expires_at)
        try:
            with checks.Wordless():
                material, ends = await self._issue(seen, source, order)
        except (errors.CredentialError, checks.Fault) as error:
            asked = error.retry_after if isinstance(error, errors.Transient) else None
            self._paces.setdefault(order.holder, pacing.Pace()).fail(asked)
            raise
        self.forget(order.holder)
        return dataclasses.replace(self._catalogue.render(order.target, material), expires_at=ends)

    async def _issue(
        self, seen: view.View, source: sources.Source, order: Order
    ) -> tuple[formats_contract.Material, Time]:
        """Has a key made, and gives what formats draw from, and when it ends."""
        form = order.target.issue or {}
        kinds = issue.kinds(seen.provider)
        kind = kinds.get(form["kind"])
        if kind is None:
            raise errors.Misconfigured(
                f"A key of type {seen.type} has no {form['kind']}: "
                + (f"write {' or '.join(kinds)} as issue.kind." if kinds else "leave issue out.")
            )
        made = await self._checker.issue(
            checks.Wanted(
                provider=seen.provider,
                config=seen.config,
                kind=kind,
                options=kind.options.model_validate(self._options(form, order.owner.namespace)),
                holder=issue.Holder(namespace=order.owner.namespace, name=order.owner.name),
            ),
            source.keys,
            timeout=seen.spec.validation.timeout.total_seconds(),
            external_id=self._keyring.external_id(*seen.key),
        )
        if made.expires_at <= self._clock():
            raise errors.ProviderUnreachable("The provider made a key that has ended already.")
        material = formats_contract.Material(type=seen.type, fields=made.fields, variables=kind.variables)
        return material, made.expires_at

    def _options(self, form: Json, namespace: str) -> Json:
        """Gives what a kind wants to know, with the names that stand for others put in."""
        given = {name: value for name, value in form.items() if name != "kind"}
        tags: Mapping[str, str] = given.get("sessionTags", {})
        if not tags:
            return given
        if not self._cluster and any(CLUSTER in value for value in tags.values()):
            raise errors.Misconfigured(
                f"sessionTags names {CLUSTER}, and this installation gives its cluster no name: set clusterName "
                "in the values of the chart."
            )
        put = {
            tag: value.replace(CLUSTER, self._cluster).replace(NAMESPACE, namespace)
            for tag, value in tags.items()
        }
        return given | {"sessionTags": put}

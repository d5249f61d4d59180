"""What is published of a Credential: its targets, rendered from the stored key or from short-lived ones."""

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

from credential_operator import (
    errors,
    findings,
    installation,
    inventory,
    issuing,
    objects,
    sources,
    targets,
    view,
)
from credential_operator.api import publication

Json = dict[str, Any]


class Publisher:
    """Writes the targets of Credentials, and renews the short-lived keys in them."""

    def __init__(
        self,
        *,
        known: inventory.Inventory,
        keyring: installation.Installation,
        catalogue: view.Catalogue,
        source_of: sources.Sources,
        written: targets.Targets,
        issued: issuing.Issuing,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._known = known
        self._keyring = keyring
        self._catalogue = catalogue
        self._sources = source_of
        self._targets = written
        self._issuing = issued
        self._clock = clock

    def standing(self, seen: view.View) -> tuple[findings.Published, ...]:
        """Gives the targets that were published and still exist."""
        return tuple(
            findings.published(recorded)
            for name, recorded in seen.recorded.items()
            if objects.Key(seen.key.namespace, name) in self._known.targets
        )

    def digests(self, seen: view.View) -> set[str]:
        """Gives the digests of the key material that the standing targets were rendered from."""
        secrets = (self._known.targets.get(objects.Key(seen.key.namespace, name)) for name in seen.recorded)
        return {secret.source_digest for secret in secrets if secret is not None}

    def may_renew(self, key: objects.Key) -> bool:
        """Tells whether no short-lived key of a Credential was refused just now."""
        return self._issuing.waits(_holder(key)) is None

    def forget(self, key: objects.Key) -> None:
        """Forgets a Credential that is gone."""
        self._issuing.forget(_holder(key))

    async def publish(self, seen: view.View, source: sources.Source, found: findings.Pass) -> findings.Pass:
        """Renders and applies every target, and removes those that the spec no longer names."""
        standing = {target.name: target for target in found.targets}
        done: list[findings.Published] = []
        trouble: list[errors.CredentialError] = []
        for target in seen.spec.targets:
            try:
                done.append(await self._one(seen, source, target, standing.get(target.name)))
            except errors.CredentialError as error:
                trouble.append(error)
                if target.name in standing and not isinstance(error, errors.TargetConflict):
                    done.append(standing[target.name])
        for name in sorted(set(seen.recorded) - {target.name for target in seen.spec.targets}):
            await self._targets.remove(
                targets.owner(seen.metadata), name, recorded=seen.recorded[name], retain=False
            )
        return dataclasses.replace(found, targets=tuple(done), trouble=trouble[0] if trouble else None)

    async def renew(self, seen: view.View, found: findings.Pass) -> findings.Pass:
        """Renews the short-lived keys that are due, whatever else is not to be published; plans the next time.

        Only with the stored key that they were made with: another one has to be validated first.
        """
        if all(target.expires_at is None for target in found.targets):
            return found
        holder, error = _holder(seen.key), None
        if self._due(seen, found) and self._issuing.waits(holder) is None:
            found, error = await self._renewed(seen, found)
        looks = (self._issuing.look_at(holder, target) for target in found.targets)
        return dataclasses.replace(
            found,
            renewal=error,
            renewing=bool(self._due(seen, found)),
            look_at=min((look for look in looks if look is not None), default=None),
        )

    async def _renewed(
        self, seen: view.View, found: findings.Pass
    ) -> tuple[findings.Pass, errors.CredentialError | None]:
        """Renews the targets that are due; gives the first error."""
        done, error = {target.name: target for target in found.targets}, None
        try:
            source = await self._sources.load(seen)
            for target in self._due(seen, found):
                order = _order(seen, source, target, done[target.name])
                self._expect(order)
                done[target.name] = await self._deliver(seen, source, order)
        except errors.CredentialError as failure:
            error = failure
        return dataclasses.replace(found, targets=tuple(done.values())), error

    def _expect(self, order: issuing.Order) -> None:
        """Makes sure that a target was made with the key that is stored now; raises HeldBack."""
        if not self._issuing.is_of(order.owner, order.target.name):
            raise errors.HeldBack(
                "The source holds another key, which is not published: mend it, or write the last good one there."
            )

    def _due(self, seen: view.View, found: findings.Pass) -> list[publication.Target]:
        """Gives the targets whose short-lived keys are to be renewed by now."""
        due = {one.name for one in found.targets if self._issuing.is_due(_holder(seen.key), one)}
        return [target for target in seen.spec.targets if target.issue is not None and target.name in due]

    async def _one(
        self,
        seen: view.View,
        source: sources.Source,
        target: publication.Target,
        standing: findings.Published | None,
    ) -> findings.Published:
        """Brings one target to what it should be."""
        if target.issue is None:
            material = seen.material(source.keys, external_id=self._keyring.external_id(*seen.key))
            return await self._write(seen, source, self._catalogue.render(target, material))
        order = _order(seen, source, target, standing)
        if standing is not None and self._issuing.is_good(order) and self._is_untouched(seen, standing):
            return standing
        return await self._deliver(seen, source, order)

    def _is_untouched(self, seen: view.View, standing: findings.Published) -> bool:
        key = objects.Key(seen.key.namespace, standing.name)
        return self._known.versions.get(key) == standing.version

    async def _deliver(
        self, seen: view.View, source: sources.Source, order: issuing.Order
    ) -> findings.Published:
        """Brings a target with a short-lived key to what it should be."""
        desired = await self._issuing.desired(seen, source, order)
        written = await self._write(seen, source, desired)
        return dataclasses.replace(
            written, expires_at=desired.expires_at, generation=seen.metadata["generation"]
        )

    async def _write(
        self, seen: view.View, source: sources.Source, desired: targets.Desired
    ) -> findings.Published:
        return await self._targets.publish(
            targets.owner(seen.metadata, source.digest),
            desired,
            recorded=seen.recorded.get(desired.name),
            spec_changed=seen.spec_changed,
            now=findings.show_time(self._clock()),
        )


def _order(
    seen: view.View,
    source: sources.Source,
    target: publication.Target,
    standing: findings.Published | None,
) -> issuing.Order:
    return issuing.Order(
        target=target,
        owner=targets.owner(seen.metadata, source.digest),
        standing=standing,
        current=standing is not None and standing.generation == seen.metadata["generation"],
    )


def _holder(key: objects.Key) -> objects.Object:
    return objects.Object(inventory.CREDENTIAL, key)

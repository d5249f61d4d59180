"""Target Secrets: written only where they are ours, and only when something differs.

The first write is a POST: an apply would merge into somebody else's Secret without a conflict.
Later ones are JSON patches that test uid and resourceVersion and replace the data and our own labels
and annotations; what others add to the metadata stays. A Secret that is adopted meets the same patch, once what
it holds is kept.
"""

import dataclasses
import datetime
import hmac
from collections.abc import Mapping
from typing import Any

from credential_operator import (
    adoption,
    backups,
    cluster,
    contents,
    errors,
    findings,
    installation,
    inventory,
    objects,
    patches,
)

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """A target as spec and key material say it should be; `expires_at`: the end of a short-lived key.

    `adopt`: a Secret of its name that nobody owns is taken over.
    """

    name: str
    format: str
    secret_type: str
    data: Mapping[str, bytes] = dataclasses.field(repr=False)
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    adopt: bool = False
    expires_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The object of either kind that targets belong to, and the digest of the key material they are made from."""

    kind: str
    namespace: str
    name: str
    uid: str
    source_digest: str = ""

    @property
    def label(self) -> str:
        """The label that names it on a target."""
        return inventory.OWNER if self.kind == inventory.CREDENTIAL else inventory.BORROWER

    @property
    def told(self) -> str:
        """What digests have of it; a Credential and a reference of one name differ."""
        return self.name if self.kind == inventory.CREDENTIAL else f"{self.kind}/{self.name}"


def owner(metadata: Mapping[str, Any], source_digest: str = "", *, kind: str = inventory.CREDENTIAL) -> Owner:
    """Names the object with this metadata as the owner of targets."""
    return Owner(
        kind=kind,
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        source_digest=source_digest,
    )


class Targets:
    """Writes and removes the target Secrets of Credentials and of references."""

    def __init__(
        self,
        connection: cluster.Cluster,
        known: inventory.Inventory,
        keyring: installation.Installation,
        kept: backups.Backups,
        wake: objects.Wake,
    ) -> None:
        self._connection = connection
        self._known = known
        self._keyring = keyring
        self._backups = kept
        self._wake = wake

    async def publish(
        self,
        owner: Owner,
        desired: Desired,
        *,
        recorded: Mapping[str, Any] | None,
        spec_changed: bool,
        now: str,
    ) -> findings.Published:
        """Brings one target to what is desired, with no request at all if it is known to be that already."""
        key = objects.Key(owner.namespace, desired.name)
        seen = self._known.targets.get(key)
        if key not in self._known.versions:
            try:
                created = await self._create(owner, desired)
            except cluster.Exists:
                return await self._update(owner, desired, recorded=recorded, now=now)
            return _published(desired, recorded, created, now=now, repaired=recorded is not None)
        if seen is None or recorded is None or recorded["resourceVersion"] != seen.version or spec_changed:
            return await self._update(owner, desired, recorded=recorded, now=now)
        digest = self._digest(owner, desired.name, desired.secret_type, desired.data)
        if (seen.digest, seen.source_digest) == (digest, owner.source_digest):
            return _published(desired, recorded, None, now=now)
        patch = [
            *patches.unchanged(seen.uid, seen.version),
            _data(desired),
            *_marks(owner, desired, digest, seen.generation + (seen.digest != digest)),
        ]
        return _published(desired, recorded, await self._patch(owner, desired.name, patch), now=now)

    async def contents(self, owner: Owner, name: str) -> Mapping[str, bytes] | None:
        """Gives what a target of this owner holds; None where it is not what the operator wrote."""
        try:
            found = await self._connection.secret(owner.namespace, name)
        except cluster.NotFound:
            return None
        if (found["metadata"].get("labels") or {}).get(owner.label) != owner.name:
            return None
        return contents.decoded(found) if self._wrote(owner, found) else None

    async def remove(
        self, owner: Owner, name: str, *, recorded: Mapping[str, Any] | None, retain: bool
    ) -> None:
        """Deletes a target that is ours, or lets it go: takes our ownerReference off and leaves it."""
        key = objects.Key(owner.namespace, name)
        try:
            found = await self._connection.secret(*key)
        except cluster.NotFound:
            return
        metadata = found["metadata"]
        taken = any(
            one.get("controller") and one["uid"] != owner.uid for one in metadata.get("ownerReferences", ())
        )
        # A Credential of the same name may have taken it over since.
        if taken or not self._ours(owner, found, recorded):
            return
        if retain:
            await self._let_go(owner, found)
            return
        try:
            await self._connection.delete_secret(
                *key, uid=metadata["uid"], version=metadata["resourceVersion"]
            )
        except cluster.NotFound:
            return

    async def _let_go(self, owner: Owner, found: Json) -> None:
        """Takes our ownerReference off a target, if it is on it: a release may be repeated."""
        owners = found["metadata"].get("ownerReferences", ())
        others = [one for one in owners if one["uid"] != owner.uid]
        if len(others) < len(owners):
            change = {"op": "add", "path": "/metadata/ownerReferences", "value": others}
            await self._patch(owner, found["metadata"]["name"], [*patches.same(found), change])

    async def _create(self, owner: Owner, desired: Desired) -> Json:
        digest = self._digest(owner, desired.name, desired.secret_type, desired.data)
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": desired.name,
                "namespace": owner.namespace,
                "labels": {**desired.labels, **_labels(owner)},
                "annotations": {**desired.annotations, **_annotations(owner, desired, digest, 1)},
                "ownerReferences": [_owner_reference(owner)],
            },
            "type": desired.secret_type,
            "data": contents.encoded(desired.data),
        }
        return self._note(owner, await self._connection.create_secret(manifest))

    async def _update(
        self, owner: Owner, desired: Desired, *, recorded: Mapping[str, Any] | None, now: str
    ) -> findings.Published:
        """Reads the Secret of that name, and writes it if it is ours and differs."""
        key = objects.Key(owner.namespace, desired.name)
        try:
            found = await self._connection.secret(*key)
        except cluster.NotFound:
            self._known.drop_secret(key)
            created = await self._create(owner, desired)
            return _published(desired, recorded, created, now=now, repaired=recorded is not None)
        if not self._ours(owner, found, recorded):
            return await self._take_over(owner, desired, found, recorded=recorded, now=now)
        patch = self._differences(owner, desired, found)
        if not patch:
            return _published(desired, recorded, self._note(owner, found), now=now, written=False)
        touched = recorded is not None and recorded["resourceVersion"] != found["metadata"]["resourceVersion"]
        written = await self._patch(owner, desired.name, [*patches.same(found), *patch])
        return _published(desired, recorded, written, now=now, repaired=touched)

    async def _take_over(
        self, owner: Owner, desired: Desired, found: Json, *, recorded: Mapping[str, Any] | None, now: str
    ) -> findings.Published:
        """Makes a Secret that is not this owner's its target, if it is asked to and nobody else owns it.

        What it held is kept first; what changes between is kept in a later pass, before anything is written over it.
        """
        refusal = adoption.refusal(found, self._claim(owner, desired))
        if refusal is not None and desired.adopt:
            raise errors.TargetConflict(f"Secret {desired.name} {refusal}")
        if not desired.adopt:
            raise errors.TargetConflict(
                f"Secret {desired.name} exists and belongs to someone else: delete it, or choose another name for "
                f"the target{'' if refusal else ', or have it taken over by adopt: true there'}."
            )
        known = recorded is not None and recorded["uid"] == found["metadata"]["uid"]
        if not known:
            await self._backups.keep(found, _owner_reference(owner))
        patch = [*patches.same(found), *self._differences(owner, desired, found), *_without_copy(found)]
        written = await self._patch(owner, desired.name, patch)
        done = _published(desired, recorded, written, now=now, repaired=known)
        return dataclasses.replace(done, adopted=not known)

    def _claim(self, owner: Owner, desired: Desired) -> adoption.Claim:
        """Says who wants a Secret as a target, and who else names it."""
        secret = objects.Key(owner.namespace, desired.name)
        own = objects.Object(owner.kind, objects.Key(owner.namespace, owner.name))
        others = [one for one in self._known.concerned(secret) if one != own]
        return adoption.Claim(
            owner=own,
            uid=owner.uid,
            secret_type=desired.secret_type,
            others=others,
            readers=[one.key.name for one in others if self._reads(one, secret.name)],
        )

    def _reads(self, other: objects.Object, secret: str) -> bool:
        """Tells whether a Secret is the source of another Credential."""
        record = self._known.credentials.get(other.key) if other.kind == inventory.CREDENTIAL else None
        source = {} if record is None else record.parse()["spec"].get("secretRef", {})
        return bool(source.get("name") == secret)

    def _differences(self, owner: Owner, desired: Desired, found: Json) -> list[Json]:
        """Gives the patch from what a Secret of ours is to what it should be; empty if it is that."""
        metadata = found["metadata"]
        digest = self._digest(owner, desired.name, desired.secret_type, desired.data)
        same_data = (found.get("data") or {}) == contents.encoded(desired.data)
        generation = inventory.target(metadata)
        count = generation.generation if generation is not None else 0
        labels = {**desired.labels, **_labels(owner)}
        annotations = {
            **desired.annotations,
            **_annotations(owner, desired, digest, count if same_data else count + 1),
        }
        patch = [] if same_data else [_data(desired)]
        patch += patches.bring("labels", metadata, labels)
        patch += patches.bring("annotations", metadata, annotations)
        owners = metadata.get("ownerReferences") or []
        if not any(one["uid"] == owner.uid for one in owners):
            kept = [one for one in owners if not one.get("controller")]
            patch.append(
                {"op": "add", "path": "/metadata/ownerReferences", "value": [*kept, _owner_reference(owner)]}
            )
        return patch

    async def _patch(self, owner: Owner, name: str, patch: list[Json]) -> Json:
        return self._note(owner, await self._connection.patch_secret(owner.namespace, name, patch))

    def _note(self, owner: Owner, secret: Json) -> Json:
        """Takes our own write in, so that the watch's echo of it wakes only others that name the Secret."""
        concerned = self._known.put_secret(secret["metadata"])
        own = objects.Object(owner.kind, objects.Key(owner.namespace, owner.name))
        self._wake(one for one in concerned if one != own)
        return secret

    def _digest(self, owner: Owner, name: str, secret_type: str, data: Mapping[str, bytes]) -> str:
        return self._keyring.digest("target", owner.namespace, name, owner.told, secret_type, data)

    def _ours(self, owner: Owner, found: Json, recorded: Mapping[str, Any] | None) -> bool:
        """Tells whether a Secret is this owner's: by label, owner and recorded uid, or by its digest.

        The digest speaks for a Secret that we wrote and did not come to record, and for one that is left
        from the owner of this name before a restore or a reinstall.
        """
        metadata = found["metadata"]
        if (metadata.get("labels") or {}).get(owner.label) != owner.name:
            return False
        owners = metadata.get("ownerReferences") or []
        if any(one["uid"] == owner.uid for one in owners) and recorded is not None:
            return bool(recorded["uid"] == metadata["uid"]) or self._wrote(owner, found)
        return self._wrote(owner, found)

    def _wrote(self, owner: Owner, found: Json) -> bool:
        """Tells whether the digest on a Secret is the one that this installation gives to its contents."""
        seen = inventory.target(found["metadata"])
        digest = self._digest(owner, found["metadata"]["name"], found["type"], contents.decoded(found))
        return seen is not None and hmac.compare_digest(seen.digest, digest)


def _published(
    desired: Desired,
    recorded: Mapping[str, Any] | None,
    secret: Json | None,
    *,
    now: str,
    written: bool = True,
    repaired: bool = False,
) -> findings.Published:
    """Gives the status of a target after `secret` was written or read; None: nothing was looked at."""
    written = written and secret is not None
    metadata = secret["metadata"] if secret is not None else {}
    before = recorded or {}
    return findings.Published(
        name=desired.name,
        format=desired.format,
        uid=metadata.get("uid") or before["uid"],
        version=metadata.get("resourceVersion") or before["resourceVersion"],
        published_at=now if written or recorded is None else before["publishedAt"],
        written=written,
        repaired=repaired and written,
    )


def _labels(owner: Owner) -> dict[str, str]:
    return {"app.kubernetes.io/managed-by": cluster.MANAGER, owner.label: owner.name}


def _annotations(owner: Owner, desired: Desired, digest: str, generation: int) -> dict[str, str]:
    ends = desired.expires_at
    return {
        inventory.DIGEST: digest,
        inventory.SOURCE_DIGEST: owner.source_digest,
        inventory.GENERATION: str(generation),
        **({} if ends is None else {inventory.EXPIRES: findings.show_time(ends)}),
    }


def _owner_reference(owner: Owner) -> Json:
    return {
        "apiVersion": "credential-operator.io/v1beta1",
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
    }


def _without_copy(found: Json) -> list[Json]:
    """Takes off what kubectl noted of a Secret that somebody applied: it has the key that it held."""
    copied = adoption.LAST_APPLIED in (found["metadata"].get("annotations") or {})
    return [patches.drop("annotations", adoption.LAST_APPLIED)] if copied else []


def _data(desired: Desired) -> Json:
    return {"op": "add", "path": "/data", "value": contents.encoded(desired.data)}


def _marks(owner: Owner, desired: Desired, digest: str, generation: int) -> list[Json]:
    marks = _annotations(owner, desired, digest, generation)
    return [patches.put("annotations", name, value) for name, value in marks.items()]

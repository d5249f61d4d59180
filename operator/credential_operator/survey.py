"""Who needs what: from memory for what is shown, from fresh lists for what is decided.

A Credential is let go on what the API server's store says, never on a cache: a cache may be late.
"""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

from credential_operator import (
    cluster,
    definitions,
    distribution,
    findings,
    grants,
    handouts,
    inventory,
    naming,
    objects,
    references,
    rotation,
    usage,
    view,
)

Json = dict[str, Any]

POD = "Pod"
MANY = 16
"""In how many namespaces there are Secrets whose users are looked for in all at once."""


class Survey:
    """Finds who needs a Credential, and the holders of references.

    Without `kinds` no users are looked for; `namespaces` are those that are served, none named: all.
    """

    def __init__(
        self,
        connection: cluster.Cluster,
        known: inventory.Inventory,
        found: usage.Usage,
        *,
        kinds: Sequence[usage.Kind],
        namespaces: Sequence[str],
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._connection = connection
        self._known = known
        self._found = found
        self._kinds = kinds
        self._namespaces = namespaces or ("",)
        self._clock = clock

    # Who needs a Credential

    def needs(self, seen: view.View, published: Iterable[str]) -> findings.Needs:
        """Gives who needs a Credential as far as is known; `published` are its targets."""
        claims, given = self._claims(seen), self._given(seen.key)
        secrets = [*_secrets(seen, published), *_lent(seen, claims).values(), *given.values()]
        return self._needs(seen, claims, self._found, secrets=secrets, given=given)

    async def needs_now(self, seen: view.View) -> findings.Needs:
        """Gives who needs a Credential, from fresh lists."""
        claims = await self._claims_now(seen)
        secrets = [*_secrets(seen, seen.recorded), *_lent(seen, claims).values()]
        given = _lent(seen, (claim for claim in claims if handouts.form_of(claim)))
        users = await self._users(self._kinds, secrets)
        return self._needs(seen, claims, users, secrets=secrets, given=given)

    async def runs_now(self, seen: view.View) -> findings.Needs:
        """Gives whose Pods still run with a Credential's Secrets, from a fresh list."""
        pods = [kind for kind in self._kinds if kind.name == POD]
        secrets = _secrets(seen, seen.recorded)
        return self._needs(seen, [], await self._users(pods, secrets), secrets=secrets, given={})

    def used(self, secret: objects.Key) -> bool:
        """Tells whether anybody is known to use a Secret."""
        return bool(self._found.users([secret]))

    # Who runs the previous key

    @property
    def watches(self) -> bool:
        """Tells whether users are looked for at all."""
        return bool(self._kinds)

    def follow(self, follower: usage.Follower, secrets: Iterable[objects.Key]) -> None:
        """Has it told whenever something happens to what uses these Secrets; none: no more."""
        self._found.follow(follower, secrets)

    def pods(self, secret: objects.Key) -> Mapping[findings.User, objects.Key]:
        """Gives the workloads whose Pods use a Secret, and of each the first Pod by name."""
        return self._found.firsts(POD, secret)

    async def behind(self, published: Mapping[objects.Key, datetime.datetime | None]) -> rotation.Behind:
        """Gives who runs a previous key, from fresh lists of Pods; `published`: since when Secrets hold the new one."""
        now, found = self._clock(), []
        (pods,) = (kind for kind in self._kinds if kind.name == POD)
        for namespace in sorted({secret.namespace for secret in published}):
            async for document in self._documents(pods, namespace):
                use = pods.use(document)
                if use is not None and not published.keys().isdisjoint(use.secrets):
                    found.append(rotation.behind(document, self._found.named(use.user), published, now))
        return rotation.together(found)

    def unjudged(self, secrets: Iterable[objects.Key]) -> set[findings.User]:
        """Gives who uses Secrets and reads them nobody knows when: custom resources."""
        return self._found.of_kinds([kind.name for kind in self._kinds if kind.custom], secrets)

    def cleared(self, seen: view.View) -> tuple[str, ...]:
        """Names the references that held a deletion back when the status was written, and that are gone."""
        if seen.condition("DeletionBlocked").get("status") != "True":
            return ()
        listed = [findings.User(**one) for one in seen.status["references"].get("items", ())]
        return tuple(
            user.seen_from(seen.key.namespace)
            for user in listed
            if user.kind == inventory.REFERENCE and objects.Key(*user[1:]) not in self._known.references
        )

    def _needs(
        self,
        seen: view.View,
        claims: Iterable[Json],
        users: usage.Usage,
        *,
        secrets: Iterable[objects.Key],
        given: Mapping[objects.Key, objects.Key],
    ) -> findings.Needs:
        """Weighs claims and users; `given` has the references that the operator made, and their Secrets."""
        now = self._clock()
        own = (claim for claim in claims if not handouts.form_of(claim))
        counting = [
            one
            for one in references.claims(own, seen.key, now)
            if one.counts_for(seen.document, now, granted=self.granted(seen.document, one.key.namespace))
        ]
        used = (reference for reference, secret in given.items() if users.users([secret]))
        return findings.Needs(
            declared=tuple(sorted(one.user for one in counting)),
            distributed=tuple(sorted(findings.User(inventory.REFERENCE, *reference) for reference in used)),
            found=tuple(sorted(users.users(secrets))) if self._kinds else None,
        )

    async def _users(self, kinds: Sequence[usage.Kind], secrets: Sequence[objects.Key]) -> usage.Usage:
        """Gives who uses any of these Secrets, from fresh lists of their namespaces, or of all if they are many."""
        wanted = frozenset(secrets)
        namespaces = sorted({secret.namespace for secret in wanted})
        if len(namespaces) > MANY and "" in self._namespaces:
            namespaces = [""]
        lists = await asyncio.gather(
            *(
                self._listed(kind, place, wanted)
                for kind in kinds
                for place in (namespaces if kind.namespaced else [""])
            )
        )
        return usage.gathered(each for uses in lists for each in uses)

    def _claims(self, seen: view.View) -> list[Json]:
        """Gives the references to a Credential that people made."""
        given = self._known.handouts
        keys = (key for key in self._known.references_to(seen.key) if given.get(key) is None)
        return [self._known.references[key].parse() for key in keys]

    def _given(self, credential: objects.Key) -> dict[objects.Key, objects.Key]:
        """Gives the references that the operator made for a Credential and that have a Secret, with that."""
        made = self._known.handouts.of(credential)
        return {key: objects.Key(key.namespace, one.secret) for key, one in made.items() if one.secret}

    async def _claims_now(self, seen: view.View) -> list[Json]:
        """Lists the references that may be to a Credential; a kind whose definition is gone has none."""
        try:
            lists = [await self._connection.references(place) for place in self.places(seen)]
        except cluster.NotFound:
            if await definitions.leaves(self._connection, definitions.REFERENCES):
                return []
            raise
        return [claim for found in lists for claim in found]

    def places(self, seen: view.View) -> Sequence[str]:
        """Gives where references to a Credential can be: in its namespace, or wherever it was ever shared with."""
        shared = seen.spec.allowed_namespaces is not None or any(
            key.namespace != seen.key.namespace for key in self._known.references_to(seen.key)
        )
        return self._namespaces if shared else [seen.key.namespace]

    def serves(self, namespace: str) -> bool:
        """Tells whether the operator works in a namespace."""
        return not {"", namespace}.isdisjoint(self._namespaces)

    def granted(self, credential: Json, namespace: str) -> bool:
        """Tells whether the owner of a Credential allows a namespace."""
        return grants.allows(credential, namespace, self._known.namespaces.get(namespace))

    def admitted(self, credential: Json, reference: Json) -> bool:
        """Tells whether the owner of a Credential allows a reference, as the operator made it if it did."""
        place = reference["metadata"]["namespace"]
        return self.granted(credential, place) and distribution.admits(reference, credential)

    # Who holds a reference

    async def holding(self, reference: Json) -> references.Holding:
        """Looks at the holder of a reference that ends when that has finished."""
        if not references.awaits_holder(reference):
            return references.Holding()
        named = reference["spec"]["holder"]
        kind = self._kind(named["apiVersion"], named["kind"])
        if kind is None:
            return references.Holding(watched=False)
        namespace = reference["metadata"]["namespace"]
        try:
            document = await self._connection.read(
                cluster.path(named["apiVersion"], kind.resource, namespace), named["name"]
            )
        except cluster.NotFound:
            return references.Holding()
        return references.Holding(uid=document["metadata"]["uid"], finished=kind.finished(document))

    def _kind(self, api_version: str, name: str) -> usage.Kind | None:
        return next(
            (
                kind
                for kind in self._kinds
                if kind.namespaced and kind.name == name and api_version in kind.api_versions
            ),
            None,
        )

    async def _listed(
        self, kind: usage.Kind, namespace: str, wanted: frozenset[objects.Key]
    ) -> list[tuple[objects.Object, usage.Use]]:
        """Lists what uses any of the wanted Secrets; nothing else is kept."""
        return [
            (objects.Object(kind.name, objects.Key.of(document)), use)
            async for document in self._documents(kind, namespace)
            if (use := kind.use(document)) is not None and not wanted.isdisjoint(use.secrets)
        ]

    async def _documents(self, kind: usage.Kind, namespace: str) -> AsyncIterator[Json]:
        """Lists a kind; one that is not installed has no objects."""
        place = namespace if kind.namespaced else ""
        paths = [cluster.path(version, kind.resource, place) for version in kind.api_versions]
        with contextlib.suppress(cluster.NotFound):
            async for _, page in self._connection.list_served(
                paths, metadata=False, size=cluster.PAGE_OF_WHOLES
            ):
                for document in page["items"]:
                    yield document


def _secrets(seen: view.View, published: Iterable[str]) -> list[objects.Key]:
    """Gives the Secrets whose users need a Credential: its source, the one before, and what was published of it."""
    sources = [key for key in (seen.source_key, seen.left_key) if key is not None]
    return [*sources, *(objects.Key(seen.key.namespace, name) for name in published)]


def _lent(seen: view.View, claims: Iterable[Json]) -> dict[objects.Key, objects.Key]:
    """Gives the references that have a target of a Credential, with that."""
    return {
        objects.Key.of(claim): objects.Key(claim["metadata"]["namespace"], claim["status"]["target"]["name"])
        for claim in claims
        if "target" in (claim.get("status") or {}) and naming.named_by(claim) == seen.key
    }

"""The end of an installation: nothing keeps waiting for an operator that is gone.

It runs when the operator and its admission policies are gone, since both would put the finalizer back on.
Every step may run twice, and what was interrupted is finished by the next run.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from credential_operator import cluster, errors, inventory, kubeconfig, objects

Json = dict[str, Any]

ROUNDS, PAUSE = 20, 1.0
"""How often, and after how many seconds, it looks again for what was missed or put back."""
TROUBLE = (errors.CredentialError, cluster.Gone)


@dataclasses.dataclass(kw_only=True)
class Release:
    """Takes the finalizer off Credentials, and lets published Secrets go or removes them.

    `namespaces`: none named, all. `say` gets a line for each object.
    """

    connection: cluster.Cluster
    namespaces: tuple[str, ...]
    remove: bool
    say: Callable[[str], object]

    async def run(self) -> bool:
        """Releases until two looks in a row find nothing more to do; False if something is left."""
        quiet, trouble = 0, ""
        for _ in range(ROUNDS):
            try:
                done = await self._secrets() + await self._credentials()
                quiet, trouble = (0 if done else quiet + 1), ""
            except TROUBLE as error:
                quiet, trouble = 0, str(error) or type(error).__name__
            if quiet > 1:
                self.say("Nothing is left to be released.")
                return True
            await asyncio.sleep(PAUSE)
        self.say(f"Not everything was released; run it again. {trouble}".rstrip())
        return False

    async def _credentials(self) -> int:
        """Takes our finalizer off; what was deleted meanwhile goes by itself."""
        done = 0
        async for metadata in self._listed("credentials", cluster.GROUP_VERSION):
            finalizers = metadata.get("finalizers", [])
            if inventory.FINALIZER not in finalizers:
                continue
            key = objects.Key(metadata["namespace"], metadata["name"])
            place = f"/metadata/finalizers/{finalizers.index(inventory.FINALIZER)}"
            patch = [_unchanged(metadata), {"op": "remove", "path": place}]
            done += 1
            with contextlib.suppress(cluster.NotFound, errors.Conflict):
                await self.connection.patch_object("credentials", *key, patch)
                self.say(f"released Credential {key}")
        return done

    async def _secrets(self) -> int:
        """Takes our ownerReferences off, so that no garbage collection takes the Secrets, or removes them."""
        done = 0
        async for metadata in self._listed("secrets", "v1"):
            if inventory.target(metadata) is None or not (self.remove or _owned(metadata)):
                continue
            done += 1
            with contextlib.suppress(cluster.NotFound, errors.Conflict):
                await self._let_go(metadata)
        return done

    async def _let_go(self, metadata: Json) -> None:
        key = objects.Key(metadata["namespace"], metadata["name"])
        if self.remove:
            version = metadata["resourceVersion"]
            await self.connection.delete_secret(*key, uid=metadata["uid"], version=version)
            self.say(f"removed Secret {key}")
            return
        others = [one for one in metadata["ownerReferences"] if not _is_ours(one)]
        patch = [_unchanged(metadata), {"op": "add", "path": "/metadata/ownerReferences", "value": others}]
        await self.connection.patch_secret(*key, patch)
        self.say(f"left Secret {key}")

    async def _listed(self, resource: str, api_version: str) -> AsyncIterator[Json]:
        """Gives the metadata of a collection's objects; a kind that is not served has none."""
        for namespace in self.namespaces or ("",):
            with contextlib.suppress(cluster.NotFound):
                async for page in self.connection.list_pages(cluster.path(api_version, resource, namespace)):
                    for item in page["items"]:
                        yield item["metadata"]


def run(namespaces: Iterable[str], *, remove: bool, say: Callable[[str], object]) -> bool:
    """Releases everything in these namespaces (none named: in all); False if something is left."""
    return asyncio.run(_run(tuple(namespaces), remove=remove, say=say))


async def _run(namespaces: tuple[str, ...], *, remove: bool, say: Callable[[str], object]) -> bool:
    async with cluster.Cluster(await kubeconfig.configuration()) as connection:
        return await Release(connection=connection, namespaces=namespaces, remove=remove, say=say).run()


def _owned(metadata: Json) -> bool:
    return any(_is_ours(one) for one in metadata.get("ownerReferences", ()))


def _is_ours(owner: Json) -> bool:
    """Tells whether an ownerReference is to an object of either kind."""
    return owner["apiVersion"] == cluster.GROUP_VERSION and owner["kind"] in (
        inventory.CREDENTIAL,
        inventory.REFERENCE,
    )


def _unchanged(metadata: Json) -> Json:
    return {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}

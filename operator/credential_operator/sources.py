"""Where a Credential's key material comes from: a Secret that is read, or a token that is made."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from credential_operator import (
    cluster,
    contents,
    errors,
    installation,
    inventory,
    keystore,
    layouts,
    objects,
    view,
)
from credential_operator.api import credential
from credential_operator.formats import contract as formats_contract
from credential_operator.providers import contract

Json = dict[str, Any]

TOKEN_SECONDS = 600
"""How long the token of a ServiceAccount is good: the least that the API server gives."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Key material, and what stands for it without showing it; `name` and `version` are the Secret's, if any.

    `key_id` is the key's public name, where the operator had it made.
    """

    name: str = ""
    version: str | None
    key_id: str | None = None
    digest: str
    keys: Any = dataclasses.field(repr=False)


class Sources:
    """Gives the key material of Credentials. `account` is the operator's own, as namespace:name."""

    def __init__(
        self,
        connection: cluster.Cluster,
        known: inventory.Inventory,
        keyring: installation.Installation,
        *,
        formats: Mapping[str, formats_contract.Source[Any]],
        account: str,
        wake: objects.Wake,
    ) -> None:
        self._connection = connection
        self._known = known
        self._keyring = keyring
        self._layouts = formats
        self._account = account
        self._wake = wake

    async def load(self, seen: view.View) -> Source:
        """Reads the source Secret, or makes a token; raises SourceNotFound, or what `layouts.load` does."""
        if seen.secret_ref is not None:
            return await self._stored(seen, seen.secret_ref)
        if isinstance(seen.provider, contract.Keyless):
            return await self._token(seen, seen.provider)
        raise errors.InvalidSpec(f"{seen.type} needs a stored key: name its Secret in spec.secretRef.")

    async def _stored(self, seen: view.View, source: credential.SecretRef) -> Source:
        """Reads the store where there is one, so that no key is gone back to that it has replaced; else the source."""
        rotation = seen.spec.rotation
        if rotation is not None:
            found = await self._found(seen, rotation.store)
            if found is not None and keystore.is_store(found["metadata"], seen.key.name):
                return self._read(seen, credential.SecretRef(name=rotation.store), found)
            if seen.has_store:
                raise errors.SourceNotFound(
                    f"Secret {rotation.store}, in which the operator kept the keys that it had made, is gone. Restore "
                    "it; or write a new key to the Secret of spec.secretRef, take spec.rotation away, and put it "
                    "back."
                )
        found = await self._found(seen, source.name)
        if found is None:
            raise errors.SourceNotFound(
                f"Secret {source.name} does not exist: create it, or name another one in spec.secretRef."
            )
        return self._read(seen, source, found)

    async def _found(self, seen: view.View, name: str) -> Json | None:
        try:
            return await self._connection.secret(seen.key.namespace, name)
        except cluster.NotFound:
            return None

    def _read(self, seen: view.View, source: credential.SecretRef, secret: Json) -> Source:
        concerned = self._known.put_secret(secret["metadata"])
        self._wake(one for one in concerned if one != objects.Object(inventory.CREDENTIAL, seen.key))
        data = contents.decoded(secret)
        keys = layouts.load(seen.provider, seen.config, source, data, self._layouts)
        fields = seen.provider.fields(seen.config, keys)
        return Source(
            name=source.name,
            version=secret["metadata"]["resourceVersion"],
            key_id=keystore.current_id(secret["metadata"]),
            digest=self._keyring.source(*seen.key, fields),
            keys=keys,
        )

    async def _token(self, seen: view.View, provider: contract.Keyless) -> Source:
        """Makes a token of the ServiceAccount that stands in for a stored key."""
        name, namespace = seen.identity.service_account_name, seen.key.namespace
        audience = provider.audience(seen.config, seen.identity)
        try:
            text = await self._connection.create_token(
                namespace, name, audience=audience, seconds=TOKEN_SECONDS
            )
        except cluster.NotFound:
            raise errors.SourceNotFound(
                f"ServiceAccount {name} does not exist: create it, or name another one in "
                "spec.workloadIdentity."
            ) from None
        except errors.Forbidden:
            raise errors.SourceNotFound(
                f"The operator may not make tokens of ServiceAccount {name}. Allow it: "
                f"{_allowing(namespace, name, self._account)}"
            ) from None
        return Source(
            version=None,
            digest=self._keyring.digest("token", *seen.key, name, audience),
            keys=contract.Token(identity=seen.identity, text=text),
        )


def _allowing(namespace: str, name: str, operator: str) -> str:
    """Gives the commands that let the operator make tokens of one ServiceAccount."""
    kubectl, role = f"kubectl -n {namespace} create", f"{name}-tokens"
    return (
        f"{kubectl} role {role} --verb=create --resource=serviceaccounts/token --resource-name={name} && "
        f"{kubectl} rolebinding {role} --role={role} --serviceaccount={operator}"
    )

"""Where a Credential's key material comes from: a Secret that is read, or a token that is made."""

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any

from credential_operator import cluster, errors, installation, inventory, layouts, objects, view
from credential_operator.api import credential
from credential_operator.formats import contract as formats_contract
from credential_operator.providers import contract

TOKEN_SECONDS = 600
"""How long the token of a ServiceAccount is good: the least that the API server gives."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Key material, and what stands for it without showing it; `version` is the Secret's, if it is from one."""

    version: str | None
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
        if seen.spec.secret_ref is not None:
            return await self._secret(seen, seen.spec.secret_ref)
        if isinstance(seen.provider, contract.Keyless):
            return await self._token(seen, seen.provider)
        raise errors.InvalidSpec(f"{seen.type} needs a stored key: name its Secret in spec.secretRef.")

    async def _secret(self, seen: view.View, source: credential.SecretRef) -> Source:
        try:
            secret = await self._connection.secret(seen.key.namespace, source.name)
        except cluster.NotFound:
            raise errors.SourceNotFound(
                f"Secret {source.name} does not exist: create it, or name another one in spec.secretRef."
            ) from None
        concerned = self._known.put_secret(secret["metadata"])
        self._wake(one for one in concerned if one != objects.Object(inventory.CREDENTIAL, seen.key))
        data = {field: base64.b64decode(value) for field, value in (secret.get("data") or {}).items()}
        keys = layouts.load(seen.provider, seen.config, source, data, self._layouts)
        fields = seen.provider.fields(seen.config, keys)
        return Source(
            version=secret["metadata"]["resourceVersion"],
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

"""What this installation of the operator alone can say: digests and external IDs, by one secret key.

The key lies in a Secret in the operator's namespace, made once by the leader. A digest shows that
the operator wrote something without showing what: without the key nothing can be guessed back from it.
"""

import base64
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from credential_operator import cluster

NAME = "credential-operator-installation-key"
FIELD = "key"


class Installation:
    """The installation's key and what is derived from it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def digest(self, purpose: str, *parts: Any) -> str:
        """Gives 32 hexadecimal digits that stand for JSON-like parts, different for each purpose."""
        text = orjson.dumps([purpose, *parts], default=_encoded, option=orjson.OPT_SORT_KEYS)
        return hmac.digest(self._key, text, "sha256").hex()[:32]

    def source(self, namespace: str, name: str, fields: Mapping[str, str | bytes]) -> str:
        """Gives the digest of a Credential's fields; bytes are not taken for the text that encodes them."""
        binary = sorted(field for field, value in fields.items() if isinstance(value, bytes))
        return self.digest("source", namespace, name, dict(fields), *binary)

    def external_id(self, namespace: str, name: str) -> str:
        """Gives the external ID of a Credential that names none; the same after a restore."""
        return self.digest("external-id", namespace, name)


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


async def load(connection: cluster.Cluster, namespace: str) -> Installation:
    """Reads the installation's key, or makes it if there is none."""
    for _ in range(2):
        try:
            found = await connection.secret(namespace, NAME)
        except cluster.NotFound:
            try:
                found = await connection.create_secret(_manifest(namespace))
            except cluster.Exists:
                continue
        return Installation(base64.b64decode(found["data"][FIELD]))
    raise RuntimeError(f"Secret {namespace}/{NAME} exists and cannot be read")


def _manifest(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": cluster.MANAGER},
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "type": "Opaque",
        "data": {FIELD: base64.b64encode(secrets.token_bytes(32)).decode()},
    }

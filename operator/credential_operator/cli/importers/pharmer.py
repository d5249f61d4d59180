"""Pharmer's Credentials, as `pharmer get credentials -o yaml` shows them, `v1beta1` and before.

github.com/pharmer/pharmer, credential/types.go: the names of the fields, and what stands for masked ones
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from credential_operator.cli.importers.contract import Entry, Shape, plain

AWS = Shape(type="aws", secret={"accessKeyID": "accessKeyID", "secretAccessKey": "secretAccessKey"})
AZURE = Shape(
    type="azure",
    public={name: name for name in ("tenantID", "clientID", "subscriptionID")},
    secret={"clientSecret": "clientSecret"},
)
GOOGLE = Shape(
    type="google", public={"projectID": "projectID"}, secret={"serviceAccount": "serviceAccountJSON"}
)
SHAPES: Mapping[str, Shape] = {
    **dict.fromkeys(("aws", "eks"), AWS),
    **dict.fromkeys(("azure", "aks"), AZURE),
    **dict.fromkeys(("gce", "gke", "googlecloud"), GOOGLE),
    "azurestorage": Shape(
        type="azureStorage", public={"account": "accountName"}, secret={"key": "accountKey"}
    ),
    "digitalocean": Shape(type="apiKey", secret={"token": "key"}, fixed={"preset": "DigitalOcean"}),
}
"""By provider, in lower case."""


class Importer:
    """Reads the YAML of Credentials."""

    name: ClassVar[str] = "pharmer"
    title: ClassVar[str] = "Pharmer's Credential YAML (v1beta1)"

    def read(self, text: str, documents: Sequence[Any]) -> list[Entry]:
        """Gives what has Pharmer's form."""
        return [entry for document in documents for entry in _entries(document)]


def _entries(document: Any) -> Iterator[Entry]:
    if not isinstance(document, dict):
        return
    items = document.get("items")
    if isinstance(items, list):
        for item in items:
            yield from _entries(item)
    spec = document.get("spec")
    if document.get("kind") == "Credential" and isinstance(spec, dict) and "provider" in spec:
        yield _entry(document, spec)


def _entry(document: Mapping[str, Any], spec: Mapping[str, Any]) -> Entry:
    provider, data = str(spec["provider"]), spec.get("data") or {}
    name = str((document.get("metadata") or {}).get("name", provider))
    shape = SHAPES.get(provider.lower())
    if shape is not None:
        return shape.entry(name, data)
    return Entry(
        name=name,
        type="opaque",
        fields={field: plain(value) for field, value in data.items()},
        left=[f"There is no credential type for {provider}: it is taken as opaque, which nobody checks."],
    )


IMPORTER = Importer()

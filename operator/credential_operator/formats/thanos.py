"""The configuration of an object store of Thanos, which Cortex, Parca and others read alike.

thanos.io, "Object Storage & Data Format"; providers/*/*.go in github.com/thanos-io/objstore, which refuses unknown
names.
"""

from collections.abc import Mapping
from typing import ClassVar

import yaml

from credential_operator.formats import _keys, _store, contract


class Format(_keys.Format[_store.PlaceOptions]):
    """The file that `--objstore.config-file` names, with the bucket that a Thanos works in."""

    name: ClassVar[str] = "thanos"
    title: ClassVar[str] = (
        "The configuration of a Thanos object store (S3, AZURE, GCS) under the key `objstore.yml`; for GCS and "
        "AZURE it needs the option bucket."
    )
    options = _store.PlaceOptions
    layouts = (
        _keys.Layout(
            needs=_keys.BUCKET,
            names={
                "bucket": "bucket",
                "endpoint": "host",
                "region": "region",
                "access_key": "accessKeyID",
                "secret_key": "secretAccessKey",
                "session_token": "sessionToken",
                "bucket_lookup_type": "lookup",
            },
        ),
        _keys.Layout(
            needs=_keys.STORAGE_ACCOUNT,
            names={
                "storage_account": "accountName",
                "storage_account_key": "accountKey",
                "container": "bucket",
                "endpoint": "domain",
            },
        ),
        _keys.Layout(
            needs=_keys.SERVICE_ACCOUNT,
            names={"bucket": "bucket", "service_account": "serviceAccountJSON"},
        ),
    )

    def render(self, material: contract.Material, options: _store.PlaceOptions) -> Mapping[str, bytes]:
        """Gives the file."""
        fields = material.fields
        kind = "S3" if "bucket" in material.variables else "AZURE" if "accountName" in fields else "GCS"
        lines = [f"type: {kind}", "config:"]
        lines += [f"  {name}: {_quoted(text)}" for name, text in self.named(material, options).items()]
        if kind == "S3":
            lines.append(f"  insecure: {'true' if _store.url(fields).startswith('http://') else 'false'}")
        if options.prefix:
            lines.append(f"prefix: {_quoted(options.prefix)}")
        return {"objstore.yml": "\n".join([*lines, ""]).encode()}

    def values(self, fields: _keys.Values, options: _store.PlaceOptions) -> _keys.Values:
        """Adds the bucket, and where the store is."""
        found = {**fields, "bucket": _store.bucket(fields, options)}
        if "accountName" in fields:
            return {**found, "domain": _store.domain(fields)}
        if "storageClass" in fields:
            lookup = "path" if _store.in_path(found) else "virtual-hosted"
            return {**found, "host": _store.host(fields), "lookup": lookup}
        return found


def _quoted(text: str) -> str:
    """Writes a text that readers of YAML take as it is, whatever it looks like."""
    return yaml.safe_dump(text, default_style='"', width=float("inf")).rstrip("\n")


FORMAT = Format()

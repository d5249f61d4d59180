"""The Secret that a LokiStack names for its object storage.

github.com/grafana/loki, operator/internal/handlers/internal/storage/secrets.go, which checks every value;
operator/docs/lokistack/object_storage.md
"""

from typing import ClassVar

from credential_operator.formats import _keys, _store, _text

ENVIRONMENTS = {
    "AzurePublic": "AzurePublicCloud",
    "AzureUSGovernment": "AzureUSGovernment",
    "AzureChina": "AzureChinaCloud",
}


class Format(_keys.Format[_store.Options]):
    """What Loki's operator reads, one key each."""

    name: ClassVar[str] = "loki"
    title: ClassVar[str] = (
        "The object storage of a LokiStack of Loki's operator, for S3, Azure and Google; for the latter two it "
        "needs the option bucket."
    )
    options = _store.Options
    layouts = (
        _keys.Layout(
            needs=_keys.BUCKET,
            names={
                "bucketnames": "bucket",
                "endpoint": "url",
                "region": "region",
                "access_key_id": "accessKeyID",
                "access_key_secret": "secretAccessKey",
                "forcepathstyle": "path",
            },
            lacks=frozenset({"sessionToken"}),
        ),
        _keys.Layout(
            needs=_keys.STORAGE_ACCOUNT,
            names={
                "environment": "environment",
                "endpoint_suffix": "domain",
                "container": "bucket",
                "account_name": "accountName",
                "account_key": "accountKey",
            },
        ),
        _keys.Layout(
            needs=_keys.SERVICE_ACCOUNT,
            names={"bucketname": "bucket", "key.json": "serviceAccountJSON"},
        ),
    )

    def values(self, fields: _keys.Values, options: _store.Options) -> _keys.Values:
        """Adds the bucket, and where the store is."""
        found = {**fields, "bucket": _store.bucket(fields, options)}
        if "accountName" in fields:
            environment = ENVIRONMENTS[_text.line("cloud", fields["cloud"])]
            return {**found, "environment": environment, "domain": _store.domain(fields)}
        if "storageClass" in fields:
            path = "true" if _store.in_path(found) else "false"
            return {**found, "url": _store.url(fields), "path": path}
        return found


FORMAT = Format()

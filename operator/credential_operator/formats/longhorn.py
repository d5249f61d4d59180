"""The Secret of a Longhorn BackupTarget, whose keys become variables of its engine.

longhorn.io/docs, "Setting a Backup Target"; s3/s3_service.go and azblob/azblob_service.go in
github.com/longhorn/backupstore
"""

from typing import ClassVar

from credential_operator.formats import _keys, _store, _text, contract


class Format(_keys.Format[contract.Options]):
    """What the engine reads; bucket, region and Azure's domain stand in the BackupTarget's URL."""

    name: ClassVar[str] = "longhorn"
    title: ClassVar[str] = (
        "The Secret of a Longhorn BackupTarget, for S3 and for Azure; it has to be in Longhorn's own namespace."
    )
    options = contract.Options
    layouts = (
        _keys.Layout(
            needs=_keys.BUCKET,
            names={
                "AWS_ACCESS_KEY_ID": "accessKeyID",
                "AWS_SECRET_ACCESS_KEY": "secretAccessKey",
                "AWS_ENDPOINTS": "endpoint",
                "AWS_CERT": "caBundle",
                "VIRTUAL_HOSTED_STYLE": "virtual",
            },
            lacks=frozenset({"sessionToken"}),
        ),
        _keys.Layout(
            needs=_keys.STORAGE_ACCOUNT,
            names={
                "AZBLOB_ACCOUNT_NAME": "accountName",
                "AZBLOB_ACCOUNT_KEY": "accountKey",
                "AZBLOB_ENDPOINT": "service",
                "AZBLOB_CERT": "caBundle",
            },
        ),
    )

    def values(self, fields: _keys.Values, _: contract.Options) -> _keys.Values:
        """Adds how the bucket stands in URLs, and Azure's service where the account stands in their path."""
        if "accountName" not in fields:
            return {**fields, "virtual": "false" if _store.in_path(fields) else "true"}
        service, slash, account = _text.line("endpoint", fields.get("endpoint", "")).rpartition("/")
        return {**fields, "service": service} if slash and account == fields["accountName"] else fields


FORMAT = Format()

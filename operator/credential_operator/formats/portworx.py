"""The Secret that `secretConfig` of a BackupLocation of Stork and Portworx names.

github.com/libopenstorage/stork, pkg/apis/stork/v1alpha1/backuplocation.go: UpdateFromSecret (`location`) and
UpdateFromClusterSecret (`cluster`), which read fixed keys.
"""

from typing import ClassVar

from credential_operator.formats import _azure, _keys, _store, _text


class Format(_keys.Format[_azure.GroupOptions]):
    """What the location, or for whole clouds the cluster, reads; a bucket is the location's path."""

    name: ClassVar[str] = "portworx"
    title: ClassVar[str] = (
        "What `secretConfig` of a BackupLocation of Portworx and Stork names: a bucket, a storage account or a "
        "service account for its `location`, a key of AWS or an application of Azure for its `cluster`."
    )
    options = _azure.GroupOptions
    layouts = (
        _keys.Layout(
            needs=_keys.BUCKET,
            names={
                "accessKeyID": "accessKeyID",
                "secretAccessKey": "secretAccessKey",
                "endpoint": "host",
                "region": "region",
                "disableSSL": "disableSSL",
                "storageClass": "storageClass",
                "path": "bucket",
                "encryptionKey": "encryptionKey",
            },
            lacks=frozenset({"sessionToken"}),
        ),
        _keys.Layout(
            needs=_keys.AWS,
            names={"accessKeyID": "accessKeyID", "secretAccessKey": "secretAccessKey"},
            lacks=frozenset({"sessionToken"}),
        ),
        _keys.Layout(
            needs=_keys.STORAGE_ACCOUNT,
            names={
                "storageAccountName": "accountName",
                "storageAccountKey": "accountKey",
                "encryptionKey": "encryptionKey",
                "environment": "environment",
                "resourceGroupName": "resourceGroup",
            },
        ),
        _keys.Layout(
            needs=_keys.APPLICATION,
            names={
                "tenantID": "tenantID",
                "clientID": "clientID",
                "clientSecret": "clientSecret",
                "subscriptionID": "subscriptionID",
            },
            lacks=frozenset({"clientCertificate"}),
        ),
        _keys.Layout(
            needs=_keys.SERVICE_ACCOUNT,
            names={"projectID": "projectID", "accountKey": "serviceAccountJSON"},
        ),
    )

    def values(self, fields: _keys.Values, options: _azure.GroupOptions) -> _keys.Values:
        """Adds the store's host, and the cloud and the resource group of a storage account."""
        if "storageClass" in fields:
            return {**fields, "host": _store.host(fields)}
        if "accountName" not in fields:
            return fields
        return {**fields, **_azure.told(_text.line("cloud", fields["cloud"]), options)}


FORMAT = Format()

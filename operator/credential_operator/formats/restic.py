"""restic's variables, as VolSync reads them from one Secret, and K8up from keys that its backends name.

restic.readthedocs.io, "Preparing a new repository" and "Environment Variables"; controllers/mover/restic/mover.go in
github.com/backube/volsync
"""

from typing import ClassVar

from credential_operator.formats import _keys, _store


class Format(_keys.Format[_store.PlaceOptions]):
    """Where the repository is, the key for it, and its own password where the Credential has one."""

    name: ClassVar[str] = "restic"
    title: ClassVar[str] = (
        "restic's variables with the repository's URL, for restic, K8up and VolSync: RESTIC_PASSWORD is the "
        "encryptionKey, else it comes from a Secret of its own. For Google as VolSync takes them: "
        "GOOGLE_APPLICATION_CREDENTIALS is the key file itself."
    )
    options = _store.PlaceOptions
    layouts = (
        _keys.Layout(
            needs=_keys.BUCKET,
            names={
                "RESTIC_REPOSITORY": "repository",
                "AWS_ACCESS_KEY_ID": "accessKeyID",
                "AWS_SECRET_ACCESS_KEY": "secretAccessKey",
                "AWS_SESSION_TOKEN": "sessionToken",
                "AWS_DEFAULT_REGION": "region",
                "RESTIC_PASSWORD": "encryptionKey",
            },
        ),
        _keys.Layout(
            needs=_keys.STORAGE_ACCOUNT,
            names={
                "RESTIC_REPOSITORY": "repository",
                "AZURE_ACCOUNT_NAME": "accountName",
                "AZURE_ACCOUNT_KEY": "accountKey",
                "AZURE_ENDPOINT_SUFFIX": "domain",
                "RESTIC_PASSWORD": "encryptionKey",
            },
        ),
        _keys.Layout(
            needs=_keys.SERVICE_ACCOUNT,
            names={
                "RESTIC_REPOSITORY": "repository",
                "GOOGLE_PROJECT_ID": "projectID",
                "GOOGLE_APPLICATION_CREDENTIALS": "serviceAccountJSON",
            },
        ),
    )

    def values(self, fields: _keys.Values, options: _store.PlaceOptions) -> _keys.Values:
        """Adds the repository, and the domain of Azure's accounts."""
        bucket, path = _store.bucket(fields, options), options.prefix or ""
        if "accountName" in fields:
            domain = _store.domain(fields).removeprefix("blob.")
            return {**fields, "repository": f"azure:{bucket}:/{path}", "domain": domain}
        if "storageClass" in fields:
            return {**fields, "repository": f"s3:{_store.url(fields)}/{bucket}/{path}".rstrip("/")}
        return {**fields, "repository": f"gs:{bucket}:/{path}"}


FORMAT = Format()

"""Keys as the documentation of CloudNativePG and of its Barman Cloud plugin has them.

cloudnative-pg.io: "Appendix C - Common object stores for backups"; cloudnative-pg.io/plugin-barman-cloud
"""

from typing import ClassVar

from credential_operator.formats import _keys, contract


class Format(_keys.Format[contract.Options]):
    """What the credentials of an object store refer to, one key each."""

    name: ClassVar[str] = "cloudnative-pg"
    title: ClassVar[str] = (
        "What CloudNativePG's backups refer to: `ACCESS_KEY_ID`, `ACCESS_SECRET_KEY`, `ACCESS_SESSION_TOKEN`, "
        "`ACCESS_REGION` (s3Credentials), `ca.crt` (endpointCA), `AZURE_STORAGE_ACCOUNT`, `AZURE_STORAGE_KEY`, "
        "`gcsCredentials`."
    )
    options = contract.Options
    layouts = (
        _keys.Layout(
            needs=_keys.BUCKET,
            names={
                "ACCESS_KEY_ID": "accessKeyID",
                "ACCESS_SECRET_KEY": "secretAccessKey",
                "ACCESS_SESSION_TOKEN": "sessionToken",
                "ACCESS_REGION": "region",
                "ca.crt": "caBundle",
            },
        ),
        _keys.Layout(
            needs=_keys.STORAGE_ACCOUNT,
            names={"AZURE_STORAGE_ACCOUNT": "accountName", "AZURE_STORAGE_KEY": "accountKey"},
        ),
        _keys.Layout(needs=_keys.SERVICE_ACCOUNT, names={"gcsCredentials": "serviceAccountJSON"}),
    )


FORMAT = Format()

"""Keys as the documentation of External Secrets has them in its SecretStores.

external-secrets.io: "AWS Secrets Manager", "Azure Key Vault", "Google Cloud Secret Manager", "Oracle Vault"
"""

from typing import ClassVar

from credential_operator.formats import _keys, contract


class Format(_keys.Format[contract.Options]):
    """What a SecretStore's `auth` refers to, one key each; the store names the rest itself."""

    name: ClassVar[str] = "external-secrets"
    title: ClassVar[str] = (
        "What a SecretStore of External Secrets refers to: `access-key`, `secret-access-key`, `session-token`; "
        "`ClientID`, `ClientSecret`; `secret-access-credentials`; `privateKey`, `fingerprint`."
    )
    options = contract.Options
    layouts = (
        _keys.Layout(
            needs=_keys.AWS,
            names={
                "access-key": "accessKeyID",
                "secret-access-key": "secretAccessKey",
                "session-token": "sessionToken",
            },
        ),
        _keys.Layout(
            needs=_keys.APPLICATION,
            names={"ClientID": "clientID", "ClientSecret": "clientSecret"},
            lacks=frozenset({"clientCertificate"}),
        ),
        _keys.Layout(needs=_keys.SERVICE_ACCOUNT, names={"secret-access-credentials": "serviceAccountJSON"}),
        _keys.Layout(
            needs=_keys.SIGNING_KEY,
            names={"privateKey": "privateKey", "fingerprint": "fingerprint"},
            lacks=frozenset({"passphrase"}),
        ),
    )


FORMAT = Format()

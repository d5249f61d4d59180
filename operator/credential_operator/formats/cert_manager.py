"""Keys as the documentation of cert-manager has them in its issuers for ACME by DNS01.

cert-manager.io/docs/configuration/acme/dns01: "Route53", "AzureDNS", "Google CloudDNS"
"""

from typing import ClassVar

from credential_operator.formats import _keys, contract


class Format(_keys.Format[contract.Options]):
    """What a DNS01 solver refers to, one key each, to the byte: cert-manager trims nothing."""

    name: ClassVar[str] = "cert-manager"
    title: ClassVar[str] = (
        "What a DNS01 solver of cert-manager refers to: `access-key-id` and `secret-access-key` (route53), "
        "`client-secret` (azureDNS), `key.json` (cloudDNS)."
    )
    options = contract.Options
    layouts = (
        _keys.Layout(
            needs=_keys.AWS,
            names={"access-key-id": "accessKeyID", "secret-access-key": "secretAccessKey"},
            lacks=frozenset({"sessionToken"}),
        ),
        _keys.Layout(
            needs=_keys.APPLICATION,
            names={"client-secret": "clientSecret"},
            lacks=frozenset({"clientCertificate"}),
        ),
        _keys.Layout(needs=_keys.SERVICE_ACCOUNT, names={"key.json": "serviceAccountJSON"}),
    )


FORMAT = Format()

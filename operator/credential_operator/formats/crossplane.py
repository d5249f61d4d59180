"""Crossplane's `credentials.secretRef` of a ProviderConfig.

docs.crossplane.io, and how the providers read it: internal/clients in github.com/crossplane-contrib/provider-upjet-aws
(an INI file), provider-upjet-azure and github.com/oracle/crossplane-provider-oci (JSON, every value a text),
provider-upjet-gcp (the key file).
"""

from collections.abc import Mapping
from typing import ClassVar

import orjson

from credential_operator.formats import _ini, _keys, _text, contract, google_key_file


class Format(_keys.Format[contract.Options]):
    """One document, as the provider of the type's cloud reads it."""

    name: ClassVar[str] = "crossplane"
    title: ClassVar[str] = (
        "Crossplane's credentials under the key `creds`: an INI file for its provider for AWS, JSON for those for "
        "Azure and Oracle, the key file for Google's. A role of AWS is the ProviderConfig's (assumeRoleChain)."
    )
    options = contract.Options
    layouts = (
        _keys.Layout(needs=_keys.ACCESS_KEY, names={}),
        _keys.Layout(needs=_keys.SERVICE_ACCOUNT, names={}),
        _keys.Layout(
            needs=_keys.APPLICATION,
            names={
                "clientId": "clientID",
                "clientSecret": "clientSecret",
                "tenantId": "tenantID",
                "subscriptionId": "subscriptionID",
            },
            lacks=frozenset({"clientCertificate"}),
        ),
        _keys.Layout(
            needs=_keys.SIGNING_KEY,
            names={
                "tenancy_ocid": "tenancyOCID",
                "user_ocid": "userOCID",
                "private_key": "privateKey",
                "fingerprint": "fingerprint",
                "region": "region",
            },
            lacks=frozenset({"passphrase"}),
        ),
    )

    def render(self, material: contract.Material, options: contract.Options) -> Mapping[str, bytes]:
        """Gives the document."""
        if _keys.ACCESS_KEY.issubset(material.variables):
            return {"creds": _ini.key(material)}
        if google_key_file.FIELD in material.variables:
            file = _text.text(google_key_file.FIELD, material.fields[google_key_file.FIELD])
            return {"creds": file.encode()}
        return {"creds": orjson.dumps(self.named(material, options))}


FORMAT = Format()

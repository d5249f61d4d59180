"""external-dns's configuration for Azure DNS and Azure Private DNS.

github.com/kubernetes-sigs/external-dns, provider/azure/config.go and docs/tutorials/azure.md
"""

from collections.abc import Mapping
from typing import ClassVar

import orjson

from credential_operator.formats import _azure, _keys, _text, contract


class Format(_keys.Format[_azure.GroupOptions]):
    """The file that `--azure-config-file` names."""

    name: ClassVar[str] = "external-dns"
    title: ClassVar[str] = (
        "external-dns's configuration for Azure under the key `azure.json`. For its other providers: "
        "aws-credentials-file, google-key-file."
    )
    options = _azure.GroupOptions
    layouts = (
        _keys.Layout(
            needs=_keys.APPLICATION,
            names={
                "cloud": "environment",
                "tenantId": "tenantID",
                "subscriptionId": "subscriptionID",
                "resourceGroup": "resourceGroup",
                "aadClientId": "clientID",
                "aadClientSecret": "clientSecret",
            },
            lacks=frozenset({"clientCertificate"}),
        ),
    )

    def render(self, material: contract.Material, options: _azure.GroupOptions) -> Mapping[str, bytes]:
        """Gives the file."""
        return {"azure.json": orjson.dumps(self.named(material, options), option=orjson.OPT_INDENT_2)}

    def values(self, fields: _keys.Values, options: _azure.GroupOptions) -> _keys.Values:
        """Adds the cloud as Azure's SDK for Go calls it, and the resource group."""
        return {**fields, **_azure.told(_text.line("cloud", fields["cloud"]), options)}


FORMAT = Format()

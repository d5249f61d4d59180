"""The JSON that Pharmer imports credentials from.

github.com/pharmer/cloud, pkg/credential/types.go: the names, and LoadFromJSON, which wants texts alone
"""

from collections.abc import Mapping
from typing import ClassVar

import orjson

from credential_operator.formats import _keys, contract


class Format(_keys.Format[contract.Options]):
    """One file, in the names of Pharmer's credential formats."""

    name: ClassVar[str] = "pharmer"
    title: ClassVar[str] = "Pharmer's credentials under the key `credential.json`, for AWS, Azure and Google."
    options = contract.Options
    layouts = (
        _keys.Layout(
            needs=_keys.ACCESS_KEY,
            names={"accessKeyID": "accessKeyID", "secretAccessKey": "secretAccessKey"},
            lacks=frozenset({"sessionToken"}),
        ),
        _keys.Layout(
            needs=_keys.APPLICATION,
            names={
                "tenantID": "tenantID",
                "subscriptionID": "subscriptionID",
                "clientID": "clientID",
                "clientSecret": "clientSecret",
            },
            lacks=frozenset({"clientCertificate"}),
        ),
        _keys.Layout(needs=_keys.STORAGE_ACCOUNT, names={"account": "accountName", "key": "accountKey"}),
        _keys.Layout(
            needs=_keys.SERVICE_ACCOUNT,
            names={"projectID": "projectID", "serviceAccount": "serviceAccountJSON"},
        ),
    )

    def render(self, material: contract.Material, options: contract.Options) -> Mapping[str, bytes]:
        """Gives the file."""
        return {"credential.json": orjson.dumps(self.named(material, options))}


FORMAT = Format()

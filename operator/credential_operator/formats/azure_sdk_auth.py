"""What `az ad sp create-for-rbac --sdk-auth` prints: an application and its secret, in JSON."""

from collections.abc import Collection, Mapping
from typing import ClassVar

import orjson

from credential_operator import errors
from credential_operator.formats import _azure, _file, _json, _text, contract
from credential_operator.providers import _azure as clouds

SECRET = {"clientId": "clientID", "clientSecret": "clientSecret"}
PLACE = {"subscriptionId": "subscriptionID", "tenantId": "tenantID"}
SIGN_IN = "activeDirectoryEndpointUrl"


class Format:
    """The document, every value a text: readers that want texts alone refuse it otherwise."""

    name: ClassVar[str] = "azure-sdk-auth"
    title: ClassVar[str] = (
        "An application in the JSON of `az ad sp create-for-rbac --sdk-auth` under the key "
        "`credentials.json`: for azure/login."
    )
    source_title: ClassVar[str] = (
        "An application in the JSON of `az ad sp create-for-rbac --sdk-auth` under the key "
        "`credentials.json` or `creds`; what it says of public fields must be what the spec says."
    )
    secret_type: ClassVar[str] = contract.OPAQUE
    options = contract.Options
    source_options = _file.Options

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether there is an application with a secret."""
        return _azure.is_application(fields)

    def render(self, material: contract.Material, _: contract.Options) -> Mapping[str, bytes]:
        """Gives the document, with the addresses of the application's cloud."""
        fields = {name: _text.text(name, value) for name, value in material.fields.items()}
        if "clientSecret" not in fields:
            raise errors.InvalidKeyMaterial(
                "clientSecret is missing, and the format azure-sdk-auth holds no certificate: write a client "
                "secret, or choose another format."
            )
        cloud = fields["cloud"]
        addresses = {
            SIGN_IN: fields.get("authority", clouds.CLOUDS[cloud].authority),
            **_azure.ADDRESSES[cloud],
        }
        if fields.get("resource") == "management" and "endpoint" in fields:
            addresses["resourceManagerEndpointUrl"] = fields["endpoint"]
        named = {name: fields[field] for name, field in {**SECRET, **PLACE}.items() if field in fields}
        return {"credentials.json": orjson.dumps({**named, **addresses}, option=orjson.OPT_INDENT_2)}

    def read(
        self, data: Mapping[str, bytes], options: _file.Options, asked: contract.Asked
    ) -> contract.Found:
        """Reads the document."""
        where, content = _file.text(data, options.key, ["credentials.json", "creds"])
        entries = _json.texts(_json.read(content, where))
        names = {field: (name,) for name, field in {**SECRET, **PLACE}.items()}
        if SIGN_IN in entries:
            field, entries[SIGN_IN] = _azure.signs_in_at(entries[SIGN_IN], asked.spec)
            names[field] = (SIGN_IN,)
        return _file.need(_file.take(_file.encoded(entries), names, where, asked), "clientSecret")


FORMAT = Format()

"""The shared credentials file of AWS tools, `~/.aws/credentials`."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from credential_operator.formats import _ini, contract


class Format:
    """A file with one profile; with a role, it makes consumers assume that."""

    name: ClassVar[str] = "aws-credentials-file"
    title: ClassVar[str] = (
        "A shared credentials file under the key `credentials`: for AWS SDKs, external-dns, Crossplane, "
        "AWS Controllers for Kubernetes."
    )
    secret_type: ClassVar[str] = contract.OPAQUE
    options = _ini.Options

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether there is an access key."""
        return _ini.NEEDED.issubset(fields)

    def render(self, material: contract.Material, options: _ini.Options) -> Mapping[str, bytes]:
        """Gives the file, with the region, and with the endpoint of a store."""
        settings = {"region": "region"}
        if "AWS_ENDPOINT_URL_S3" in material.variables.get("endpoint", ()):
            settings["endpoint_url"] = "endpoint"
        return {"credentials": _ini.render(material, options.profile, settings)}


FORMAT = Format()

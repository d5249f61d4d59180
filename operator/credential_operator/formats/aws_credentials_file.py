"""The shared credentials file of AWS tools, `~/.aws/credentials`."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from credential_operator.formats import _file, _ini, contract


class Format:
    """A file with one profile; with a role, it makes consumers assume that."""

    name: ClassVar[str] = "aws-credentials-file"
    title: ClassVar[str] = (
        "A shared credentials file under the key `credentials`: for AWS SDKs, external-dns, "
        "AWS Controllers for Kubernetes."
    )
    source_title: ClassVar[str] = (
        "A profile of a shared credentials file under the key `credentials`, with the key of its "
        "source_profile where it has one."
    )
    secret_type: ClassVar[str] = contract.OPAQUE
    options = _ini.Options
    source_options = _ini.SourceOptions

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether there is an access key."""
        return _ini.NEEDED.issubset(fields)

    def render(self, material: contract.Material, options: _ini.Options) -> Mapping[str, bytes]:
        """Gives the file, with the region, and with the endpoint of a store."""
        settings = {"region": "region"}
        if "AWS_ENDPOINT_URL_S3" in material.variables.get("endpoint", ()):
            settings["endpoint_url"] = "endpoint"
        return {"credentials": _ini.render(material, options.profile, settings)}

    def read(
        self, data: Mapping[str, bytes], options: _ini.SourceOptions, asked: contract.Asked
    ) -> contract.Found:
        """Reads the profile."""
        where, content = _file.text(data, options.key, ["credentials"])
        return _ini.read(content, where, options.profile, asked)


FORMAT = Format()

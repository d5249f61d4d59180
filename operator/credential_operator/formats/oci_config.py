"""The configuration of Oracle's CLI and SDKs.

docs.oracle.com/en-us/iaas/Content/API/Concepts/sdkconfig.htm
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import pydantic

from credential_operator.api import values
from credential_operator.formats import _ini, _keys, _text, contract

CONFIG, KEY = "config", "key.pem"


class Options(_ini.SectionOptions):
    """The profile, and where the Secret is mounted."""

    directory: Annotated[
        str,
        pydantic.Field(max_length=253),
        values.Matching(
            r"^(~|/[A-Za-z0-9._-]+)(/[A-Za-z0-9._-]+)*$",
            "a path from / or ~ without white space, such as ~/.oci",
        ),
    ] = "~/.oci"
    """Where the Secret is mounted: the configuration names the key's file in full."""


class Format(_keys.Format[Options]):
    """The configuration, and the key beside it."""

    name: ClassVar[str] = "oci-config"
    title: ClassVar[str] = (
        "The configuration of Oracle's CLI and SDKs under the key `config`, with the private key beside it under "
        "`key.pem`: to be mounted at ~/.oci, or where the option directory says."
    )
    options = Options
    layouts = (
        _keys.Layout(
            needs=_keys.SIGNING_KEY,
            names={
                "user": "userOCID",
                "fingerprint": "fingerprint",
                "tenancy": "tenancyOCID",
                "region": "region",
                "key_file": "file",
                "pass_phrase": "passphrase",
            },
        ),
    )

    def render(self, material: contract.Material, options: Options) -> Mapping[str, bytes]:
        """Gives both files."""
        config = _ini.section(options.section, self.chosen(material, options))
        key = _text.text("privateKey", material.fields["privateKey"])
        return {CONFIG: config.encode(), KEY: key.encode()}

    def values(self, fields: _keys.Values, options: Options) -> _keys.Values:
        """Adds where the key is."""
        return {**fields, "file": f"{options.directory}/{KEY}"}


FORMAT = Format()
